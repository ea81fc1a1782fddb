"""What identities and configuration sets of SES report to us, as AWS says.

API: Amazon SES API Reference, ListIdentities, GetIdentityNotificationAttributes; Amazon SES API v2 Reference,
GetEmailIdentity, ListConfigurationSets, GetConfigurationSetEventDestinations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ses_bounces.base.aws.clients import Place, explained
from ses_bounces.base.exceptions import AwsRefusedError
from ses_bounces.doctor.clients import Clients

# SES's own limit of one call.
_AT_ONCE = 100
# A request a second each.
SETS_READ = 50
_DEFAULTS_READ = 50
_NEEDED = {"bounces": "BounceTopic", "complaints": "ComplaintTopic"}
_DELIVERIES = "DeliveryTopic"


@dataclass
class Identity:
    """A domain or a FROM address, and what its notifications lack.

    ``default_set``: the configuration set of mail that names none; None: there is none, or it could not be asked.
    ``is_verified``: SES takes mail from it, as far as is known.
    """

    name: str
    lacking: set[str]
    deliveries: bool
    default_set: str | None = None
    is_verified: bool = True

    @property
    def key(self) -> str:
        """Its name in lower case."""
        return self.name.lower()


@dataclass(frozen=True)
class Sets:
    """Configuration sets that report bounces and complaints to us, or to EventBridge, whose ways can't be followed.

    ``deliveries``: those of them that report deliveries too.
    """

    names: set[str] = field(default_factory=set)
    deliveries: set[str] = field(default_factory=set)


def read_identities(clients: Clients, place: Place, topics: set[str]) -> list[Identity]:
    """Return every identity of a region.

    :param topics: ours.
    """
    found = []
    for name, reported in _notifications(clients, place):
        lacking = {what for what, key in _NEEDED.items() if reported.get(key) not in topics}
        found.append(Identity(name, lacking, reported.get(_DELIVERIES) in topics))
    return found


def read_defaults(clients: Clients, place: Place, identities: Iterable[Identity]) -> None:
    """Fill in the default configuration sets of the first 50 identities, as far as we may ask."""
    sesv2 = clients.get("sesv2", place)
    for identity in list(identities)[:_DEFAULTS_READ]:
        clients.pace.wait()
        try:
            answer = _email_identity(sesv2, identity.name)
        except AwsRefusedError:
            return
        identity.default_set = answer.get("ConfigurationSetName") or None
        identity.is_verified = bool(answer.get("VerifiedForSendingStatus", True))


def _email_identity(sesv2: Any, name: str) -> dict[str, Any]:
    # The error must not name it: it may be an address.
    with explained("ses:GetEmailIdentity", sesv2.meta.region_name):
        try:
            answer: dict[str, Any] = sesv2.get_email_identity(EmailIdentity=name)
        except sesv2.exceptions.NotFoundException:
            return {}
    return answer


def read_sets(clients: Clients, place: Place, topics: set[str]) -> Sets:
    """Return the configuration sets that report to us, of the first 50."""
    sesv2 = clients.get("sesv2", place)
    clients.pace.wait()
    with explained("ses:ListConfigurationSets", _region(clients, place)):
        listed = sesv2.list_configuration_sets(PageSize=SETS_READ).get("ConfigurationSets", [])
    sets = Sets()
    for name in listed:
        clients.pace.wait()
        with explained("ses:GetConfigurationSetEventDestinations", name):
            answer = sesv2.get_configuration_set_event_destinations(ConfigurationSetName=name)
        types = {
            type_
            for destination in answer.get("EventDestinations", [])
            if destination.get("Enabled") and _leads_here(destination, topics)
            for type_ in destination.get("MatchingEventTypes", [])
        }
        if {"BOUNCE", "COMPLAINT"} <= types:
            sets.names.add(name)
            if "DELIVERY" in types:
                sets.deliveries.add(name)
    return sets


def _notifications(clients: Clients, place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    ses = clients.get("ses", place)
    with explained("ses:ListIdentities", _region(clients, place)):
        pages = ses.get_paginator("list_identities").paginate()
        identities = [identity for page in pages for identity in page["Identities"]]
    for start in range(0, len(identities), _AT_ONCE):
        clients.pace.wait()
        with explained("ses:GetIdentityNotificationAttributes", _region(clients, place)):
            some = identities[start : start + _AT_ONCE]
            answer = ses.get_identity_notification_attributes(Identities=some)
        yield from answer["NotificationAttributes"].items()


def _leads_here(destination: dict[str, Any], topics: set[str]) -> bool:
    topic = destination.get("SnsDestination", {}).get("TopicArn")
    return topic in topics or "EventBridgeDestination" in destination


def _region(clients: Clients, place: Place) -> str:
    region: str = clients.get("ses", place).meta.region_name
    return region
