"""The JSON objects that SES, SNS, EventBridge, SQS and Lambda write, as far as they are used.

Field reference: Amazon SES Developer Guide, "Amazon SNS notification contents" and "Contents of event data that Amazon
SES publishes to Amazon SNS"; Amazon SNS Developer Guide, "HTTP/HTTPS notification JSON format"; Amazon EventBridge
Events Reference, "Amazon Simple Email Service events"; AWS Lambda Developer Guide, "Capturing records of asynchronous
invocations".
"""

from __future__ import annotations

import msgspec

from ses_bounces.classify.fitting import Addresses

CONTROL_TYPES = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
SNS_TYPES = ("Notification", *CONTROL_TYPES)


class Recipient(msgspec.Struct, gc=False):
    """An element of ``bouncedRecipients`` or ``complainedRecipients``."""

    emailAddress: str | None = None
    # Whatever else they are is True: that one is there tells a failure from an auto-reply.
    action: str | bool | None = None
    status: str | bool | None = None
    diagnosticCode: str | bool | None = None


class Bounce(msgspec.Struct, gc=False):
    """The ``bounce`` object."""

    bounceType: str | None = None
    bounceSubType: str | None = None
    bouncedRecipients: list[Recipient] | None = None
    timestamp: str | None = None
    feedbackId: str | None = None


class Complaint(msgspec.Struct, gc=False):
    """The ``complaint`` object."""

    complainedRecipients: list[Recipient] | None = None
    complaintFeedbackType: str | None = None
    complaintSubType: str | None = None
    timestamp: str | None = None
    feedbackId: str | None = None


class Delivery(msgspec.Struct, gc=False):
    """The ``delivery`` object."""

    recipients: Addresses | None = None
    timestamp: str | None = None


class Mail(msgspec.Struct, gc=False):
    """The ``mail`` object, as far as it is used; headers are skipped unread."""

    timestamp: str | None = None
    messageId: str | None = None
    source: str | None = None
    destination: Addresses | None = None
    tags: dict[str, list[str]] | None = None


class Node(msgspec.Struct, gc=False):
    """Any JSON object on the way to an event: each field belongs to one of the shapes named above."""

    # In the order in which SNS and EventBridge write them: a field is found soonest behind the one before.
    Type: str | None = None
    MessageId: str | None = None
    Token: str | None = None
    TopicArn: str | None = None
    Subject: str | None = None
    Message: str | Node | None = None
    SubscribeURL: str | None = None
    Timestamp: str | None = None
    SignatureVersion: str | None = None
    Signature: str | None = None
    SigningCertURL: str | None = None
    # As Lambda spells it.
    SigningCertUrl: str | None = None
    detail_type: str | None = msgspec.field(default=None, name="detail-type")
    source: str | None = None
    time: str | None = None
    region: str | None = None
    resources: list[str] | None = None
    detail: Node | None = None
    # The most that are read, each by itself: a megabyte has room for 300,000.
    Records: list[msgspec.Raw] | None = None
    notificationType: str | None = None
    eventType: str | None = None
    mail: Mail | None = None
    bounce: Bounce | None = None
    complaint: Complaint | None = None
    delivery: Delivery | None = None

    @property
    def is_of_sns(self) -> bool:
        """Whether it is SNS's envelope: only then does its TopicArn say where a message is from."""
        return (
            self.Type in SNS_TYPES
            and self.MessageId is not None
            and self.TopicArn is not None
            and self.Timestamp is not None
        )


class Record(Node, gc=False):
    """An element of ``Records[]``: of a Lambda event from SNS, from SQS, from an SES receipt rule, or a bare shape."""

    Sns: Node | None = None
    body: str | Node | None = None
    ses: dict[str, msgspec.Raw] | None = None


class Body(Record, gc=False):
    """The outermost object: also a single record, as EventBridge Pipes sends it, and what a Lambda destination gets."""

    eventSource: str | None = None
    receiptHandle: str | None = None
    requestPayload: Body | list[msgspec.Raw] | None = None
