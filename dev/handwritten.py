"""The hand-written messages of the sample: what the emulator's SES can't make."""

import json
from datetime import datetime, timedelta

from dev import notifications as make
from dev.history import TRANSIENT_SUBTYPES, history
from dev.item import Item, simulator

PERMANENT_SUBTYPES = {
    "NoEmail": "permanent_bounce",
    "OnAccountSuppressionList": "ses_suppression",
    "UnsubscribedRecipient": "unsubscribed",
}
NO_EFFECT_EVENTS: dict[str, make.Json] = {
    "Send": {"send": {}},
    "Open": {"open": {"ipAddress": "192.0.2.20", "userAgent": "ExampleMail/2.0"}},
    "Click": {
        "click": {
            "ipAddress": "192.0.2.20",
            "link": "https://www.example.com/",
            "linkTags": None,
        }
    },
    "Reject": {"reject": {"reason": "Bad content"}},
    "Rendering Failure": {
        "failure": {
            "templateName": "welcome",
            "errorMessage": "attribute 'name' is not present",
        }
    },
    "DeliveryDelay": {"deliveryDelay": {"delayType": "MailboxFull", "delayedRecipients": []}},
}


def items(now: datetime, topic_arn: str) -> list[Item]:
    """The hand-written messages, dated relative to `now` (aware): those that the emulator's SES can't make."""
    return [
        *_feedback(now),
        *_other_shapes(now, topic_arn),
        *_without_effect(now),
        *_not_understood(),
        *history(now),
    ]


def _sns(name: str, notification: make.Json, **effects: object) -> Item:
    return Item(name, "sns", json.dumps(notification), **effects)  # type: ignore[arg-type]


def _subtypes(now: datetime) -> list[Item]:
    """A bounce of each subtype."""
    found = []
    for hours, (sub_type, diagnostic) in enumerate(TRANSIENT_SUBTYPES.items(), start=2):
        address, at = (
            f"{sub_type.lower()}@oakfield.example",
            now - timedelta(hours=hours),
        )
        notification = make.bounce(sub_type, ("Transient", sub_type), [address], at, diagnostic=diagnostic)
        found.append(_sns(f"transient {sub_type}", notification, opens={address: at}))
    for sub_type, reason in PERMANENT_SUBTYPES.items():
        address = f"{sub_type}@harbour.example"
        notification = make.bounce(sub_type, ("Permanent", sub_type), [address], now - timedelta(hours=5))
        found.append(_sns(f"permanent {sub_type}", notification, blocks={address.lower(): reason}))
    return found


def _complaints(now: datetime) -> list[Item]:
    pair = ["one@twins.example", "two@twins.example"]
    listed = make.complaint(
        "listed",
        ["listed@harbour.example"],
        now - timedelta(hours=2),
        None,
        "OnAccountSuppressionList",
    )
    return [
        _sns(
            "two possible complainers",
            make.complaint("pair", pair, now, "abuse"),
            blocks=dict.fromkeys(pair, "complaint"),
        ),
        _sns(
            "complaint of a listed address",
            listed,
            blocks={"listed@harbour.example": "ses_suppression"},
        ),
        _sns(
            "not spam",
            make.complaint("not spam", ["happy@oakfield.example"], now, "not-spam"),
        ),
        _sns(
            "authentication failure",
            make.complaint("auth", ["dmarc@oakfield.example"], now, "auth-failure"),
        ),
    ]


def _feedback(now: datetime) -> list[Item]:
    lena, unknown, old, recovered = (
        simulator("ooto+lena"),
        "vague@oakfield.example",
        "late@lindenhof.example",
        "back@oakfield.example",
    )
    old_at = now - timedelta(days=20)
    away = make.bounce("ooto", ("Transient", "General"), [lena], now)
    undetermined = make.bounce(
        "undetermined",
        ("Undetermined", "Undetermined"),
        [unknown],
        now - timedelta(hours=4),
    )
    full = TRANSIENT_SUBTYPES["MailboxFull"]
    expired = make.bounce("old", ("Transient", "MailboxFull"), [old], old_at, diagnostic=full)
    first = make.bounce(
        "recovered",
        ("Transient", "MailboxFull"),
        [recovered],
        now - timedelta(hours=9),
        diagnostic=full,
    )
    # The mail went to one address, the bounce names the one that it was forwarded to.
    forward = make.bounce(
        "forwarded",
        ("Permanent", "General"),
        ["elsewhere@harbour.example"],
        now,
        to=["forwards@oakfield.example"],
    )
    return [
        *_subtypes(now),
        _sns("out of office", away, opens={lena: now}),
        _sns("undetermined", undetermined, opens={unknown: now - timedelta(hours=4)}),
        _sns("transient 20 days old", expired, opens={old: old_at}),
        _sns("transient, then a delivery", first),
        _sns(
            "delivery after a transient",
            make.delivery("recovered", [recovered], now - timedelta(hours=8)),
        ),
        *_complaints(now),
        _sns("forwarded mail bounced", forward, opens={"forwards@oakfield.example": now}),
    ]


def _other_shapes(now: datetime, topic_arn: str) -> list[Item]:
    twice, at = ["twice@harbour.example"], now - timedelta(hours=3)
    original = make.bounce("twice", ("Permanent", "General"), twice, at)
    copy = make.envelope("twice", json.dumps(original), topic_arn, at)
    blocks = {twice[0]: "permanent_bounce"}
    bridge = make.as_event(make.complaint("bridge", ["bridge@harbour.example"], at))
    raw = make.bounce("raw", ("Permanent", "NoEmail"), ["raw@harbour.example"], at)
    dead = make.bounce("dead letter", ("Permanent", "General"), ["dead.letter@harbour.example"], at)
    records = {"Records": [{"Sns": json.loads(make.envelope("records", json.dumps(raw), topic_arn, at))}]}
    return [
        Item("original", "queue", copy, blocks=blocks),
        Item("exact duplicate", "queue", copy, blocks=blocks),
        _sns("the same from SNS once more", original, blocks=blocks),
        _sns("the same from event publishing", make.as_event(original), blocks=blocks),
        Item(
            "EventBridge",
            "queue",
            make.eventbridge("bridge", "Email Complaint Received", bridge, at),
            blocks={"bridge@harbour.example": "complaint"},
        ),
        Item(
            "raw delivery",
            "queue",
            json.dumps(raw),
            blocks={"raw@harbour.example": "permanent_bounce"},
        ),
        Item(
            "wrapped by Lambda",
            "queue",
            json.dumps(records),
            blocks={"raw@harbour.example": "permanent_bounce"},
        ),
        Item(
            "in the dead-letter queue",
            "dead_letter_queue",
            make.envelope("dead letter", json.dumps(dead), topic_arn, at),
            blocks={"dead.letter@harbour.example": "permanent_bounce"},
        ),
    ]


def _without_effect(now: datetime) -> list[Item]:
    to = ["reader@oakfield.example"]
    events = [make.event(kind, kind, details, now, to) for kind, details in NO_EFFECT_EVENTS.items()]
    set_up = {
        "notificationType": "AmazonSnsSubscriptionSucceeded",
        "message": "You have successfully subscribed.",
    }
    validated = "Successfully validated SNS topic for Amazon SES event publishing."
    return [
        *(_sns(event["eventType"], event, outcome="no_effect") for event in events),
        _sns("set-up message", set_up, outcome="no_effect"),
        Item("validation of the topic", "sns", validated, "no_effect"),
    ]


def _not_understood() -> list[Item]:
    moment = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    strange = make.bounce("strange", ("Ephemeral", "Unheard"), ["strange@oakfield.example"], moment)
    nobody = make.bounce("nobody", ("Permanent", "General"), [], moment, to=["somebody@oakfield.example"])
    no_address = make.bounce("no address", ("Permanent", "General"), ["nobody at all"], moment)
    return [
        Item("garbage", "queue", "<html>502 Bad Gateway</html>", "quarantined"),
        Item(
            "garbage through SNS",
            "sns",
            '{"notificationType": "Bounce", "bounce": {',
            "quarantined",
        ),
        *(
            _sns(name, notification, outcome="quarantined")
            for name, notification in (
                ("a type that SES does not have", strange),
                ("a bounce of nobody", nobody),
                ("a recipient that is no address", no_address),
            )
        ),
    ]
