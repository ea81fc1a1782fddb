"""A lifted block really lifts: SES's lists over HTTP, then the ledger; refusals leave the block, with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.ses import FakeSes
from ses_bounces.base.aws.clients import Pace
from ses_bounces.base.settings import Settings, parse
from ses_bounces.suppression import lifting
from ses_bounces.suppression.at_once import try_at_once
from ses_bounces.suppression.import_files import ImportFolder
from ses_bounces.suppression.lifting import LIFTED, lift_open
from ses_bounces.suppression.reading import read_list
from ses_bounces.suppression.ses_list import SuppressionList
from tests.integration.ledger.test_pipeline import classified
from tests.kit.builders import bounce, iso, sns

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

NOW = datetime.now(UTC).replace(microsecond=0)
ACCOUNT = "000000000000"
BUCKET = "lifts"


@pytest.fixture(scope="module")
def server(server: FakeSes) -> FakeSes:
    server.aws.client("s3").create_bucket(Bucket=BUCKET)
    return server


@pytest.fixture
def ses(server: FakeSes, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSes]:
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", server.connection_json(region=None))
    yield server
    for region in ("us-east-1", "eu-west-1"):
        server.region(region).listed.clear()
    server.refuse.clear()
    server.calls.clear()


def listing(ses: FakeSes, region: str = "us-east-1") -> SuppressionList:
    client = ses.client("sesv2", region, retries={"total_max_attempts": 1})
    return SuppressionList(client, ACCOUNT, Pace(0))


def settings_for(*regions: str) -> Settings:
    return parse({"queue_urls": ["http://127.0.0.1/000000000000/queue"], "ses_regions": list(regions)})


def listed(connection: Connection, ses: FakeSes, *addresses: str, region: str = "us-east-1") -> None:
    """Put addresses on SES's list, and have it read."""
    moment = NOW - timedelta(days=3)
    ses.region(region).listed.update(dict.fromkeys(addresses, ("BOUNCE", moment)))
    read_list(connection, listing(ses, region))


def request(connection: Connection, address: str, lifts: str = "ses_suppression", actor: str = "ann") -> int:
    row = connection.execute(
        "INSERT INTO ses_bounces.unblock_request (address_id, lifts, actor, reason)"
        " SELECT address_id, %s, %s, 'moved house' FROM ses_bounces.address WHERE address = %s"
        " RETURNING unblock_request_id",
        [lifts.split(), actor, address],
    ).fetchone()
    assert row
    return int(row[0])


def blocked(connection: Connection) -> set[str]:
    return {address for (address,) in connection.execute("SELECT address FROM ses_bounces.do_not_email")}


def result(connection: Connection, request_id: int) -> tuple[str | None, bool]:
    query = "SELECT result, finished_at IS NOT NULL FROM ses_bounces.unblock_request WHERE unblock_request_id = %s"
    row = connection.execute(query, [request_id]).fetchone()
    assert row
    return row[0], row[1]


def test_the_address_leaves_every_list_in_every_spelling_and_then_its_block_is_lifted(
    database: Connection, ses: FakeSes
) -> None:
    listed(database, ses, "Anna@Example.com", "anna@example.com", "other@example.com")
    listed(database, ses, "ANNA@example.com", region="eu-west-1")
    id_ = request(database, "anna@example.com")
    done = lift_open(database, [listing(ses), listing(ses, "eu-west-1")])
    assert (done.lifted, done.refused, done.left, done.failed) == (1, 0, 0, [])
    assert list(ses.region().listed) == ["other@example.com"]
    assert ses.region("eu-west-1").listed == {}
    assert blocked(database) == {"other@example.com"}
    assert result(database, id_) == (LIFTED, True)
    entry = database.execute(
        "SELECT actor, reason, lifts FROM ses_bounces.address_event WHERE kind = 'unblocked'"
    ).fetchall()
    assert entry == [("ann", "moved house", ["ses_suppression"])]
    # Nor does the next reading of the lists bring it back.
    read_list(database, listing(ses))
    assert blocked(database) == {"other@example.com"}


def test_what_is_not_on_the_list_is_fine(database: Connection, ses: FakeSes) -> None:
    listed(database, ses, "anna@example.com")
    ses.region().listed.clear()
    request(database, "anna@example.com")
    assert lift_open(database, [listing(ses)]).lifted == 1
    assert blocked(database) == set()


def noted(connection: Connection) -> list[bool | None]:
    """Whether SES had each address on its list, as far as it said, by request."""
    rows = connection.execute("SELECT was_listed FROM ses_bounces.lift_step ORDER BY unblock_request_id")
    return [was_listed for (was_listed,) in rows]


@pytest.mark.parametrize("ends", ["time", "refusal"])
def test_whether_ses_had_it_is_known_though_the_run_ended_before_the_other_spellings(
    database: Connection, ses: FakeSes, ends: str
) -> None:
    listed(database, ses, "Anna@Example.com", "bert@example.com")
    for address in ("anna@example.com", "bert@example.com"):
        request(database, address)
    ses.region().listed.pop("bert@example.com")

    class Ended(SuppressionList):
        def delete(self, address: str) -> bool:
            was_listed = super().delete(address)
            self.pace = Pace(60 if ends == "time" else 0)
            self.pace.wait()
            if ends == "refusal":
                ses.refuse["DeleteSuppressedDestination"] = ("TooManyRequestsException", 1)
            return was_listed

    client = ses.client("sesv2", retries={"total_max_attempts": 1})
    assert lift_open(database, [Ended(client, ACCOUNT, Pace(0))], seconds=30).lifted == 0
    assert noted(database) == [True]
    ses.refuse.clear()
    assert lift_open(database, [listing(ses)]).lifted == 2
    assert noted(database) == [True, False]


def test_another_cause_stays(database: Connection, ses: FakeSes) -> None:
    listed(database, ses, "anna@example.com")
    classified(database, json.dumps(sns(bounce("anna@example.com"))))
    request(database, "anna@example.com", "ses_suppression")
    assert lift_open(database, [listing(ses)]).lifted == 1
    reasons = database.execute("SELECT reason FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL").fetchall()
    assert reasons == [("permanent_bounce",)]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDeniedException", "the connection's role lacks a permission"),
        ("ExpiredTokenException", "the credentials have expired"),
        ("TooManyRequestsException", "AWS asks for fewer requests"),
    ],
)
def test_a_refusal_leaves_the_block_and_says_why_and_the_next_run_goes_on(
    database: Connection, ses: FakeSes, code: str, words: str
) -> None:
    listed(database, ses, "anna@example.com", "bert@example.com")
    ids = [request(database, "anna@example.com"), request(database, "bert@example.com")]
    ses.refuse["DeleteSuppressedDestination"] = (code, None)
    done = lift_open(database, [listing(ses)])
    assert (done.lifted, done.left, len(done.failed)) == (0, 2, 1)
    assert blocked(database) == {"anna@example.com", "bert@example.com"}
    for id_ in ids:
        text, finished = result(database, id_)
        assert not finished
        assert text
        assert text.startswith(f"ses:DeleteSuppressedDestination on us-east-1 was refused ({code}): {words}")
        assert "@" not in text
    ses.refuse.clear()
    assert lift_open(database, [listing(ses)]).lifted == 2
    assert blocked(database) == set()


def test_one_region_that_refuses_keeps_the_block_until_it_does_not(database: Connection, ses: FakeSes) -> None:
    listed(database, ses, "anna@example.com")
    id_ = request(database, "anna@example.com")
    broken = listing(ses, "eu-west-1")
    ses.refuse["DeleteSuppressedDestination"] = ("AccessDeniedException", 1)
    done = lift_open(database, [broken, listing(ses)])
    assert (done.lifted, done.left) == (0, 1)
    # The other list was left, and is not asked again.
    assert ses.region().listed == {}
    ses.calls.clear()
    assert lift_open(database, [broken, listing(ses)]).lifted == 1
    assert ses.calls["DeleteSuppressedDestination"] == 1
    assert result(database, id_) == (LIFTED, True)


def test_an_address_that_ses_does_not_accept_ends_its_request_and_no_other(database: Connection, ses: FakeSes) -> None:
    listed(database, ses, "anna@example.com", "bert@example.com")
    bad, good = request(database, "anna@example.com"), request(database, "bert@example.com")
    ses.refuse["DeleteSuppressedDestination"] = ("BadRequestException", 1)
    done = lift_open(database, [listing(ses)])
    assert (done.lifted, done.refused, done.left) == (1, 1, 0)
    text, finished = result(database, bad)
    assert finished
    assert text
    assert "SES does not accept this address" in text
    assert result(database, good) == (LIFTED, True)
    assert blocked(database) == {"anna@example.com"}


def test_killed_between_the_two_lists_it_is_finished_by_the_next_run(database: Connection, ses: FakeSes) -> None:
    listed(database, ses, "anna@example.com")
    request(database, "anna@example.com")

    class KilledError(Exception):
        pass

    class Killed(SuppressionList):
        def delete(self, address: str) -> bool:
            super().delete(address)
            raise KilledError

    with pytest.raises(KilledError):
        lift_open(database, [Killed(ses.client("sesv2"), ACCOUNT, Pace(0))])
    assert ses.region().listed == {}
    assert blocked(database) == {"anna@example.com"}
    assert lift_open(database, [listing(ses)]).lifted == 1
    assert lift_open(database, [listing(ses)]).lifted == 0
    assert blocked(database) == set()


def test_without_a_list_to_leave_nothing_counts_as_lifted(database: Connection, ses: FakeSes) -> None:
    listed(database, ses, "anna@example.com")
    request(database, "anna@example.com")
    assert lift_open(database, []).lifted == 0
    assert blocked(database) == {"anna@example.com"}


def suppressed(sent_at: datetime, feedback_id: str) -> str:
    event = bounce(
        "anna@example.com", sub_type="OnAccountSuppressionList", timestamp=iso(sent_at), feedbackId=feedback_id
    )
    event["mail"]["timestamp"] = iso(sent_at)
    return json.dumps(sns(event, Timestamp=iso(datetime.now(UTC))))


def test_a_refusal_of_mail_from_before_the_lift_is_an_echo_and_one_of_later_mail_blocks_again(
    database: Connection, ses: FakeSes
) -> None:
    listed(database, ses, "anna@example.com")
    request(database, "anna@example.com")
    lift_open(database, [listing(ses)])
    classified(database, suppressed(NOW - timedelta(hours=2), "before"))
    assert blocked(database) == set()
    now = datetime.now(UTC)
    classified(database, suppressed(now, "after"), sent_at=now + timedelta(seconds=1))
    assert blocked(database) == {"anna@example.com"}


def test_at_once_through_the_connection_and_at_ses_own_pace(database: Connection, ses: FakeSes) -> None:
    addresses = [f"user{n}@example.com" for n in range(6)]
    listed(database, ses, *addresses)
    ids = [request(database, address) for address in addresses]
    told = try_at_once(database, settings_for("us-east-1"), ids, seconds=4)
    assert list(told) == ids[:5]
    assert LIFTED in told.values()
    # One request a second: what the time does not reach waits for the DAG.
    assert lifting.left_to_dag() in told.values()
    assert len(blocked(database)) == 6 - list(told.values()).count(LIFTED)
    assert ids[5] not in told


def test_at_once_a_refusal_is_told_at_once(database: Connection, ses: FakeSes) -> None:
    listed(database, ses, "anna@example.com")
    id_ = request(database, "anna@example.com")
    ses.refuse["DeleteSuppressedDestination"] = ("AccessDeniedException", None)
    told = try_at_once(database, settings_for("us-east-1"), [id_])
    assert "docs/iam.md" in told[id_]
    assert blocked(database) == {"anna@example.com"}


def test_at_once_without_a_connection(database: Connection, ses: FakeSes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SES_BOUNCES_AWS")
    listed(database, ses, "anna@example.com")
    id_ = request(database, "anna@example.com")
    assert (
        'Airflow connection "ses_bounces_aws" is missing'
        in try_at_once(database, settings_for("us-east-1"), [id_])[id_]
    )
    assert blocked(database) == {"anna@example.com"}


def many(connection: Connection, ses: FakeSes, monkeypatch: pytest.MonkeyPatch) -> ImportFolder:
    monkeypatch.setattr(lifting, "ONE_BY_ONE", 3)
    addresses = [f"user{n}@example.com" for n in range(8)]
    listed(connection, ses, *addresses, "stays@example.com")
    for address in addresses:
        request(connection, address)
    return ImportFolder(ses.client("s3"), f"s3://{BUCKET}/folder")


def objects(ses: FakeSes) -> list[str]:
    found = ses.aws.client("s3").list_objects_v2(Bucket=BUCKET)
    return [item["Key"] for item in found.get("Contents", [])]


def test_many_go_by_an_import_job(database: Connection, ses: FakeSes, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = many(database, ses, monkeypatch)
    begun = lift_open(database, [listing(ses)], [folder])
    assert (begun.in_jobs, begun.lifted, begun.left) == (8, 0, 8)
    assert len(objects(ses)) == 1
    assert "user0@example.com" in blocked(database)
    done = lift_open(database, [listing(ses)], [folder])
    assert (done.lifted, done.left) == (8, 0)
    assert ses.calls["DeleteSuppressedDestination"] == 0
    assert blocked(database) == {"stays@example.com"}
    assert list(ses.region().listed) == ["stays@example.com"]
    assert objects(ses) == []


def test_more_than_a_thousand_are_one_job(database: Connection, ses: FakeSes) -> None:
    addresses = [f"User{n:04}@example.com" for n in range(1_001)]
    listed(database, ses, *addresses, "stays@example.com")
    database.execute(
        "INSERT INTO ses_bounces.unblock_request (address_id, lifts, actor, reason)"
        " SELECT a.address_id, '{ses_suppression}', 'ann', 'moved' FROM ses_bounces.address a"
        " WHERE a.address LIKE 'user%'"
    )
    folder = ImportFolder(ses.client("s3"), f"s3://{BUCKET}/folder")
    begun = lift_open(database, [listing(ses)], [folder])
    assert (begun.in_jobs, begun.lifted, ses.calls["CreateImportJob"]) == (1_001, 0, 1)
    done = lift_open(database, [listing(ses)], [folder])
    assert (done.lifted, done.left, ses.calls["DeleteSuppressedDestination"]) == (1_001, 0, 0)
    # In each spelling: SES's list tells upper from lower case.
    assert list(ses.region().listed) == ["stays@example.com"]
    assert blocked(database) == {"stays@example.com"}


def test_no_job_has_more_addresses_than_ses_takes(
    database: Connection, ses: FakeSes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request may be of several spellings: SES's list tells upper from lower case, and so does who reported it."""
    monkeypatch.setattr(lifting, "PER_JOB", 20)
    monkeypatch.setattr(lifting, "ONE_BY_ONE", 3)
    addresses = [f"{name}{n}@example.com" for n in range(12) for name in ("user", "USer", "usER")]
    listed(database, ses, *addresses, "stays@example.com")
    for n in range(12):
        request(database, f"user{n}@example.com")
    written: list[int] = []
    write = ImportFolder.write

    def counting(self: ImportFolder, texts: Iterable[str]) -> str:
        given = list(texts)
        written.append(len(given))
        return write(self, given)

    monkeypatch.setattr(ImportFolder, "write", counting)
    folder = ImportFolder(ses.client("s3"), f"s3://{BUCKET}/folder")
    begun = lift_open(database, [listing(ses)], [folder])
    assert begun.in_jobs >= 8
    assert max(written) <= 20
    # Each is in one job, whole.
    assert sum(written) >= 3 * begun.in_jobs
    done = lift_open(database, [listing(ses)], [folder])
    assert begun.lifted + done.lifted == 12
    assert list(ses.region().listed) == ["stays@example.com"]


@pytest.mark.parametrize("status", ["FAILED", "COMPLETED"])
def test_what_an_import_job_did_not_do_goes_one_by_one(
    database: Connection, ses: FakeSes, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    folder = many(database, ses, monkeypatch)
    lift_open(database, [listing(ses)], [folder])
    kept = {f"user{n}@example.com": ("BOUNCE", NOW - timedelta(days=3)) for n in range(8)}
    ses.region().listed.update(kept)
    # The job did this one: SES did not say whether it had it.
    del ses.region().listed["user3@example.com"]
    for job in ses.region().jobs.values():
        job.update({"JobStatus": status, "FailedRecordsCount": 2})
    done = lift_open(database, [listing(ses)], [folder])
    assert (done.lifted, done.left, done.in_jobs) == (8, 0, 0)
    assert list(ses.region().listed) == ["stays@example.com"]
    assert noted(database) == [True, True, True, None, True, True, True, True]


def test_a_refused_import_job_leaves_no_file(
    database: Connection, ses: FakeSes, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = many(database, ses, monkeypatch)
    ses.refuse["CreateImportJob"] = ("AccessDeniedException", None)
    done = lift_open(database, [listing(ses)], [folder])
    assert (done.lifted, done.left, len(done.failed)) == (0, 8, 1)
    assert objects(ses) == []


def test_a_lift_is_one_entry_whatever_is_repeated(database: Connection, ses: FakeSes) -> None:
    listed(database, ses, "anna@example.com")
    id_ = request(database, "anna@example.com")
    lift_open(database, [listing(ses)])
    database.execute("UPDATE ses_bounces.unblock_request SET finished_at = NULL")
    lift_open(database, [listing(ses)])
    entries: Any = database.execute(
        "SELECT count(*) FROM ses_bounces.address_event WHERE kind = 'unblocked'"
    ).fetchone()
    assert entries == (1,)
    assert result(database, id_) == (LIFTED, True)
