"""What each kind of SES event means for an address: the table of docs/semantics.md as data, and what settings add.

Whoever changes what a message means raises ``RULES_VERSION``. Field reference: Amazon SES Developer Guide, "Amazon SNS
notification contents" and "Bounce types".
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Literal

import msgspec

RULES_VERSION = 2

Policy = Literal["age", "age_and_rebounce", "expire"]

BOUNCE_KINDS: dict[tuple[str, str | None], str] = {
    ("Permanent", "OnAccountSuppressionList"): "ses_suppression",
    ("Permanent", "OnTenantSuppressionList"): "ses_suppression",
    ("Permanent", "UnsubscribedRecipient"): "unsubscribed",
    # Any other subtype, also one that SES has not invented yet.
    ("Permanent", None): "permanent_bounce",
    # General, MailboxFull, MessageTooLarge, ContentRejected, AttachmentRejected and what SES may add: the deadline, by
    # classify.fix_deadline(), decides. A subtype is taken out of that by the setting promotion_excludes.
    ("Transient", None): "transient_bounce",
    ("Undetermined", None): "transient_bounce",
}
COMPLAINT_KINDS: dict[str | None, str] = {
    "not-spam": "not_spam",
    "auth-failure": "auth_failure",
    # abuse, fraud, virus, other, unknown or absent.
    None: "complaint",
}
SUPPRESSION_SUBTYPES = ("OnAccountSuppressionList", "OnTenantSuppressionList")
# EventBridge's name of an event of SES that is about a mail, where the event itself doesn't say.
DETAIL_TYPES: dict[str, str] = {
    "Email Bounced": "Bounce",
    "Email Complaint Received": "Complaint",
    "Email Delivered": "Delivery",
    "Email Sent": "Send",
    "Email Rejected": "Reject",
    "Email Opened": "Open",
    "Email Clicked": "Click",
    "Email Rendering Failed": "Rendering Failure",
    "Email Delivery Delayed": "DeliveryDelay",
    "Email Subscribed": "Subscription",
}
# EventBridge's names of what is not about a mail.
SENDING_DISABLED, SENDING_ENABLED = "Sending Status Disabled", "Sending Status Enabled"
# Several, of which this is the beginning.
ADVICE = "Advisor Recommendation"
SERVICE_EVENTS: dict[str, str] = {
    SENDING_DISABLED: "Sending Status Disabled: SES has stopped sending; see the SES console",
    SENDING_ENABLED: "SES sends",
    "AWS API Call via CloudTrail": "a call of SES's API",
    "AWS Service Event via CloudTrail": "a note of CloudTrail",
}
NO_EFFECT: dict[str, str] = {
    "DeliveryDelay": "a delay is not a bounce",
    "Reject": "SES did not send the mail",
    "Rendering Failure": "SES did not send the mail",
    "RenderingFailure": "SES did not send the mail",
    "Send": "not feedback",
    "Open": "not feedback",
    "Click": "not feedback",
    "Subscription": "not feedback",
    "Received": "inbound mail",
    "AmazonSnsSubscriptionSucceeded": "set-up message",
    "TopicValidated": "set-up message",
    "SubscriptionConfirmation": "SubscriptionConfirmation: a subscription waits for its confirmation",
    "UnsubscribeConfirmation": "UnsubscribeConfirmation: the subscription was removed, the feed is about to end",
    ADVICE: "advice of SES",
    **SERVICE_EVENTS,
}
# No-effect events that a person must hear of.
WARNINGS = ("SubscriptionConfirmation", "UnsubscribeConfirmation", SENDING_DISABLED)


def bounce_kind(type_: str, sub_type: str | None) -> str | None:
    """Return the kind of entry that a bounce makes, None for a type that is not known."""
    return BOUNCE_KINDS.get((type_, sub_type)) or BOUNCE_KINDS.get((type_, None))


def complaint_kind(feedback_type: str | None, sub_type: str | None) -> str:
    """Return the kind of entry that a complaint makes; its subtype wins over its feedback type."""
    if sub_type in SUPPRESSION_SUBTYPES:
        return "ses_suppression"
    # The value is the mailbox provider's: in whatever case.
    return COMPLAINT_KINDS.get(feedback_type.lower() if feedback_type else None) or COMPLAINT_KINDS[None]


def is_reply(type_: str, sub_type: str | None, *, has_details: bool) -> bool:
    """Tell whether a bounce is probably an auto-reply: of real failures a server tells action, status or diagnostic.

    :param has_details: its recipient has one of these.
    """
    return type_ == "Transient" and sub_type in (None, "", "General") and not has_details


class Rules(msgspec.Struct, frozen=True):
    """What the settings say about classification."""

    grace: timedelta = timedelta(days=14)
    promotion: Policy = "age"
    promotion_excludes: Collection[str] = ()
    promote_auto_replies: bool = True
    allowed_topic_arns: Collection[str] = ()
    allow_raw: bool = False
    verify_signatures: bool = False
