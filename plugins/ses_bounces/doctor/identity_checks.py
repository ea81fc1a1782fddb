"""What the identities report, and to whom: notifications of identities, event destinations of configuration sets.

API: Amazon SES API Reference, ListIdentities, GetIdentityNotificationAttributes; Amazon SES API v2 Reference,
ListConfigurationSets, GetConfigurationSetEventDestinations.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from ses_bounces.base.aws.clients import Place, explained
from ses_bounces.base.exceptions import AwsRefusedError
from ses_bounces.base.sites import SETUP, dag_id
from ses_bounces.doctor.clients import Clients
from ses_bounces.doctor.finding import Findings
from ses_bounces.doctor.subscription_checks import subscriptions, topic_places

# SES's own limit of one call.
_IDENTITIES_AT_ONCE = 100
# A request a second each.
_SETS_READ = 50
_NEEDED = {"bounces": "BounceTopic", "complaints": "ComplaintTopic"}
_DELIVERIES = "DeliveryTopic"


@dataclass
class Domain:
    """The identities of a domain: the domain itself, its FROM addresses.

    ``lacking``: what some of them do not report to us, in words; ``deliveries``: whether all that report to us report
    deliveries too. ``reports``: whether any reports bounces and complaints to us.
    """

    lacking: set[str] = field(default_factory=set)
    deliveries: bool = True
    reports: bool = False


@dataclass(frozen=True)
class Sets:
    """What configuration sets report to us, or to EventBridge, whose ways can't be followed from here."""

    names: list[str]
    deliveries: bool


def check_reports(
    findings: Findings, clients: Clients, place: Place, region: str, senders: Collection[str], sent: float | None
) -> bool:
    """Look at what the identities of a region report; returns whether deliveries are reported to us.

    :param senders: the domains whose mail was reported lately: one of them that reports no more was switched off.
    :param sent: mails of the last day; None: not known.
    """
    deliveries = False
    with findings.trying("notifications", region, needed=False):
        topics = _our_topics(clients, place)
        if not topics:
            # The subscription check covers the queue's own region.
            places = [clients.place_of(queue) for queue in clients.settings.queue_urls]
            if sent and region not in [clients.get("sqs", own).meta.region_name for own in places]:
                findings.add(
                    "notifications", region, "warning",
                    f"{sent:.0f} mails were sent in the last day, and no queue of ours is subscribed to a topic here.",
                    "Unless EventBridge reports them, their bounces are not noticed.",
                    f"Run {dag_id(SETUP)} for this region, and add its queue to queue_urls.",
                )  # fmt: skip
            return False
        sets = _sets(clients, place, topics)
        domains = _domains(clients, place, topics)
        reporting = [domain for domain in domains.values() if domain.reports]
        deliveries = (sets is not None and sets.deliveries) or any(domain.deliveries for domain in reporting)
        if sets is None and not reporting:
            findings.add(
                "notifications", region, "critical", "No identity reports both bounces and complaints to our topic.",
                "Nothing is reported.", f"Run {dag_id(SETUP)} for the identity that you send from.",
            )  # fmt: skip
        else:
            _tell_of_each(findings, region, domains, sets, senders)
            _check_deliveries(findings, clients, region, reporting, sets)
    return deliveries


def _tell_of_each(
    findings: Findings, region: str, domains: dict[str, Domain], sets: Sets | None, senders: Collection[str]
) -> None:
    for name, domain in domains.items():
        subject = f"{region}: {name}"
        if not domain.lacking:
            findings.ok("notifications", subject, "Bounces and complaints are reported to us.")
        elif sets is not None:
            findings.ok("notifications", subject, f"Reported by configuration set {', '.join(sets.names)}.")
        elif name in senders:
            findings.add(
                "notifications", subject, "critical",
                f"Not reported to our topic any more: {', '.join(sorted(domain.lacking))}.",
                "Mail of this domain was reported until lately.", _mend(),
            )  # fmt: skip
        elif domain.reports:
            findings.add(
                "notifications", subject, "warning",
                f"Of some of its identities not reported to our topic: {', '.join(sorted(domain.lacking))}.",
                "What is sent from those identities is not noticed.", _mend(),
            )  # fmt: skip
        else:
            findings.ok("notifications", subject, "It reports to nobody here, and no mail of it was ever reported.")


def _check_deliveries(
    findings: Findings, clients: Clients, region: str, reporting: list[Domain], sets: Sets | None
) -> None:
    lacking = not (sets is not None and sets.deliveries) and not all(domain.deliveries for domain in reporting)
    if sets is not None and not sets.deliveries and not reporting:
        lacking = True
    if lacking and clients.settings.promotion == "age":
        findings.add(
            "deliveries", region, "warning", "Deliveries are not reported, and promotion is age.",
            "Nothing ends a transient problem: every out-of-office reply becomes a block after the grace period.",
            f"Report deliveries ({dag_id(SETUP)}), or set promotion to age_and_rebounce or expire.",
        )  # fmt: skip
    else:
        findings.ok("deliveries", region, f"Deliveries are {'not ' if lacking else ''}reported.")


def _our_topics(clients: Clients, place: Place) -> set[str]:
    topics: set[str] = set()
    for queue in clients.settings.queue_urls:
        if place not in topic_places(clients, queue):
            continue
        sqs = clients.get("sqs", clients.place_of(queue))
        # A queue that can't be asked is a finding of its own.
        arn = ""
        with contextlib.suppress(AwsRefusedError), explained("sqs:GetQueueAttributes", queue.url):
            answer = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["QueueArn"])
            arn = answer["Attributes"]["QueueArn"]
        if arn:
            topics |= {topic for topic, _ in subscriptions(clients.get("sns", place), arn)}
    return topics


def _domains(clients: Clients, place: Place, topics: set[str]) -> dict[str, Domain]:
    domains: dict[str, Domain] = {}
    for identity, found in _notifications(clients, place):
        # Only the domain of a FROM address is shown.
        domain = domains.setdefault(identity.rpartition("@")[2].lower(), Domain())
        lacking = {what for what, key in _NEEDED.items() if found.get(key) not in topics}
        domain.lacking |= lacking
        if not lacking:
            domain.reports = True
            domain.deliveries = domain.deliveries and found.get(_DELIVERIES) in topics
    return domains


def _notifications(clients: Clients, place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    ses = clients.get("ses", place)
    with explained("ses:ListIdentities", _region(clients, place)):
        pages = ses.get_paginator("list_identities").paginate()
        identities = [identity for page in pages for identity in page["Identities"]]
    for start in range(0, len(identities), _IDENTITIES_AT_ONCE):
        clients.pace.wait()
        with explained("ses:GetIdentityNotificationAttributes", _region(clients, place)):
            some = identities[start : start + _IDENTITIES_AT_ONCE]
            answer = ses.get_identity_notification_attributes(Identities=some)
        yield from answer["NotificationAttributes"].items()


def _sets(clients: Clients, place: Place, topics: set[str]) -> Sets | None:
    """Return the configuration sets that report bounces and complaints, of the first 50; None: there is none."""
    sesv2 = clients.get("sesv2", place)
    clients.pace.wait()
    with explained("ses:ListConfigurationSets", _region(clients, place)):
        listed = sesv2.list_configuration_sets(PageSize=_SETS_READ).get("ConfigurationSets", [])
    names, deliveries = [], False
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
            names.append(name)
            deliveries = deliveries or "DELIVERY" in types
    return Sets(names, deliveries) if names else None


def _leads_here(destination: dict[str, Any], topics: set[str]) -> bool:
    topic = destination.get("SnsDestination", {}).get("TopicArn")
    return topic in topics or "EventBridgeDestination" in destination


def _region(clients: Clients, place: Place) -> str:
    region: str = clients.get("ses", place).meta.region_name
    return region


def _mend() -> str:
    return f"Run {dag_id(SETUP)} for it, or set its notifications to the topic in the SES console."
