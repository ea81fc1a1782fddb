"""Identity, notifications and configuration set: what SES reports, and to whom.

API: Amazon SES API v2 Reference (identities, configuration sets) and Amazon SES API Reference (notifications, which v2
does not have).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_bounces.base.aws.clients import explained
from ses_bounces.feed.setup import whose
from ses_bounces.feed.setup.options import Target
from ses_bounces.feed.setup.plan import Resource, Step, Undo, nothing
from ses_bounces.feed.setup.topology import topic_tags

EVENT_DESTINATION = "ses-bounces"
TOPIC_KEYS = {"Bounce": "BounceTopic", "Complaint": "ComplaintTopic", "Delivery": "DeliveryTopic"}
FORWARDING = "forwarding"
_MARK = "ses-bounces:"


def mark_key(identity: str) -> str:
    """Return the key of the topic's tag that says what we changed on an identity: teardown undoes just that."""
    return f"{_MARK}{identity}"[:128]


def others_reporting(target: Target, tags: Mapping[str, str]) -> list[str]:
    """Return the other identities that setting up let report to the topic, and that still do.

    :param tags: the topic's.
    """
    own = mark_key(target.options.identity).lower()
    # Every identity has a dot; the tag of the site has none.
    marked = [key.removeprefix(_MARK) for key in tags if key.startswith(_MARK) and key.lower() != own and "." in key]
    reported = _notifications(target, marked) if marked else {}
    return sorted(
        name for name, found in reported.items() if target.topic_arn in (found.get(key) for key in TOPIC_KEYS.values())
    )


def find_identity(target: Target) -> dict[str, Any] | None:
    """Return what SES knows of the identity; None: it is not there."""
    with explained("ses:GetEmailIdentity", target.options.identity):
        try:
            found: dict[str, Any] = target.sesv2.get_email_identity(EmailIdentity=target.options.identity)
        except target.sesv2.exceptions.NotFoundException:
            return None
    return found


def look_at_identity(target: Target) -> Step:
    """Plan the identity, with what its owner has to do to verify it."""
    identity = target.options.identity
    found = find_identity(target)
    if found is None:
        details = [
            "SES sends a mail with a link to this address: open it."
            if "@" in identity
            else "SES then gives three DNS records, which are shown when this is done: put them into the domain's DNS."
        ]
        step = Step("identity", identity, "create", details, resource=Resource(identity, tags=whose.tags()))

        def create() -> Undo:
            with explained("ses:CreateEmailIdentity", identity):
                made = target.sesv2.create_email_identity(EmailIdentity=identity, Tags=whose.listed_tags())
            step.details = verification(identity, made)
            return lambda: delete_identity(target)

        step.do = create
        return step
    tags = whose.as_mapping(found.get("Tags", []))
    # With a configuration set nothing of the identity is changed: sites may share it.
    if not target.options.configuration_set and (refused := whose.refusal("identity", identity, tags)):
        return refused
    ours = whose.is_ours(tags)
    resource = Resource(identity, tags=whose.tags()) if ours else None
    return Step("identity", identity, "right" if ours else "left", verification(identity, found), resource=resource)


def verification(identity: str, found: dict[str, Any]) -> list[str]:
    """Say whether an identity is verified, and what its owner has to do if not."""
    if found.get("VerifiedForSendingStatus"):
        return ["It is verified."]
    if "@" in identity:
        return ["It is not verified: open the link in the mail that SES has sent to this address."]
    attributes = found.get("DkimAttributes", {})
    zone = attributes.get("SigningHostedZone") or "dkim.amazonses.com"
    records = [f"{token}._domainkey.{identity} CNAME {token}.{zone}" for token in attributes.get("Tokens", [])]
    return ["It is not verified: put these records into the domain's DNS.", *records]


def delete_identity(target: Target) -> Undo:
    """Delete the identity."""
    with explained("ses:DeleteEmailIdentity", target.options.identity):
        target.sesv2.delete_email_identity(EmailIdentity=target.options.identity)
    return nothing


def notifications(target: Target) -> dict[str, Any]:
    """Return the topics of the identity's notifications, and whether feedback is forwarded by e-mail."""
    identity = target.options.identity
    return _notifications(target, [identity]).get(identity, {})


def _notifications(target: Target, identities: list[str]) -> dict[str, dict[str, Any]]:
    # A topic has at most 50 tags, and SES takes 100 identities at once.
    with explained("ses:GetIdentityNotificationAttributes", target.options.identity):
        answer = target.ses.get_identity_notification_attributes(Identities=identities)
    found: dict[str, dict[str, Any]] = answer["NotificationAttributes"]
    return found


def look_at_notifications(target: Target) -> list[Step]:
    """Plan the identity's notifications, then its forwarding of feedback by e-mail."""
    identity, arn = target.options.identity, target.topic_arn
    found = notifications(target)
    steps = []
    for type_ in target.options.types:
        name = f"{type_.lower()} of {identity}"
        current = found.get(TOPIC_KEYS[type_])
        resource = Resource(name, {"Identity": identity, "NotificationType": type_, "SnsTopic": arn})
        if current == arn:
            steps.append(Step("notification", name, "right", resource=resource))
        elif current:
            why = (
                f"{identity} reports each {type_.lower()} to {current}: that is not ours, and left alone. Name that "
                "topic, or a configuration set."
            )
            steps.append(Step("notification", name, "blocked", [why]))
        else:
            steps.append(Step("notification", name, "create", [f"to {arn}"], _setter(target, type_), resource))
    return [*steps, _look_at_forwarding(target, found)]


def _setter(target: Target, type_: str) -> Any:
    def do() -> Undo:
        _mark(target, type_)
        set_topic(target, type_, target.topic_arn)
        return lambda: set_topic(target, type_, None)

    return do


def _look_at_forwarding(target: Target, found: dict[str, Any]) -> Step:
    identity = target.options.identity
    name = f"feedback of {identity} by e-mail"
    resource = Resource(name, {"Identity": identity, "ForwardingEnabled": False})
    if not found.get("ForwardingEnabled", True):
        return Step("forwarding", name, "right", ["It is off."], resource=resource)
    if target.options.keep_forwarding:
        return Step("forwarding", name, "left", ["It stays on, as you asked."])

    def do() -> Undo:
        _mark(target, FORWARDING)
        set_forwarding(target, enabled=False)
        return lambda: set_forwarding(target, enabled=True)

    # SES refuses it unless bounces and complaints are reported otherwise; so it comes after them.
    details = ["on → off: the notifications take its place"]
    return Step("forwarding", name, "change", details, do, resource)


def set_topic(target: Target, type_: str, arn: str | None) -> Undo:
    """Report a type to a topic; None: to none."""
    identity = target.options.identity
    with explained("ses:SetIdentityNotificationTopic", identity):
        topic = {"SnsTopic": arn} if arn else {}
        target.ses.set_identity_notification_topic(Identity=identity, NotificationType=type_, **topic)
    return nothing


def set_forwarding(target: Target, *, enabled: bool) -> Undo:
    """Switch the forwarding of feedback by e-mail."""
    identity = target.options.identity
    with explained("ses:SetIdentityFeedbackForwardingEnabled", identity):
        target.ses.set_identity_feedback_forwarding_enabled(Identity=identity, ForwardingEnabled=enabled)
    return nothing


def _mark(target: Target, change: str) -> None:
    """Note on the topic what is about to be changed on the identity."""
    key = mark_key(target.options.identity)
    marks = topic_tags(target).get(key, "").split()
    if change not in marks:
        value = " ".join([*marks, change])
        with explained("sns:TagResource", target.topic_arn):
            target.sns.tag_resource(ResourceArn=target.topic_arn, Tags=[{"Key": key, "Value": value}])


def find_configuration_set(target: Target) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """Return the configuration set and its event destinations; None: it is not there."""
    name = target.options.configuration_set
    with explained("ses:GetConfigurationSet", str(name)):
        try:
            found = target.sesv2.get_configuration_set(ConfigurationSetName=name)
        except target.sesv2.exceptions.NotFoundException:
            return None
    with explained("ses:GetConfigurationSetEventDestinations", str(name)):
        answer = target.sesv2.get_configuration_set_event_destinations(ConfigurationSetName=name)
    return found, answer.get("EventDestinations", [])


def is_our_destination(target: Target, destination: dict[str, Any]) -> bool:
    """Tell whether an event destination is the one that reports to our topic."""
    topic = destination.get("SnsDestination", {}).get("TopicArn")
    return bool(destination["Name"] == EVENT_DESTINATION and topic == target.topic_arn)


def look_at_configuration_set(target: Target) -> list[Step]:
    """Plan the configuration set and its event destination."""
    name = str(target.options.configuration_set)
    wanted = {
        "Enabled": True,
        "MatchingEventTypes": sorted(type_.upper() for type_ in target.options.types),
        "SnsDestination": {"TopicArn": target.topic_arn},
    }
    resource = Resource(EVENT_DESTINATION, {"ConfigurationSetName": name, **wanted})
    there = find_configuration_set(target)
    declared = Resource(name, tags=whose.tags())
    if there is None:
        holder = Step("configuration set", name, "create", [], lambda: _create_set(target, name), declared)
        destinations: list[dict[str, Any]] = []
    else:
        tags = whose.as_mapping(there[0].get("Tags", []))
        if refused := whose.refusal("configuration set", name, tags):
            return [refused]
        ours = whose.is_ours(tags)
        holder = Step("configuration set", name, "right" if ours else "left", resource=declared if ours else None)
        destinations = there[1]
    label = f"{EVENT_DESTINATION} of {name}"
    details = [f"{key}: {value}" for key, value in wanted.items()]
    current = next((item for item in destinations if item["Name"] == EVENT_DESTINATION), None)
    if current is None:
        step = Step("event destination", label, "create", details, lambda: _put(target, wanted, None), resource)
        return [holder, step]
    topic = current.get("SnsDestination", {}).get("TopicArn")
    if topic != target.topic_arn:
        why = f"It reports to {topic or 'something else than a topic'}, not to {target.topic_arn}, and is left alone."
        return [holder, Step("event destination", label, "blocked", [f"{why} Name that topic, or another set."])]
    before = {key: current[key] for key in wanted if key in current}
    if {**before, "MatchingEventTypes": sorted(before.get("MatchingEventTypes", []))} == wanted:
        return [holder, Step("event destination", label, "right", resource=resource)]
    return [holder, Step("event destination", label, "change", details, lambda: _put(target, wanted, before), resource)]


def _create_set(target: Target, name: str) -> Undo:
    with explained("ses:CreateConfigurationSet", name):
        target.sesv2.create_configuration_set(ConfigurationSetName=name, Tags=whose.listed_tags())
    return lambda: delete_configuration_set(target)


def delete_configuration_set(target: Target) -> Undo:
    """Delete the configuration set."""
    name = str(target.options.configuration_set)
    with explained("ses:DeleteConfigurationSet", name):
        target.sesv2.delete_configuration_set(ConfigurationSetName=name)
    return nothing


def _put(target: Target, wanted: dict[str, Any], before: dict[str, Any] | None) -> Undo:
    name = {"ConfigurationSetName": target.options.configuration_set, "EventDestinationName": EVENT_DESTINATION}
    if before is None:
        with explained("ses:CreateConfigurationSetEventDestination", EVENT_DESTINATION):
            target.sesv2.create_configuration_set_event_destination(**name, EventDestination=wanted)
        return lambda: delete_destination(target)

    def put(destination: dict[str, Any]) -> None:
        with explained("ses:UpdateConfigurationSetEventDestination", EVENT_DESTINATION):
            target.sesv2.update_configuration_set_event_destination(**name, EventDestination=destination)

    put(wanted)
    return lambda: put(before)


def delete_destination(target: Target) -> Undo:
    """Delete our event destination."""
    with explained("ses:DeleteConfigurationSetEventDestination", EVENT_DESTINATION):
        target.sesv2.delete_configuration_set_event_destination(
            ConfigurationSetName=target.options.configuration_set, EventDestinationName=EVENT_DESTINATION
        )
    return nothing
