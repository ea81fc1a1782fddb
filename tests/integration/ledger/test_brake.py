"""The brake: no more than so many new blocks of a domain and day without a person; nothing lost, wishes never held."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_bounces.base.database import partitions
from ses_bounces.classify.entry import Entry
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger import pending
from ses_bounces.ledger.brake import decisions, held
from ses_bounces.ledger.pending import Classified, classify_pending
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.ledger.replay import replay, try_replay
from ses_bounces.ledger.writing import writing
from tests.kit.builders import bounce, complaint, delivery, eventbridge, iso, sns

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

numbers = itertools.count()
NOW = datetime.now(UTC).replace(microsecond=0)
# Noon of two days ago: half a day later has passed as well, whenever the tests run.
NOON = (NOW - timedelta(days=2)).replace(hour=12, minute=0, second=0)
Event = tuple[str, int, int, int]
BOUNCED = ("permanent_bounce", "ses_suppression", "expired_transient")


def event(kind: str, addresses: str | list[str], at: datetime = NOON, key: str | None = None) -> dict[str, Any]:
    """An event of a kind at a time; the same key makes a copy."""
    names = [addresses] if isinstance(addresses, str) else addresses
    made = {
        "P": lambda: bounce(names),
        "S": lambda: bounce(names, sub_type="OnAccountSuppressionList"),
        "U": lambda: bounce(names, sub_type="UnsubscribedRecipient"),
        "T": lambda: bounce(names, "Transient", "MailboxFull"),
        "C": lambda: complaint(names),
        "D": lambda: delivery(names),
    }[kind]()
    content = made.get("bounce") or made.get("complaint") or made["delivery"]
    content["timestamp"] = iso(at)
    key = key or f"event {next(numbers)}"
    if kind != "D":
        content["feedbackId"] = key
    made["mail"] |= {"timestamp": iso(at - timedelta(seconds=5)), "messageId": f"mail of {key}"}
    return made


def body(*args: Any, **options: Any) -> str:
    return json.dumps(event(*args, **options))


def put(connection: Connection, *bodies: str, queue: str = "queue", sent_at: datetime = NOW) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
            " VALUES ('id', %s, %s, %s, 'pending')",
            [(queue, text, sent_at) for text in bodies],
        )


def classified(connection: Connection, *bodies: str, limit: int | None = 2) -> Classified:
    put(connection, *bodies)
    return classify_pending(connection, Rules(), max_new_blocks=limit)


def blocked(connection: Connection, domain: str = "") -> set[tuple[str, str]]:
    """Address and reason of the open blocks."""
    query = "SELECT address, reason FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL AND address LIKE %s"
    return set(connection.execute(query, [f"%{domain}"]).fetchall())


def outcomes(connection: Connection) -> dict[str, int]:
    query = "SELECT outcome, count(*) FROM ses_bounces.message GROUP BY outcome"
    return dict(connection.execute(query).fetchall())


def decide(connection: Connection, decision: held.Decision, domain: str | None = None) -> decisions.Settled:
    """Decide about every braked domain, or one of them, and carry it out."""
    ids = [one.brake_id for one in held.held_domains(connection) if domain in (None, one.domain)]
    with writing(connection) as writer:
        assert set(decisions.decide(writer, ids, decision, "alice", "looked at it")) == set(ids)
    return decisions.settle(connection)


def test_an_hour_of_5_1_1_costs_no_more_than_the_limit(database: Connection) -> None:
    down = [body("P", f"p{n}@down.example", NOON + timedelta(seconds=n)) for n in range(50)]
    fine = [body("P", f"p{n}@fine{n}.example") for n in range(5)]
    done = classified(database, *down[:25], *fine, *down[25:], limit=10)
    assert done.outcomes == {"applied": 15, "held": 40}
    assert len(blocked(database, "@down.example")) == 10
    assert len(blocked(database)) == 15
    # Later ones too, also of the next day.
    late = body("P", "late@down.example", NOON + timedelta(hours=13))
    assert classified(database, late, limit=10).outcomes == {"held": 1}
    [domain] = held.undecided(database)
    assert (domain.domain, domain.limit, domain.bounces, domain.messages) == ("down.example", 10, 41, 41)
    assert (domain.day, domain.first_at) == (NOON.date(), NOON + timedelta(seconds=10))
    assert domain.last_at == NOON + timedelta(hours=13)
    assert domain.diagnostics == [["smtp; 550 5.1.1 user unknown", 41]]
    row = database.execute(
        "SELECT DISTINCT reason, body IS NOT NULL FROM ses_bounces.message WHERE outcome = 'held'"
    ).fetchall()
    assert row == [("down.example is over its limit of new blocks", True)]
    # None of them is in the ledger.
    assert database.execute("SELECT count(*) FROM ses_bounces.address_event").fetchone() == (15,)


def test_confirmed_they_block_and_the_domain_has_its_limit_anew(database: Connection) -> None:
    classified(database, *(body("P", f"p{n}@down.example") for n in range(5)))
    settled = decide(database, "confirmed")
    assert (settled.confirmed, settled.dismissed) == (3, 0)
    assert classified(database).outcomes == {"applied": 3}
    assert len(blocked(database)) == 5
    assert held.held_domains(database) == []
    more = classified(database, *(body("P", f"q{n}@down.example") for n in range(3)))
    assert more.outcomes == {"applied": 2, "held": 1}
    rows = database.execute("SELECT decision, actor, reason, settled_at IS NULL FROM ses_bounces.brake ORDER BY 1")
    assert rows.fetchall() == [("confirmed", "alice", "looked at it", False), (None, None, None, True)]


def test_dismissed_they_never_block_nor_does_a_late_copy(database: Connection) -> None:
    bodies = [body("P", f"p{n}@down.example") for n in range(5)]
    classified(database, *bodies)
    assert decide(database, "dismissed").dismissed == 3
    assert outcomes(database) == {"applied": 2, "dismissed": 3}
    copies = [json.dumps(eventbridge(json.loads(text)) | {"time": iso(NOW)}) for text in bodies]
    assert classified(database, *copies).outcomes == {"applied": 2, "dismissed": 3}
    # Nor after the limit is gone, nor by a replay.
    assert classified(database, *copies, limit=None).outcomes == {"applied": 2, "dismissed": 3}
    window = (NOW - timedelta(days=1), NOW + timedelta(hours=1))
    assert try_replay(database, Rules(), window).found == {}
    assert replay(database, Rules(), window).changes.blocked == {}
    assert len(blocked(database)) == 2
    # The day's limit is reached: what else bounces that day is held again, the next day counts for itself.
    assert classified(database, body("P", "new@down.example")).outcomes == {"held": 1}
    decide(database, "dismissed")
    assert classified(database, body("P", "new@down.example", NOW)).outcomes == {"applied": 1}


def test_a_copy_is_held_with_its_event_and_counts_once(database: Connection) -> None:
    text = body("P", "p0@down.example", key="one")
    copy = json.dumps(sns(json.loads(text)) | {"Timestamp": iso(NOW)})
    assert classified(database, text, copy, limit=1).outcomes == {"applied": 2}
    second = body("P", "p1@down.example", key="two")
    copy = json.dumps(sns(json.loads(second)) | {"Timestamp": iso(NOW)})
    assert classified(database, second, copy, text, limit=1).outcomes == {"held": 2, "applied": 1}
    assert [one.bounces for one in held.undecided(database)] == [1]
    # Without a limit, what waits goes on waiting; so does a copy of it.
    assert classified(database, copy, limit=None).outcomes == {"held": 1}
    decide(database, "confirmed")
    assert classified(database).outcomes == {"applied": 3}
    assert blocked(database) == {("p0@down.example", "permanent_bounce"), ("p1@down.example", "permanent_bounce")}


def test_a_message_to_several_domains_is_held_for_one_and_counts_for_the_others(database: Connection) -> None:
    classified(database, body("P", "p@down.example"), limit=1)
    both = ["q@down.example", "q@fine.example"]
    assert classified(database, body("P", both), limit=1).outcomes == {"held": 1}
    assert blocked(database) == {("p@down.example", "permanent_bounce"), ("q@fine.example", "permanent_bounce")}
    decide(database, "dismissed")
    assert blocked(database, "fine.example") == {("q@fine.example", "permanent_bounce")}
    # Two domains, one decided: the message waits for the other one, and says so.
    classified(database, body("P", ["a@down.example", "a@fine.example"]), limit=1)
    assert {one.domain for one in held.undecided(database)} == {"down.example", "fine.example"}
    decide(database, "dismissed", "down.example")
    assert classified(database, limit=1).outcomes == {"held": 1}
    reasons = "SELECT reason FROM ses_bounces.message WHERE outcome = 'held'"
    assert database.execute(reasons).fetchall() == [("fine.example is over its limit of new blocks",)]
    decide(database, "confirmed", "fine.example")
    classified(database, limit=1)
    assert ("a@fine.example", "permanent_bounce") in blocked(database)
    assert ("a@down.example", "permanent_bounce") not in blocked(database)
    # A replay reads what was applied: this one it leaves alone.
    assert outcomes(database) == {"applied": 1, "dismissed": 2}


def test_wishes_deliveries_and_transients_are_never_held(database: Connection) -> None:
    classified(database, *(body("P", f"p{n}@down.example") for n in range(3)))
    kinds = "CUTD"
    done = classified(database, *(body(kind, f"{kind.lower()}@down.example") for kind in kinds))
    assert done.outcomes == {"applied": 4}
    records = {"Records": [{"body": body("C", "both@down.example")}, {"body": body("P", "both@down.example")}]}
    assert classified(database, json.dumps(records)).outcomes == {"held": 1}
    assert ("both@down.example", "complaint") in blocked(database)
    assert ("both@down.example", "permanent_bounce") not in blocked(database)


def test_what_blocks_nobody_anew_neither_counts_nor_is_held(database: Connection) -> None:
    mirror_settings(database, True, ["never@down.example"])
    again = [body("P", "p0@down.example") for _ in range(5)]
    protected = [body("P", "never@down.example")]
    assert classified(database, *again, *protected, body("P", "p1@down.example")).outcomes == {"applied": 7}
    assert classified(database, body("P", "p2@down.example")).outcomes == {"held": 1}
    # Braked, too: SES's echo of a block that is there, a bounce of a blocked and of a protected address.
    more = [body("S", "p0@down.example"), body("P", "p1@down.example"), *protected]
    assert classified(database, *more).outcomes == {"applied": 3}
    # SES's refusal of an address whose own bounce is held would block it by the back door.
    assert classified(database, body("S", "p2@down.example")).outcomes == {"held": 1}


def test_without_a_grace_period_transients_count(database: Connection) -> None:
    put(database, *(body("T", f"p{n}@down.example") for n in range(4)))
    done = classify_pending(database, Rules(grace=timedelta(0)), max_new_blocks=2)
    assert done.outcomes == {"applied": 2, "held": 2}


def test_a_copy_of_what_is_on_record_neither_counts_nor_is_held(database: Connection) -> None:
    """Also where it blocks nobody any more: somebody deleted the transient record."""
    rules, known = Rules(grace=timedelta(0)), body("T", "p0@down.example", key="known")
    put(database, known)
    assert classify_pending(database, rules, max_new_blocks=1).outcomes == {"applied": 1}
    with writing(database) as writer:
        writer.append(
            [(Entry("transient_deleted", "p0@down.example", "p0@down.example", NOW, b"d" * 16), None)], "alice"
        )
    assert blocked(database) == set()
    put(database, known)
    assert classify_pending(database, rules, max_new_blocks=1).outcomes == {"applied": 1}
    assert held.undecided(database) == []


def test_the_first_run_of_a_queue_is_not_braked_and_does_not_count(database: Connection) -> None:
    first_drained = NOON + timedelta(hours=1)
    insert = "INSERT INTO ses_bounces.queue VALUES (%s, %s, %s, now())"
    database.execute(insert, ["queue", "queue", first_drained])
    # Also where it takes several runs.
    for part in range(2):
        first = [body("P", f"first{part}{n}@down.example") for n in range(5)]
        assert classified(database, *first, limit=2).outcomes == {"applied": 5}
    later = [body("P", f"later{n}@down.example", NOON + timedelta(hours=2)) for n in range(5)]
    assert classified(database, *later, limit=2).outcomes == {"applied": 2, "held": 3}


def test_a_limit_that_is_set_in_the_middle_of_a_day_counts_what_the_list_has(database: Connection) -> None:
    assert classified(database, *(body("P", f"p{n}@down.example") for n in range(5)), limit=None).outcomes == {
        "applied": 5
    }
    assert classified(database, body("P", "q@down.example"), limit=5).outcomes == {"held": 1}
    assert classified(database, body("P", "q@fine.example"), limit=5).outcomes == {"applied": 1}


def test_held_messages_outlive_their_day_and_are_decided_from_there(database: Connection) -> None:
    classified(database, *(body("P", f"p{n}@down.example") for n in range(4)))
    old = min(partitions.partitions(database)).replace(year=2020)
    partitions._make(database, old)
    database.execute("UPDATE ses_bounces.message SET received_at = %s WHERE outcome = 'held'", [f"{old} 12:00+00"])
    assert partitions.drop_partitions(database, 90) == 1
    assert outcomes(database) == {"applied": 2}
    assert [one.bounces for one in held.undecided(database)] == [2]
    assert decide(database, "confirmed").confirmed == 2
    assert classified(database).outcomes == {"applied": 2}
    assert len(blocked(database)) == 4


def test_a_kept_message_is_dismissed(database: Connection) -> None:
    classified(database, *(body("P", f"p{n}@down.example") for n in range(3)))
    old = min(partitions.partitions(database)).replace(year=2020)
    partitions._make(database, old)
    database.execute("UPDATE ses_bounces.message SET received_at = %s WHERE outcome = 'held'", [f"{old} 12:00+00"])
    partitions.drop_partitions(database, 90)
    assert decide(database, "dismissed").dismissed == 1
    assert database.execute("SELECT outcome FROM ses_bounces.quarantine").fetchall() == [("dismissed",)]


def test_a_chunk_that_postgres_refuses_counts_once(database: Connection) -> None:
    database.execute("ALTER TABLE ses_bounces.address_event ADD CHECK (diagnostic_code <> 'refused')")
    refused = event("P", "refused@fine.example")
    refused["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = "refused"
    bodies = [body("P", f"p{n}@down.example") for n in range(9)]
    done = classified(database, *bodies[:4], json.dumps(refused), *bodies[4:], limit=3)
    assert done.outcomes == {"applied": 3, "held": 6, "quarantined": 1}
    assert database.execute("SELECT count(*) FROM ses_bounces.brake").fetchone() == (1,)


def test_a_settling_that_is_killed_goes_on(database: Connection) -> None:
    classified(database, *(body("P", f"p{n}@down.example") for n in range(9)))
    with writing(database) as writer:
        decisions.decide(writer, [one.brake_id for one in held.undecided(database)], "confirmed", "alice", "real")
    # Decided, and not carried out: nothing more is held, a later bounce counts anew.
    assert held.undecided(database) == []
    assert classified(database, body("P", "q@down.example")).outcomes == {"applied": 1}
    with patch.object(decisions, "MESSAGES_PER_CHUNK", 2):
        assert decisions.settle(database, seconds=0).confirmed == 0
        assert decisions.settle(database).confirmed == 7
    assert classified(database).outcomes == {"applied": 7}
    assert decisions.settle(database).confirmed == 0


@pytest.mark.parametrize("kinds", ["PS", "SP", "PPS", "SSP"])
@pytest.mark.parametrize("is_one_chunk", [True, False])
def test_an_address_counts_once_whatever_blocks_it_first(database: Connection, kinds: str, is_one_chunk: bool) -> None:
    same = [body(kind, "p0@down.example", NOON + timedelta(minutes=n)) for n, kind in enumerate(kinds)]
    others = [body("P", f"p{n}@down.example", NOON + timedelta(hours=1)) for n in (1, 2, 3)]
    for part in [[*same, *others]] if is_one_chunk else [[text] for text in (*same, *others)]:
        classified(database, *part, limit=3)
    assert outcomes(database) == {"applied": len(kinds) + 2, "held": 1}


def test_a_bounce_of_the_first_run_blocks_its_address_for_the_later_ones(database: Connection) -> None:
    """Together with them, before, or after: what it blocks takes no place."""
    insert = "INSERT INTO ses_bounces.queue VALUES (%s, %s, %s, now())"
    database.execute(insert, ["queue", "queue", NOON])
    for number, order in enumerate(([0, 1], [1, 0])):
        domain = f"d{number}.example"
        texts = [body("P", f"p0@{domain}", NOON - timedelta(hours=13)), body("P", f"p0@{domain}")]
        for index in order:
            classified(database, texts[index], limit=1)
        assert classified(database, body("P", f"p1@{domain}"), limit=1).outcomes == {"applied": 1}
        assert classified(database, body("P", f"p2@{domain}"), limit=1).outcomes == {"held": 1}
    together = [body("P", "p0@d2.example", NOON - timedelta(hours=13)), body("P", "p0@d2.example")]
    assert classified(database, *together, body("P", "p1@d2.example"), limit=1).outcomes == {"applied": 3}


def test_an_earlier_bounce_of_a_blocked_address_takes_a_place_of_its_own_day(database: Connection) -> None:
    """It gives back that of the later day, and is held where the earlier one is full."""
    before = NOON - timedelta(days=1)
    assert classified(database, body("P", "p0@down.example"), limit=1).outcomes == {"applied": 1}
    assert classified(database, body("P", "p0@down.example", before), limit=1).outcomes == {"applied": 1}
    assert classified(database, body("P", "p1@down.example"), limit=1).outcomes == {"applied": 1}
    assert classified(database, body("P", "p1@down.example", before), limit=1).outcomes == {"held": 1}


@given(
    stream=st.lists(
        st.tuples(st.sampled_from("PPPS"), st.integers(0, 5), st.integers(0, 1), st.integers(0, 3)), min_size=1,
        max_size=25,
    ),
    seed=st.integers(0, 1_000), chunk=st.integers(1, 8),
)  # fmt: skip
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_counts_does_not_depend_on_order_and_pieces(
    database: Connection, stream: list[Event], seed: int, chunk: int
) -> None:
    """Each address once, on the day of its earliest bounce."""
    run = next(numbers)
    shuffler = random.Random(seed)
    texts, earliest = [], dict[str, datetime]()
    for number, (kind, person, domain, day) in enumerate(stream):
        at = NOON - timedelta(days=day, minutes=number)
        address = f"p{person}@d{domain}.c{run}.example"
        texts.append(body(kind, address, at, key=f"c{run} {number}"))
        earliest[address] = min(at, earliest.get(address, at))
    shuffler.shuffle(texts)
    with patch.object(pending, "MESSAGES_PER_CHUNK", chunk):
        while texts:
            size = 1 + shuffler.randrange(len(texts))
            assert set(classified(database, *texts[:size], limit=1_000).outcomes) == {"applied"}
            texts = texts[size:]
    rows = database.execute(
        "SELECT day, domain, new_blocks FROM ses_bounces.brake_day WHERE domain LIKE %s AND new_blocks > 0",
        [f"%.c{run}.example"],
    )
    wanted = Counter((at.date(), address.rpartition("@")[2]) for address, at in earliest.items())
    assert {(day, domain): count for day, domain, count in rows} == dict(wanted)


def streams() -> st.SearchStrategy[list[Event]]:
    """Events: kind, person, domain, and on how many days the person bounces."""
    one = st.tuples(st.sampled_from("PPPPPSCUTD"), st.integers(0, 7), st.integers(0, 1), st.integers(0, 2))
    return st.lists(one, min_size=1, max_size=30)


@given(
    stream=streams(), limit=st.integers(1, 4), seed=st.integers(0, 1_000), is_spread=st.booleans(),
    chunk=st.integers(1, 8),
)  # fmt: skip
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_never_more_than_the_limit_without_a_person_and_nothing_lost(
    database: Connection, stream: list[Event], limit: int, seed: int, is_spread: bool, chunk: int
) -> None:
    run = next(numbers)
    shuffler = random.Random(seed)

    def bodies(variant: str) -> list[tuple[str, str, str]]:
        made = []
        for number, (kind, person, domain, day) in enumerate(stream):
            # Mostly everybody bounces on one day: then each day can be counted for itself.
            at = NOON - timedelta(days=day if is_spread else person % 3, minutes=number)
            address = f"p{person}@d{domain}.{variant}{run}.example"
            made.append((kind, address, body(kind, address, at, key=f"{variant}{run} {number}")))
        return made

    braked = bodies("b")
    shuffler.shuffle(braked)
    braked += [shuffler.choice(braked) for _ in range(shuffler.randrange(3))]
    first_seen: dict[str, tuple[str, Any]] = {}
    wishes: set[tuple[str, str]] = set()
    with patch.object(pending, "MESSAGES_PER_CHUNK", chunk):
        rest = list(braked)
        while rest:
            size = 1 + shuffler.randrange(len(rest))
            wishes |= {(a, {"C": "complaint", "U": "unsubscribed"}[k]) for k, a, _ in rest[:size] if k in "CU"}
            classified(database, *(text for *_, text in rest[:size]), limit=limit)
            rest = rest[size:]
            rows = database.execute(
                "SELECT address, (min(blocked_at) AT TIME ZONE 'UTC')::date FROM ses_bounces.blocked_list"
                " WHERE reason = ANY (%s) AND address LIKE %s GROUP BY address",
                [list(BOUNCED), f"%.b{run}.example"],
            ).fetchall()
            for address, day in rows:
                first_seen.setdefault(address, (address.rpartition("@")[2], day))
            if is_spread:
                by_domain = Counter(domain for domain, _ in first_seen.values())
                assert all(count <= 3 * limit for count in by_domain.values())
            else:
                assert all(count <= limit for count in Counter(first_seen.values()).values())
            assert wishes <= blocked(database, f".b{run}.example")
        # Everything is confirmed, as often as anything is held.
        for _ in range(20):
            decide(database, "confirmed")
            if not classified(database, limit=limit).messages:
                break
        assert held.held_domains(database) == []
    classified(database, *(text for *_, text in bodies("m")), limit=None)
    assert state(database, f"b{run}") == state(database, f"m{run}")


def state(connection: Connection, variant: str) -> list[Any]:
    """Both lists of a variant, whatever its name."""
    queries = (
        "SELECT address, reason, blocked_at FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL"
        " AND address LIKE %s ORDER BY 1, 2",
        "SELECT address, kind, first_bounced_at, last_bounced_at, bounce_count, transient_fix_deadline"
        " FROM ses_bounces.bounce_list WHERE closed_at IS NULL AND address LIKE %s ORDER BY 1",
    )
    rows = [connection.execute(query, [f"%.{variant}.example"]).fetchall() for query in queries]
    return [[(row[0].replace(variant, ""), *row[1:]) for row in found] for found in rows]


@given(stream=streams(), limit=st.integers(1, 3), seed=st.integers(0, 1_000))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_dismissed_in_any_order_nothing_of_it_ever_blocks(
    database: Connection, stream: list[Event], limit: int, seed: int
) -> None:
    run = next(numbers)
    shuffler = random.Random(seed)
    made: dict[str, str] = {}
    for number, (kind, person, domain, day) in enumerate(stream):
        at = NOON - timedelta(days=day, minutes=number)
        made[f"{run} {number}"] = body(kind, f"p{person}@d{domain}.{run}.example", at, key=f"{run} {number}")
    dismissed: set[str] = set()
    for _ in range(3):
        texts = list(made.values())
        shuffler.shuffle(texts)
        classified(database, *texts, limit=limit)
        rows = database.execute(
            "SELECT m.body FROM ses_bounces.held_entry h JOIN ses_bounces.message m USING (message_id)"
            " WHERE h.decision IS NULL"
        ).fetchall()
        dismissed |= {json.loads(text)["bounce"]["feedbackId"] for (text,) in rows}
        decide(database, "dismissed")
    entries = database.execute(
        "SELECT feedback_id FROM ses_bounces.address_event WHERE feedback_id = ANY (%s)", [list(dismissed)]
    ).fetchall()
    assert entries == []
    query = "SELECT address FROM ses_bounces.blocked_list WHERE reason = ANY (%s) AND address LIKE %s GROUP BY address"
    addresses = [address for (address,) in database.execute(query, [list(BOUNCED), f"%.{run}.example"])]
    assert all(count <= 3 * limit for count in Counter(a.rpartition("@")[2] for a in addresses).values())
