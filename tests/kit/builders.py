"""SES messages as AWS publishes them, with invented addresses of example.com."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:ses-feedback"
MAIL_SENT = datetime(2026, 1, 10, 8, 0, 0, tzinfo=UTC)
REPORTED = datetime(2026, 1, 10, 8, 0, 5, tzinfo=UTC)
PUBLISHED = datetime(2026, 1, 10, 8, 0, 9, tzinfo=UTC)
ADDRESS = "anna@example.com"

Json = dict[str, Any]


def iso(moment: datetime) -> str:
    """A time as SES writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def mail(destination: list[str] | None = None, **fields: Any) -> Json:
    """The ``mail`` object."""
    return {
        "timestamp": iso(MAIL_SENT),
        "messageId": "0102-mail",
        "source": "news@example.com",
        "destination": [ADDRESS] if destination is None else destination,
    } | fields


def as_type(type_: str, content: Json, key: str = "notificationType") -> Json:
    """A message of a type, as notification (``notificationType``) or as event (``eventType``)."""
    return {key: type_, **content}


def bounce(
    addresses: list[str] | str = ADDRESS,
    type_: str | None = "Permanent",
    sub_type: str | None = "General",
    key: str = "notificationType",
    destination: list[str] | None = None,
    mail_fields: Json | None = None,
    recipient: Json | None = None,
    **fields: Any,
) -> Json:
    """A bounce of one or several addresses; the mail went to them unless ``destination`` says otherwise."""
    names = [addresses] if isinstance(addresses, str) else addresses
    details = {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
    return as_type(
        "Bounce",
        {
            "bounce": {
                "bounceType": type_,
                "bounceSubType": sub_type,
                "bouncedRecipients": [{"emailAddress": name} | details | (recipient or {}) for name in names],
                "timestamp": iso(REPORTED),
                "feedbackId": "0102-bounce",
                "reportingMTA": "dns; mx.example.com",
            }
            | fields,
            "mail": mail(names if destination is None else destination, **(mail_fields or {})),
        },
        key,
    )


def complaint(
    addresses: list[str] | str = ADDRESS, key: str = "notificationType", mail_fields: Json | None = None, **fields: Any
) -> Json:
    """A complaint; without feedback type unless ``complaintFeedbackType`` is given."""
    names = [addresses] if isinstance(addresses, str) else addresses
    return as_type(
        "Complaint",
        {
            "complaint": {
                "complainedRecipients": [{"emailAddress": name} for name in names],
                "timestamp": iso(REPORTED),
                "feedbackId": "0102-complaint",
            }
            | fields,
            "mail": mail(names, **(mail_fields or {})),
        },
        key,
    )


def delivery(
    addresses: list[str] | str = ADDRESS, key: str = "notificationType", mail_fields: Json | None = None, **fields: Any
) -> Json:
    """A delivery."""
    names = [addresses] if isinstance(addresses, str) else addresses
    return as_type(
        "Delivery",
        {
            "delivery": {
                "recipients": names,
                "timestamp": iso(REPORTED),
                "processingTimeMillis": 546,
                "smtpResponse": "250 2.0.0 OK",
            }
            | fields,
            "mail": mail(names, **(mail_fields or {})),
        },
        key,
    )


def sns(message: Json | str, **fields: Any) -> Json:
    """The SNS envelope; ``Message`` is a string, as SNS writes it."""
    return {
        "Type": "Notification",
        "MessageId": "5b9c9f3e-0000-4000-8000-000000000001",
        "TopicArn": TOPIC_ARN,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": iso(PUBLISHED),
        "SignatureVersion": "1",
        "Signature": "ZXhhbXBsZQ==",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/example.pem",
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
    } | fields


def eventbridge(event: Json, **fields: Any) -> Json:
    """The EventBridge event; its time has no milliseconds."""
    return {
        "version": "0",
        "id": "8b9c9f3e-0000-4000-8000-000000000002",
        "detail-type": "Email Bounced",
        "source": "aws.ses",
        "account": "123456789012",
        "time": PUBLISHED.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "eu-west-1",
        "resources": [],
        "detail": event,
    } | fields


def lambda_sns(*messages: Json) -> Json:
    """``Records[]`` of ``Sns``, as Lambda gets it; the envelope has no ``Type`` key of its own at the top."""
    return {"Records": [{"EventSource": "aws:sns", "Sns": sns(message)} for message in messages]}


def lambda_sqs(*bodies: Json) -> Json:
    """``Records[]`` with ``body``, as Lambda gets it from SQS."""
    return {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(body)} for body in bodies]}
