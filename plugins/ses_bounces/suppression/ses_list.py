"""SES's account suppression list of one account and region.

API: Amazon SES API v2 Reference, ListSuppressedDestinations, PutSuppressedDestination, DeleteSuppressedDestination,
CreateImportJob, GetImportJob. The management calls tell upper from lower case; listing gives the spelling to use.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from ses_bounces.base.aws.clients import Pace, Place, account_of, explained, open_client
from ses_bounces.base.exceptions import AwsError, AwsRefusedError
from ses_bounces.base.settings import Settings
from ses_bounces.classify.entry import digest

SesReason = Literal["BOUNCE", "COMPLAINT"]

PAGE_SIZE = 1_000
_TYPE = "rfc822;"


@dataclass(frozen=True)
class SuppressedAddress:
    """One entry of the list: the address as SES spells it, BOUNCE or COMPLAINT, and since when (aware, UTC)."""

    address: str
    ses_reason: SesReason
    last_updated_at: datetime


@dataclass(frozen=True)
class SuppressionPage:
    """Some entries, and the token of the next page; None: this is the last."""

    entries: list[SuppressedAddress]
    next_token: str | None


class StaleTokenError(AwsError):
    """A page's token is no longer valid: the reading begins again."""


class BadAddressError(AwsRefusedError):
    """SES refuses the address itself."""


class SuppressionList:
    """The list, one request a second.

    :param client: of ``sesv2``.
    :param account: its number.
    """

    def __init__(self, client: Any, account: str, pace: Pace | None = None) -> None:
        self.client = client
        self.account = account
        self.region: str = client.meta.region_name
        self.pace = pace or Pace()

    def page(self, since: datetime | None, until: datetime | None, next_token: str | None) -> SuppressionPage:
        """Return up to 1,000 entries.

        :param since: only entries updated from then on.
        :param until: only entries updated before.
        :raises StaleTokenError: begin again without a token.
        """
        self.pace.wait()
        bounds = {"StartDate": since, "EndDate": until, "NextToken": next_token}
        given = {name: value for name, value in bounds.items() if value is not None}
        with explained("ses:ListSuppressedDestinations", self.region):
            try:
                # botocore has no paginator for this operation.
                answer = self.client.list_suppressed_destinations(PageSize=PAGE_SIZE, **given)
            except self.client.exceptions.InvalidNextTokenException:
                raise StaleTokenError(f"SES no longer knows the place in the list of {self.region}.") from None
        entries = [
            SuppressedAddress(entry["EmailAddress"], entry["Reason"], entry["LastUpdateTime"].astimezone(UTC))
            for entry in answer.get("SuppressedDestinationSummaries", [])
        ]
        return SuppressionPage(entries, answer.get("NextToken") or None)

    def delete(self, address: str) -> bool:
        """Take one spelling of an address off the list; False: it was not on it.

        :raises BadAddressError: SES does not take it for an address.
        """
        self.pace.wait()
        with explained("ses:DeleteSuppressedDestination", self.region):
            try:
                self.client.delete_suppressed_destination(EmailAddress=address)
            except self.client.exceptions.NotFoundException:
                return False
            except self.client.exceptions.BadRequestException:
                raise BadAddressError(
                    f"SES does not accept this address, so it can't be taken off its list of {self.region}; look for "
                    "it in the SES console."
                ) from None
        return True

    def put(self, address: str, ses_reason: SesReason) -> None:
        """Put an address on the list."""
        self.pace.wait()
        with explained("ses:PutSuppressedDestination", self.region):
            self.client.put_suppressed_destination(EmailAddress=address, Reason=ses_reason)

    def begin_deletion(self, object_url: str) -> str:
        """Have SES take the addresses of a file off the list, one a line; returns the job's id.

        :param object_url: ``s3://bucket/key``, in the list's region.
        """
        self.pace.wait()
        with explained("ses:CreateImportJob", self.region):
            answer = self.client.create_import_job(
                ImportDestination={"SuppressionListDestination": {"SuppressionListImportAction": "DELETE"}},
                ImportDataSource={"S3Url": object_url, "DataFormat": "CSV"},
            )
        job: str = answer["JobId"]
        return job

    def deletion(self, job_id: str) -> tuple[str, int]:
        """Return a job's status (CREATED, PROCESSING, COMPLETED, FAILED, CANCELLED) and how many records failed."""
        self.pace.wait()
        with explained("ses:GetImportJob", self.region):
            answer = self.client.get_import_job(JobId=job_id)
        return answer["JobStatus"], int(answer.get("FailedRecordsCount", 0))


def open_list(
    settings: Settings, place: Place, *, pace: Pace | None = None, read_seconds: float = 20, attempts: int = 8
) -> SuppressionList:
    """Return the list of a place.

    :param attempts: of each request, with growing pauses between them.
    """
    options: dict[str, Any] = {
        "use_fips_endpoint": settings.use_fips_endpoint, "read_seconds": read_seconds, "attempts": attempts,
    }  # fmt: skip
    return SuppressionList(open_client("sesv2", place, **options), account_of(place, **options), pace)


def listing_key(account: str, region: str, address: str, last_updated_at: datetime) -> bytes:
    """Return the ``dedup_key`` of a ledger entry made from SES's list: 16 bytes.

    :param address: the address key.
    """
    return digest("listing", account, region, address, last_updated_at.astimezone(UTC).isoformat())


def spellings(*written: str | None) -> list[str]:
    """Return the spellings under which SES's list may hold an address: as reported, and in lower case."""
    bare = (_bare(text) for text in written if text)
    return list(dict.fromkeys(spelling for text in bare for spelling in (text, text.lower())))


def _bare(text: str) -> str:
    text = text.strip()
    if text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1].strip()
    return text[len(_TYPE) :].strip() if text.lower().startswith(_TYPE) else text
