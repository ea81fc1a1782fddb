"""Messages in the shapes in which SES's feedback reaches a queue, as SES documents them; all data are invented."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dev.aws import ACCOUNT_ID, SENDER
from dev.endpoint import REGION

Json = dict[str, Any]

_IDS = uuid.UUID("5e5b0c4e-0000-4000-8000-000000000000")
_CONFIGURATION_SET = "newsletter"
_SENDER_ARN = f"arn:aws:ses:{REGION}:{ACCOUNT_ID}:identity/{SENDER}"


def fixed_id(name: str) -> str:
    """An id that is the same whenever it is made from the same name, so that sending twice makes a duplicate."""
    return str(uuid.uuid5(_IDS, name))


def timestamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds and Z, as SES and SNS write it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def mail(name: str, sent_at: datetime, to: Sequence[str]) -> Json:
    """The `mail` object of a notification."""
    return {
        "timestamp": timestamp(sent_at),
        "source": SENDER,
        "sourceArn": _SENDER_ARN,
        "sourceIp": "192.0.2.10",
        "sendingAccountId": ACCOUNT_ID,
        "messageId": f"0100{fixed_id('mail ' + name)}-000000",
        "destination": list(to),
    }


def bounce(
    name: str,
    kind: tuple[str, str],
    recipients: Sequence[str],
    at: datetime,
    *,
    to: Sequence[str] | None = None,
    diagnostic: tuple[str, str] | None = None,
) -> Json:
    """A Bounce notification: `kind` is type and subtype, `at` when the other side reported it.

    `to` is whom the mail was for, if others than the recipients that bounced; `diagnostic` is status and SMTP text.
    """
    details: list[Json] = [{"emailAddress": address} for address in recipients]
    if diagnostic:
        status, text = diagnostic
        for detail in details:
            detail |= {
                "action": "failed",
                "status": status,
                "diagnosticCode": f"smtp; {text}",
            }
    return {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": kind[0],
            "bounceSubType": kind[1],
            "bouncedRecipients": details,
            "timestamp": timestamp(at),
            "feedbackId": f"0100{fixed_id('feedback ' + name)}-000000",
            "reportingMTA": "dns; a8-1.smtp-out.example.com",
        },
        "mail": mail(name, at - timedelta(seconds=3), recipients if to is None else to),
    }


def complaint(
    name: str,
    recipients: Sequence[str],
    at: datetime,
    feedback_type: str | None = "abuse",
    sub_type: str | None = None,
) -> Json:
    """A Complaint notification; without a feedback type it is one without a report, as some providers send it."""
    details: Json = {
        "complainedRecipients": [{"emailAddress": address} for address in recipients],
        "timestamp": timestamp(at),
        "feedbackId": f"0100{fixed_id('feedback ' + name)}-000000",
        "complaintSubType": sub_type,
    }
    if feedback_type:
        details |= {
            "userAgent": "ExampleFeedbackLoop/1.0",
            "complaintFeedbackType": feedback_type,
            "arrivalDate": timestamp(at),
        }
    return {
        "notificationType": "Complaint",
        "complaint": details,
        "mail": mail(name, at - timedelta(hours=2), recipients),
    }


def delivery(name: str, recipients: Sequence[str], at: datetime) -> Json:
    """A Delivery notification."""
    return {
        "notificationType": "Delivery",
        "delivery": {
            "timestamp": timestamp(at),
            "processingTimeMillis": 812,
            "recipients": list(recipients),
            "smtpResponse": "250 2.0.0 OK",
            "reportingMTA": "a8-1.smtp-out.example.com",
        },
        "mail": mail(name, at - timedelta(seconds=1), recipients),
    }


def event(name: str, event_type: str, details: Json, at: datetime, to: Sequence[str]) -> Json:
    """A message of event publishing; `details` is the object that goes with the type, by its key."""
    return {"eventType": event_type, **details, "mail": _tagged(mail(name, at, to))}


def as_event(notification: Json) -> Json:
    """The same thing as event publishing reports it: another key for the type, and tags on the mail."""
    rest = {name: value for name, value in notification.items() if name != "notificationType"}
    return {
        "eventType": notification["notificationType"],
        **rest,
        "mail": _tagged(notification["mail"]),
    }


def envelope(name: str, message: str, topic_arn: str, at: datetime) -> str:
    """The body that SNS puts into a queue for a message."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": fixed_id("envelope " + name),
            "TopicArn": topic_arn,
            "Message": message,
            "Timestamp": timestamp(at),
            "SignatureVersion": "1",
            "Signature": "bm90IHNpZ25lZA==",
            "SigningCertURL": f"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-example.pem",
            "UnsubscribeURL": f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe",
        }
    )


def eventbridge(name: str, detail_type: str, detail: Json, at: datetime) -> str:
    """The body that EventBridge puts into a queue; its time has no milliseconds."""
    return json.dumps(
        {
            "version": "0",
            "id": fixed_id("eventbridge " + name),
            "detail-type": detail_type,
            "source": "aws.ses",
            "account": ACCOUNT_ID,
            "time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": [_SENDER_ARN],
            "detail": detail,
        }
    )


def _tagged(mail_object: Json) -> Json:
    tags = {
        "ses:configuration-set": [_CONFIGURATION_SET],
        "ses:source-ip": ["192.0.2.10"],
        "ses:from-domain": [SENDER.rpartition("@")[2]],
        "campaign": ["autumn"],
    }
    return {
        **mail_object,
        "headersTruncated": False,
        "headers": [],
        "commonHeaders": {"from": [SENDER]},
        "tags": tags,
    }
