"""Notifications as SES sends them, seeded, one at a time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta


def bodies(count: int, seed: int = 1) -> Iterator[str]:
    """Yield SNS envelopes of about 1.9 kB: half permanent bounces, 40 % transient, the rest complaints."""
    return _published(count, seed, _event)


def deliveries(count: int, seed: int = 2) -> Iterator[str]:
    """Yield SNS envelopes of about 1.5 kB: deliveries of a mailing without problems, each to another address."""
    return _published(count, seed, _delivery)


def _published(count: int, seed: int, event: Callable[[float, str, int, str], dict[str, object]]) -> Iterator[str]:
    chance = random.Random(seed)
    now = datetime.now(UTC)
    for number in range(count):
        moment = now - timedelta(seconds=chance.randrange(86_400))
        stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        address = f"person{number}@domain{chance.randrange(500)}.example.com"
        yield json.dumps(_envelope(event(chance.random(), address, number, stamp), number, stamp))


def _event(chance: float, address: str, number: int, stamp: str) -> dict[str, object]:
    common = {"timestamp": stamp, "feedbackId": f"0102019a-feedback-{number:012d}"}
    mail = _mail(address, number, stamp)
    if chance >= 0.9:
        complaint = common | {"complainedRecipients": [{"emailAddress": address}], "complaintFeedbackType": "abuse"}
        return {"notificationType": "Complaint", "complaint": complaint, "mail": mail}
    type_, sub_type = ("Permanent", "General") if chance < 0.5 else ("Transient", "MailboxFull")
    recipient = {
        "emailAddress": address,
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }
    bounce = common | {
        "bounceType": type_,
        "bounceSubType": sub_type,
        "bouncedRecipients": [recipient],
        "remoteMtaIp": "192.0.2.1",
        "reportingMTA": "dsn; a8-70.smtp-out.example.com",
    }
    return {"notificationType": "Bounce", "bounce": bounce, "mail": mail}


def _delivery(_chance: float, address: str, number: int, stamp: str) -> dict[str, object]:
    delivery = {
        "timestamp": stamp,
        "processingTimeMillis": 900,
        "recipients": [address],
        "smtpResponse": "250 2.0.0 OK",
        "remoteMtaIp": "192.0.2.1",
        "reportingMTA": "a8-70.smtp-out.example.com",
    }
    return {"notificationType": "Delivery", "delivery": delivery, "mail": _mail(address, number, stamp)}


def _mail(address: str, number: int, stamp: str) -> dict[str, object]:
    return {
        "timestamp": stamp,
        "source": "news@example.com",
        "sourceArn": "arn:aws:ses:eu-west-1:123456789012:identity/example.com",
        "sendingAccountId": "123456789012",
        "messageId": f"0102019a-mail-{number:012d}",
        "destination": [address],
        "headersTruncated": False,
        "headers": [{"name": "From", "value": "news@example.com"}, {"name": "To", "value": address}],
        "commonHeaders": {"from": ["news@example.com"], "to": [address], "subject": "News"},
    }


def _envelope(event: dict[str, object], number: int, stamp: str) -> dict[str, str]:
    return {
        "Type": "Notification",
        "MessageId": f"00000000-0000-4000-8000-{number:012d}",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:ses-bounces-topic",
        "Message": json.dumps(event),
        "Timestamp": stamp,
        "SignatureVersion": "1",
        "Signature": "x" * 344,
        "SigningCertURL": f"https://sns.example.com/SimpleNotificationService-{'0' * 32}.pem",
        "UnsubscribeURL": f"https://sns.example.com/?Action=Unsubscribe&SubscriptionArn={'0' * 80}",
    }


def to_many(count: int, recipients: int, seed: int = 3) -> Iterator[str]:
    """Yield SNS envelopes of permanent bounces with ``recipients`` recipients each, none of them twice."""
    return _published(count, seed, lambda _chance, address, number, stamp: _to_many(recipients, address, number, stamp))


def large(count: int, size: int, seed: int = 4) -> Iterator[str]:
    """Yield SNS envelopes of permanent bounces of a length in bytes; the mail's headers fill them."""
    for body in _published(count, seed, lambda _chance, address, number, stamp: _event(0.0, address, number, stamp)):
        envelope = json.loads(body)
        yield json.dumps(envelope | {"Subject": "x" * (size - len(body))})


def _to_many(recipients: int, address: str, number: int, stamp: str) -> dict[str, object]:
    event = _event(0.0, address, number, stamp)
    names = [f"r{place}.{address}" for place in range(recipients)]
    event["bounce"]["bouncedRecipients"] = [  # type: ignore[index]
        event["bounce"]["bouncedRecipients"][0] | {"emailAddress": name}  # type: ignore[index]
        for name in names
    ]
    event["mail"]["destination"] = names  # type: ignore[index]
    return event
