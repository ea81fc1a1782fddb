"""An auto-reply to a mail that SES reported as delivered: docs/semantics.md, *Auto-replies*, by way of the product itself."""

from __future__ import annotations

import itertools
import json
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from ses_bounces.actions.action import Action
from ses_bounces.actions.erase import erase
from ses_bounces.base.erasure_secret import CONN_ID
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger import pending
from ses_bounces.ledger.erased import guard
from ses_bounces.ledger.lists.bounces import BounceFilter, list_bounces
from ses_bounces.ledger.lists.history import address_history
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.promotion import promote_expired
from ses_bounces.ledger.rebuild import rebuild, verify
from ses_bounces.ledger.replay import replay, try_replay
from ses_bounces.ledger.replay_preview import outdated
from ses_bounces.report.making import make_report
from tests.kit.builders import bounce, delivery, iso, sns
from tests.kit.seeding import address_id

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

ADDRESS = "ann@example.com"
DAY = timedelta(days=1)
POLICIES = ("age", "age_and_rebounce", "expire")
NOTHING: dict[str, Any] = {"action": None, "status": None, "diagnosticCode": None}
Json = dict[str, Any]


@pytest.fixture
def now(database: Connection) -> datetime:
    row = database.execute("SELECT date_trunc('second', clock_timestamp())").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def made(event: Json, at: datetime, mail: str | None) -> Json:
    content = event.get("bounce") or event["delivery"]
    content["timestamp"] = iso(at)
    if "recipients" not in content:
        content["feedbackId"] = f"feedback {mail} {at}"
    event["mail"] |= {"timestamp": iso(at - DAY), "messageId": mail}
    return event


def reply(at: datetime, mail: str | None = "m", address: str = ADDRESS, **said: Any) -> Json:
    """A bounce of whose recipient nothing is said, but for what a test says."""
    return made(bounce(address, "Transient", "General", recipient=NOTHING | said), at, mail)


def delivered(at: datetime, mail: str = "m", address: str = ADDRESS) -> Json:
    return made(delivery(address), at, mail)


def land(connection: Connection, *events: Json) -> None:
    for event in events:
        content = event.get("bounce") or event["delivery"]
        sent = datetime.fromisoformat(content["timestamp"])
        connection.execute(
            "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
            " VALUES ('id', 'queue', %s, %s, 'pending')",
            [json.dumps(sns(event, Timestamp=iso(sent + timedelta(seconds=5)))), sent],
        )


def take(connection: Connection, *events: Json, rules: Rules | None = None, limit: int | None = None) -> None:
    """Land events and classify them, each in a chunk of its own."""
    for event in events:
        land(connection, event)
        classify_pending(connection, rules or Rules(), max_new_blocks=limit)
    promote_expired(connection)


def blocked(connection: Connection, at: datetime | None = None) -> list[str]:
    if at is None:
        query = "SELECT reason FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL"
        return [reason for (reason,) in connection.execute(query)]
    return [reason for (reason,) in connection.execute("SELECT reason FROM ses_bounces.blocked_as_of(%s)", [at])]


def bounced(connection: Connection) -> list[tuple[Any, ...]]:
    query = "SELECT kind, bounce_count, is_reply FROM ses_bounces.bounce_list WHERE closed_at IS NULL"
    return connection.execute(query).fetchall()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("between", [0, 3])
def test_an_answered_reply_counts_for_nothing_in_any_order(
    database: Connection, now: datetime, policy: Any, between: int
) -> None:
    """The mail's own delivery, up to three others, and the reply; also beside a real failure of a second mail."""
    rules = Rules(promotion=policy)
    events = [delivered(now - 30 * DAY), reply(now - 26 * DAY)]
    events += [delivered(now - 29 * DAY + n * DAY, f"other {n}") for n in range(between)]
    orders = list(itertools.permutations(events))
    for order in orders[:: max(1, len(orders) // 12)]:
        take(database, *order, rules=rules)
        assert (blocked(database), bounced(database)) == ([], [])
        # At all past times as well, whatever came first.
        assert all(blocked(database, now - days * DAY) == [] for days in range(31))
        assert not verify(database).differ
        database.execute(
            "TRUNCATE ses_bounces.address_event, ses_bounces.last_delivery, ses_bounces.bounce_list,"
            " ses_bounces.blocked_list, ses_bounces.address CASCADE"
        )


@pytest.mark.parametrize("policy", POLICIES)
def test_a_reply_beside_a_failure_is_no_second_mail(database: Connection, now: datetime, policy: Any) -> None:
    """Nor does it begin, lengthen or hasten anybody's episode."""
    rules = Rules(promotion=policy, grace=10 * DAY)
    failed = made(bounce(ADDRESS, "Transient", "MailboxFull"), now - 15 * DAY, "failed")
    answered = [delivered(now - 30 * DAY), reply(now - 20 * DAY), reply(now - 12 * DAY)]
    take(database, *answered[:2], failed, answered[2], rules=rules)
    expected = {"age": ["expired_transient"], "age_and_rebounce": [], "expire": []}[policy]
    assert blocked(database) == expected
    assert blocked(database, now - 6 * DAY) == []
    assert blocked(database, now - 4 * DAY) == expected
    kinds = {"age": [("permanent", 1, False)], "age_and_rebounce": [("transient", 1, False)], "expire": []}[policy]
    assert bounced(database) == kinds


@pytest.mark.parametrize("field", ["action", "status", "diagnosticCode"])
@pytest.mark.parametrize("value", ["failed", 5, {"a": 1}])
def test_a_late_report_of_a_real_failure_counts_as_ever(
    database: Connection, now: datetime, field: str, value: Any
) -> None:
    take(database, delivered(now - 30 * DAY), reply(now - 26 * DAY, **{field: value}))
    assert (blocked(database), bounced(database)) == (["expired_transient"], [("permanent", 1, False)])


@pytest.mark.parametrize(
    ("type_", "sub_type", "is_marked"),
    [
        ("Transient", "General", True), ("Transient", None, True), ("Transient", "MailboxFull", False),
        ("Transient", "Invented", False), ("Undetermined", "Undetermined", False), ("Undetermined", "General", False),
    ],
)  # fmt: skip
def test_what_is_marked(database: Connection, now: datetime, type_: str, sub_type: str | None, is_marked: bool) -> None:
    event = made(bounce(ADDRESS, type_, sub_type, recipient=NOTHING), now - 26 * DAY, "m")
    take(database, delivered(now - 30 * DAY), event)
    marked = database.execute("SELECT is_reply FROM ses_bounces.address_event WHERE kind = 'transient_bounce'")
    assert marked.fetchall() == [(is_marked,)]
    assert blocked(database) == ([] if is_marked else ["expired_transient"])


def test_another_mail_another_address_or_no_message_id_answers_nothing(database: Connection, now: datetime) -> None:
    take(
        database,
        delivered(now - 30 * DAY, "another"), reply(now - 26 * DAY),
        delivered(now - 30 * DAY, "x", "bo@example.com"), reply(now - 26 * DAY, "x", "cy@example.com"),
        made(delivery("di@example.com"), now - 30 * DAY, None), reply(now - 26 * DAY, None, "di@example.com"),
    )  # fmt: skip
    assert blocked(database) == ["expired_transient"] * 3


def test_copies_and_other_recipients_do_not_matter(database: Connection, now: datetime) -> None:
    several = made(delivery(["bo@example.com", ADDRESS, "cy@example.com"]), now - 30 * DAY, "m")
    answer = reply(now - 26 * DAY)
    take(database, answer, several, answer, several, answer)
    assert (blocked(database), bounced(database)) == ([], [])


def test_a_block_that_only_a_reply_caused_ends_and_says_why(database: Connection, now: datetime) -> None:
    """The report of the delivery comes last, though the mail was delivered first."""
    take(database, reply(now - 26 * DAY))
    assert (blocked(database), bounced(database)) == (["expired_transient"], [("permanent", 1, True)])
    take(database, delivered(now - 27 * DAY))
    assert (blocked(database), bounced(database)) == ([], [])
    closed = database.execute("SELECT close_reason FROM ses_bounces.bounce_list").fetchall()
    lifted = database.execute("SELECT unblock_reason FROM ses_bounces.blocked_list").fetchall()
    assert (closed, lifted) == ([("answered",)], [("the reply to a mail that was delivered",)])
    history = address_history(database, address_id(database, ADDRESS))
    assert history is not None
    told = {entry.kind: entry for entry in history.entries.rows if entry.kind != "promotion"}
    assert (told["transient_bounce"].is_reply, told["transient_bounce"].is_answered) == (True, True)
    assert told["transient_bounce"].rule.startswith("the reply to a mail that was delivered")
    assert blocked(database, now - 5 * DAY) == []


def test_deliveries_in_the_same_chunk(database: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many of one address at once: of those only the latest four are kept beside what answers."""
    monkeypatch.setattr(pending, "MESSAGES_PER_CHUNK", 100)
    land(database, *(delivered(now - 40 * DAY + n * DAY, f"m{n}") for n in range(12)), reply(now - 26 * DAY, "m2"))
    classify_pending(database, Rules())
    assert (blocked(database), bounced(database)) == ([], [])
    kept = database.execute(
        "SELECT ses_message_id, second_mail, third_mail, fourth_mail FROM ses_bounces.last_delivery"
    )
    assert kept.fetchall() == [("m11", "m10", "m9", "m8")]


@pytest.mark.parametrize("between", [3, 4])
def test_the_four_latest_deliveries_are_kept_in_any_order(database: Connection, now: datetime, between: int) -> None:
    """With more between them the reply stays unanswered, which docs/semantics.md says."""
    others = [delivered(now - 29 * DAY + n * DAY, f"other {n}") for n in range(between)]
    for number, order in enumerate(itertools.islice(itertools.permutations([delivered(now - 30 * DAY), *others]), 8)):
        name = f"p{number}@example.com"
        for event in order:
            event["delivery"]["recipients"] = event["mail"]["destination"] = [name]
        take(database, *order, reply(now - 25 * DAY, "m", name))
        kept = database.execute(
            "SELECT ses_message_id, second_mail, third_mail, fourth_mail FROM ses_bounces.last_delivery"
            " WHERE address_id = %s",
            [address_id(database, name)],
        ).fetchone()
        latest = [*(f"other {n}" for n in range(between)), "m"] if between < 4 else [f"other {n}" for n in range(4)]
        assert kept is not None
        assert sorted(mail for mail in kept if mail) == sorted(latest)
        query = "SELECT count(*) FROM ses_bounces.blocked_list WHERE address = %s"
        assert database.execute(query, [name]).fetchone() == (between // 4,)


def test_without_promotion_of_replies_one_that_nothing_answers_has_no_deadline(
    database: Connection, now: datetime
) -> None:
    take(database, reply(now - 26 * DAY), rules=Rules(promote_auto_replies=False))
    assert (blocked(database), bounced(database)) == ([], [("transient", 1, True)])
    # Stored with the entry, as promotion_excludes is: a changed setting holds for later ones.
    take(database, reply(now - 26 * DAY, "n", "bo@example.com"))
    assert blocked(database) == ["expired_transient"]


def test_the_brake_neither_counts_nor_holds_a_reply(database: Connection, now: datetime) -> None:
    """Not even without a grace period, where it would block at once."""
    rules = Rules(grace=timedelta(0))
    replies = [reply(now - DAY, f"m{n}", f"p{n}@example.com") for n in range(3)]
    take(database, *replies, rules=rules, limit=1)
    assert blocked(database) == ["expired_transient"] * 3
    hard = made(bounce("q@example.com"), now - DAY, "q")
    take(database, hard, rules=rules, limit=1)
    assert database.execute("SELECT count(*) FROM ses_bounces.held_entry").fetchone() == (0,)
    take(database, *(delivered(now - 2 * DAY, f"m{n}", f"p{n}@example.com") for n in range(3)), rules=rules, limit=1)
    assert blocked(database) == ["permanent_bounce"]


def test_the_list_is_filtered_by_it(database: Connection, now: datetime) -> None:
    take(database, reply(now - DAY), made(bounce("bo@example.com", "Transient", "General"), now - DAY, "n"))
    rows = list_bounces(database, BounceFilter(), sort="address", direction="ascending").rows
    assert [(row.address, row.is_reply) for row in rows] == [(ADDRESS, True), ("bo@example.com", False)]
    assert [row.address for row in list_bounces(database, BounceFilter(is_reply=True)).rows] == [ADDRESS]


def forget_marks(connection: Connection) -> None:
    """As rules version 1 left it: nothing is marked, and what answers was not kept."""
    connection.execute("DELETE FROM ses_bounces.address_event WHERE kind = 'delivery'")
    connection.execute("UPDATE ses_bounces.address_event SET is_reply = false, rules_version = 1")
    rebuild(connection)


def window(now: datetime) -> tuple[datetime, datetime]:
    return now - 60 * DAY, now


def test_entries_of_before_are_marked_by_a_replay_that_was_told_of(database: Connection, now: datetime) -> None:
    take(database, delivered(now - 30 * DAY), reply(now - 26 * DAY), reply(now - 26 * DAY, "lost", "bo@example.com"))
    forget_marks(database)
    assert sorted(blocked(database)) == ["expired_transient"] * 2
    told = outdated(database, Rules())
    assert told.address_ids == [address_id(database, ADDRESS)]
    assert (told.first, told.unreadable) == (now - 26 * DAY, 0)
    assert "would change 1 address (ids" in told.lines()[0]
    try_replay(database, Rules(), window(now))
    assert sorted(blocked(database)) == ["expired_transient"] * 2
    replay(database, Rules(), window(now))
    rows = database.execute("SELECT address FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL").fetchall()
    assert rows == [("bo@example.com",)]
    assert outdated(database, Rules()).lines() == []
    assert not verify(database).differ
    # Again, it changes nothing.
    try_replay(database, Rules(), window(now))
    assert replay(database, Rules(), window(now)).superseded == 0


def test_what_an_upgrade_can_not_read_again_is_said(database: Connection, now: datetime) -> None:
    take(database, delivered(now - 30 * DAY), reply(now - 26 * DAY))
    forget_marks(database)
    database.execute("UPDATE ses_bounces.message SET body = NULL")
    told = outdated(database, Rules())
    assert (told.address_ids, told.unreadable) == ([], 1)
    assert told.lines() == [
        "1 entry of earlier rules can't be read again, as the message is gone, and will not change."
    ]


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps({"conn_type": "generic", "password": "a secret of the tests, long enough to be one"})
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", text)
    guard._known.clear()


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("is_real", [False, True], ids=["reply", "failure"])
def test_after_an_erasure(database: Connection, now: datetime, is_real: bool) -> None:
    """What a reply is told by is emptied then: the mark stays, also when its body is read again."""
    said = {"diagnosticCode": "552 too full"} if is_real else {}
    take(database, reply(now - 26 * DAY, **said))
    action = Action("admin", "asked for it by letter", str(uuid.uuid4()))
    erase(database, action, [ADDRESS])
    assert blocked(database) == ["expired_transient"]
    try_replay(database, Rules(), window(now))
    assert replay(database, Rules(), window(now)).superseded == 0
    # The report of the delivery comes after that, and once more.
    expected = ["expired_transient"] if is_real else []
    take(database, delivered(now - 30 * DAY))
    take(database, delivered(now - 30 * DAY))
    assert blocked(database) == expected
    rebuild(database)
    assert blocked(database) == expected


@pytest.mark.usefixtures("secret")
def test_deliveries_kept_from_before_an_erasure_answer_a_reply_after_it(database: Connection, now: datetime) -> None:
    take(database, *(delivered(now - 30 * DAY + n * DAY, f"m{n}") for n in range(4)))
    erase(database, Action("admin", "asked for it by letter", str(uuid.uuid4())), [ADDRESS])
    take(database, reply(now - 20 * DAY, "m0"))
    assert (blocked(database), bounced(database)) == ([], [])


def test_a_past_days_report_is_the_same_in_any_order(database: Connection, now: datetime) -> None:
    """A reply, a failure that a delivery ended, and others: as they happened, and the other way round."""
    day = (now - 10 * DAY).date()
    csvs = []
    for names in (("a", "b"), ("c", "d")):
        first, second = (f"{name}@example.com" for name in names)
        events = [
            delivered(now - 40 * DAY, "m", first), reply(now - 30 * DAY, "m", first),
            made(bounce(second, "Transient", "MailboxFull"), now - 30 * DAY, "n"),
            delivered(now - 12 * DAY, "o", second), delivered(now - 5 * DAY, "p", second),
            delivered(now - 2 * DAY, "q", first),
        ]  # fmt: skip
        take(database, *(events if names[0] == "a" else reversed(events)))
        summary = make_report(database, day, ZoneInfo("UTC"))
        csvs.append(summary.blocked_addresses)
        states = [blocked(database, now - days * DAY) for days in range(1, 41)]
        assert [len(state) for state in states[:16]] == [0] * 12 + [1] * 4
        database.execute(
            "TRUNCATE ses_bounces.address_event, ses_bounces.last_delivery, ses_bounces.bounce_list,"
            " ses_bounces.blocked_list, ses_bounces.address CASCADE"
        )
    assert csvs == [0, 0]


def test_an_order_of_arrival_does_not_matter_at_any_past_time(database: Connection, now: datetime) -> None:
    """A failure that was over with the first of four deliveries, reported after all of them."""
    deliveries = [delivered(now - 20 * DAY + n * 5 * DAY, f"m{n}") for n in range(4)]
    failed = made(bounce(ADDRESS, "Transient", "MailboxFull"), now - 40 * DAY, "failed")
    take(database, *reversed(deliveries), failed)
    assert [blocked(database, now - days * DAY) for days in (27, 25, 21, 19, 1)] == [
        [], ["expired_transient"], ["expired_transient"], [], [],
    ]  # fmt: skip
