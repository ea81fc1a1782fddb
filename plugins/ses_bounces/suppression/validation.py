"""What SES thinks of an address: its confidence, no fact. SES charges for each question, and is told the address.

API: Amazon SES API v2 Reference, GetEmailAddressInsights.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ses_bounces.base.aws.clients import explained, open_client, places
from ses_bounces.base.exceptions import AwsRefusedError
from ses_bounces.base.settings import Settings
from ses_bounces.suppression.ses_list import BadAddressError

OPERATION = "ses:GetEmailAddressInsights"
# A person waits for the answer.
_READ_SECONDS = 2.0


@dataclass(frozen=True)
class Insights:
    """SES's confidence: LOW, MEDIUM or HIGH, or empty where it gave none.

    ``is_valid``: that mail can arrive there. ``evaluations``: by SES's name, like ``MailboxExists``.
    """

    is_valid: str
    evaluations: dict[str, str] = field(default_factory=dict)


def insights(settings: Settings, address: str) -> Insights:
    """Ask SES, once, in the first region that it sends from.

    :raises BadAddressError: SES does not take it for an address.
    :raises AwsRefusedError: a retry would meet the same, like a missing permission, or a boto3 that lacks the call.
    :raises AwsError: other errors, like throttling; nothing was learned.
    """
    place = places(settings)[0]
    client = open_client(
        "sesv2", place, use_fips_endpoint=settings.use_fips_endpoint, read_seconds=_READ_SECONDS, attempts=1, patience=0
    )
    if not hasattr(client, "get_email_address_insights"):
        raise AwsRefusedError(f"The installed boto3 does not know {OPERATION}; install a newer one.")
    region = client.meta.region_name
    with explained(OPERATION, region):
        try:
            answer = client.get_email_address_insights(EmailAddress=address)
        except client.exceptions.BadRequestException:
            raise BadAddressError(f"SES of {region} does not take this for an address.") from None
    found = answer.get("MailboxValidation") or {}
    evaluations = {
        name: verdict
        for name, evaluation in (found.get("Evaluations") or {}).items()
        if (verdict := (evaluation or {}).get("ConfidenceVerdict"))
    }
    return Insights((found.get("IsValid") or {}).get("ConfidenceVerdict", ""), evaluations)
