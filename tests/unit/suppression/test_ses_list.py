"""SES's suppression list and the files of its import jobs: each call's exact request and answer, by botocore's Stubber."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from ses_bounces.base.aws.clients import Pace
from ses_bounces.base.exceptions import AwsError, AwsRefusedError
from ses_bounces.suppression.import_files import ImportFolder
from ses_bounces.suppression.ses_list import (
    BadAddressError,
    StaleTokenError,
    SuppressedAddress,
    SuppressionList,
    SuppressionPage,
)

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
JOB = {"JobId": "job-1"}


@pytest.fixture
def ses() -> Iterator[Stubber]:
    client = boto3.client("sesv2", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def listing(ses: Stubber) -> SuppressionList:
    return SuppressionList(ses.client, "123456789012", Pace(0))


def test_a_page_asks_for_the_range_and_the_next_token(ses: Stubber, listing: SuppressionList) -> None:
    in_berlin = datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))
    ses.add_response(
        "list_suppressed_destinations",
        {
            "SuppressedDestinationSummaries": [
                {"EmailAddress": "Anna@example.com", "Reason": "BOUNCE", "LastUpdateTime": in_berlin},
                {"EmailAddress": "bert@example.com", "Reason": "COMPLAINT", "LastUpdateTime": MOMENT},
            ],
            "NextToken": "second",
        },
        {"PageSize": 1000, "StartDate": MOMENT, "EndDate": MOMENT + timedelta(days=1)},
    )
    ses.add_response("list_suppressed_destinations", {}, {"PageSize": 1000, "NextToken": "second"})
    assert listing.page(MOMENT, MOMENT + timedelta(days=1), None) == SuppressionPage(
        [
            SuppressedAddress("Anna@example.com", "BOUNCE", MOMENT),
            SuppressedAddress("bert@example.com", "COMPLAINT", MOMENT),
        ],
        "second",
    )
    assert listing.page(None, None, "second") == SuppressionPage([], None)


def test_an_empty_token_is_the_end(ses: Stubber, listing: SuppressionList) -> None:
    ses.add_response("list_suppressed_destinations", {"NextToken": ""}, {"PageSize": 1000})
    assert listing.page(None, None, None).next_token is None


def test_a_token_that_ses_forgot_is_told_apart(ses: Stubber, listing: SuppressionList) -> None:
    ses.add_client_error("list_suppressed_destinations", "InvalidNextTokenException")
    with pytest.raises(StaleTokenError, match="no longer knows the place in the list of eu-west-1"):
        listing.page(None, None, "old")


def test_deleting_one_spelling(ses: Stubber, listing: SuppressionList) -> None:
    ses.add_response("delete_suppressed_destination", {}, {"EmailAddress": "Anna@example.com"})
    ses.add_client_error("delete_suppressed_destination", "NotFoundException")
    ses.add_client_error("delete_suppressed_destination", "BadRequestException", "anna@example.com is bad")
    assert listing.delete("Anna@example.com") is True
    assert listing.delete("anna@example.com") is False
    with pytest.raises(BadAddressError, match="SES does not accept this address") as caught:
        listing.delete("anna@example.com")
    assert "@" not in str(caught.value)


@pytest.mark.parametrize("reason", ["BOUNCE", "COMPLAINT"])
def test_putting(ses: Stubber, listing: SuppressionList, reason: Any) -> None:
    ses.add_response("put_suppressed_destination", {}, {"EmailAddress": "anna@example.com", "Reason": reason})
    listing.put("anna@example.com", reason)


def test_an_import_job_deletes_what_a_file_names(ses: Stubber, listing: SuppressionList) -> None:
    ses.add_response(
        "create_import_job",
        JOB,
        {
            "ImportDestination": {"SuppressionListDestination": {"SuppressionListImportAction": "DELETE"}},
            "ImportDataSource": {"S3Url": "s3://bucket/folder/file.csv", "DataFormat": "CSV"},
        },
    )
    ses.add_response("get_import_job", JOB | {"JobStatus": "PROCESSING"}, JOB)
    ses.add_response("get_import_job", JOB | {"JobStatus": "COMPLETED", "FailedRecordsCount": 2}, JOB)
    assert listing.begin_deletion("s3://bucket/folder/file.csv") == "job-1"
    assert listing.deletion("job-1") == ("PROCESSING", 0)
    assert listing.deletion("job-1") == ("COMPLETED", 2)


CALLS: dict[str, Callable[[SuppressionList], object]] = {
    "list_suppressed_destinations": lambda listing: listing.page(None, None, None),
    "delete_suppressed_destination": lambda listing: listing.delete("anna@example.com"),
    "put_suppressed_destination": lambda listing: listing.put("anna@example.com", "BOUNCE"),
    "create_import_job": lambda listing: listing.begin_deletion("s3://bucket/file.csv"),
    "get_import_job": lambda listing: listing.deletion("job-1"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("AccessDeniedException", AwsRefusedError, "the connection's role lacks a permission"),
        ("ExpiredTokenException", AwsRefusedError, "the credentials have expired"),
        ("TooManyRequestsException", AwsError, "AWS asks for fewer requests"),
        ("InternalServiceErrorException", AwsError, "see AWS's documentation"),
    ],
)
def test_each_call_refused_is_one_sentence_without_an_address(
    ses: Stubber, listing: SuppressionList, call: str, code: str, kind: type[Exception], words: str
) -> None:
    ses.add_client_error(call, code, "not for anna@example.com")
    with pytest.raises(kind) as caught:
        CALLS[call](listing)
    assert type(caught.value) is kind
    operation = "".join(part.title() for part in call.split("_"))
    assert str(caught.value).startswith(f"ses:{operation} on eu-west-1 was refused ({code}): {words}")
    assert str(caught.value).count(". ") == 0
    assert "@" not in str(caught.value)


@pytest.mark.parametrize("path", ["a/folder", "n° 1#a?b/100%20"])
def test_the_file_of_an_import_job_is_written_encrypted_and_deleted(path: str) -> None:
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    folder = ImportFolder(client, f"s3://bucket/{path}/")
    with Stubber(client) as stubber:
        stubber.add_response(
            "put_object",
            {},
            {
                "Bucket": "bucket",
                "Key": ANY,
                "Body": b'anna@example.com\n"""a,b""@example.com"\n',
                "ServerSideEncryption": "AES256",
            },
        )
        url = folder.write(["anna@example.com", '"a,b"@example.com'])
        assert url.startswith(f"s3://bucket/{path}/")
        assert url.endswith(".csv")
        stubber.add_response("delete_object", {}, {"Bucket": "bucket", "Key": url.removeprefix("s3://bucket/")})
        folder.forget(url)
        stubber.add_client_error("put_object", "NoSuchBucket")
        with pytest.raises(AwsRefusedError, match="s3:PutObject on bucket was refused"):
            folder.write(["anna@example.com"])
