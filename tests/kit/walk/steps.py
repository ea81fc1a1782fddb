"""The steps of a walk: each is done to the product and to what must be so. All that is by chance comes from a seed."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ses_bounces.actions.action import Action, Result
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.quarantine import dismiss_messages, retry_messages
from ses_bounces.actions.stops import request_stops
from ses_bounces.actions.transients import delete_transients, extend_deadlines
from ses_bounces.actions.undo import BlocksOf, find_blocks, retract_lift
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.database.partitions import drop_partitions
from ses_bounces.classify.causes import CAUSES
from ses_bounces.feed.landing import Landing
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.promotion import promote_expired
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.ledger.rebuild import rebuild, verify
from ses_bounces.ledger.replay import replay, try_replay
from ses_bounces.report.days import due_days
from ses_bounces.report.making import make_report
from ses_bounces.suppression.lifting import lift_open
from ses_bounces.suppression.reading import Bounds, read_list
from tests.kit import model
from tests.kit.builders import TOPIC_ARN
from tests.kit.strategies import POLICIES
from tests.kit.walk.events import (
    ADDRESSES,
    DAY,
    GARBAGE,
    HALF_DAY,
    NOISE,
    OTHER_TOPIC,
    POISON,
    SECOND,
    Event,
    Key,
    Made,
    Message,
    body_of,
    random_event,
)
from tests.kit.walk.figures import count, count_killed
from tests.kit.walk.outages import catch_up, fall_behind, forget_queue
from tests.kit.walk.world import Live, Step, World

UTC_ZONE = ZoneInfo("UTC")
REPORT_DAYS = 2
DAMAGES = (
    "DELETE FROM ses_bounces.blocked_list WHERE address = %s AND unblocked_at IS NULL",
    "DELETE FROM ses_bounces.bounce_list WHERE address = %s AND closed_at IS NULL",
    "UPDATE ses_bounces.blocked_list SET blocked_at = blocked_at - interval '1 day' WHERE address = %s"
    " AND unblocked_at IS NULL",
    "UPDATE ses_bounces.bounce_list SET kind = 'suppressed' WHERE address = %s AND closed_at IS NULL",
)


# Messages.


def land(world: World, r: Random) -> None:
    """New messages, copies of earlier ones in other shapes, garbage; as a drain lands them."""
    _land(world, r, world.connection)


def land_killed(world: World, r: Random) -> None:
    """The drain is killed while it lands; nothing is committed or all."""
    with world.doomed(r, "land", 5) as connection:
        _land(world, r, connection, take=False)
    world.connection.execute("DELETE FROM ses_bounces.message WHERE queue_url = 'killed'")


def _land(world: World, r: Random, connection: Any, *, take: bool = True) -> None:
    earlier = [m for m in world.messages.values() if m.events]
    for _ in range(r.randrange(1, 7)):
        events: tuple[Event, ...] = ()
        kinds = POISON if r.random() < 0.4 else GARBAGE
        body, topic, is_noise, sent_at = r.choice(kinds), None, False, world.now - r.randrange(20) * HALF_DAY
        chance = r.random()
        if chance < 0.05:
            body, is_noise = r.choice(NOISE), True
        elif chance > 0.12:
            if earlier and r.random() < 0.25:
                events = r.choice(earlier).events
            else:
                count = 2 if r.random() < 0.08 else 1
                events = tuple(random_event(r, world.now, world.numbers + n) for n in range(count))
                world.numbers += count
            body, topic = body_of(r, events)
            # Whoever puts several into one message has got them all.
            sent_at = max(event.published for event in events)
        received = {
            "MessageId": "an SQS id",
            "ReceiptHandle": "",
            "Body": body,
            "Attributes": {"SentTimestamp": str(int(sent_at.timestamp() * 1000))},
        }
        landing = Landing(connection, "killed" if not take else "queue", world.product_rules, False)
        with world.meanings():
            landing.land([received])  # type: ignore[list-item]
        if take:
            _take_landed(world, r, Message(0, events, is_noise, topic, sent_at))


def _take_landed(world: World, r: Random, message: Message) -> None:
    id_, outcome = world.row("SELECT message_id, outcome FROM ses_bounces.message ORDER BY message_id DESC LIMIT 1")
    received = min(world.now, max(message.sent_at, world.now - 8 * DAY) + r.randrange(3) * HALF_DAY)
    is_there = world.row("SELECT to_regclass(%s) IS NOT NULL", [f"ses_bounces.message_{received:%Y%m%d}"])[0]
    if not is_there:
        received = world.now
    move = "UPDATE ses_bounces.message SET received_at = %s WHERE message_id = %s"
    world.connection.execute(move, [received, id_])
    message.message_id, message.day = id_, received.date()
    if message.is_noise and message.judge(world.rules)[0] == "no_effect":
        message.outcome, message.has_body = "no_effect", False
    assert outcome == message.outcome
    world.messages[id_] = message


def classify(world: World, _r: Random) -> None:
    """Everything that waits."""
    with world.meanings():
        done = classify_pending(world.connection, world.product_rules)
    waiting = world.pending()
    assert done.messages == len(waiting)
    world.take_in_settled()
    assert not world.pending()


def classify_killed(world: World, r: Random) -> None:
    """Killed in a chunk, or between two."""
    with world.meanings(), world.doomed(r, "classify", 60) as connection:
        classify_pending(connection, world.product_rules)
    world.take_in_settled()


def promote(world: World, _r: Random) -> None:
    """What the hourly run does after classifying."""
    promote_expired(world.connection)
    world.is_owed = bool(world.pending()) or world.read_to is not None


def promote_killed(world: World, r: Random) -> None:
    """Killed in it."""
    world.is_owed = True
    with world.doomed(r, "promote", 20) as connection:
        promote_expired(connection)


def hourly(world: World, r: Random) -> None:
    """The tasks of a run, one after the other."""
    mirror_settings(world.connection, world.enforce, world.never_block)
    classify(world, r)
    promote(world, r)


def crowd(world: World, r: Random) -> None:
    """A scheduled run, a manual one and a backfill's at once."""
    ids = list(world.ids())
    failures: list[BaseException] = []

    def work(*, backfill: bool) -> None:
        try:
            with connect_url(world.url) as connection:
                classify_pending(connection, world.product_rules)
                if backfill:
                    rebuild(connection, ids)
                promote_expired(connection)
        except BaseException as error:  # the test's own thread is to see it
            failures.append(error)

    with world.meanings():
        threads = [threading.Thread(target=work, kwargs={"backfill": n == 0}) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures, failures
    world.take_in_settled()
    assert not world.pending()
    promote(world, r)


# Persons.


def _action(world: World, r: Random) -> Action:
    return Action("anna", "because", str(UUID(int=r.getrandbits(128), version=4)))


def _some(world: World, r: Random) -> list[int]:
    ids = sorted(world.ids())
    return r.sample(ids, r.randint(1, min(3, len(ids)))) if ids else []


def _done(results: list[Result]) -> list[int]:
    return sorted(result.target_id for result in results if result.outcome == "done" and result.target_id is not None)


def _new(world: World, kinds: set[str]) -> list[int]:
    """The addresses that have a new entry of a person, one each; nothing else may have come or gone."""
    new, gone = world.acted()
    assert not gone
    assert {one.entry.kind for one in new} <= kinds
    by_name = {address: id_ for id_, address in world.ids().items()}
    return sorted(by_name[one.address] for one in new)


def delete(world: World, r: Random) -> None:
    """Transient problems are deleted."""
    ids = _some(world, r)
    has = [id_ for id_ in ids if world.state(world.ids()[id_]).episode]
    results = delete_transients(world.connection, _action(world, r), ids)
    assert _done(results) == _new(world, {"transient_deleted"})
    if not world.pending() and not world.read_to:
        assert _done(results) == sorted(has)


def extend(world: World, r: Random) -> None:
    """Deadlines are extended."""
    ids, days = _some(world, r), r.randint(1, 30)
    results = extend_deadlines(world.connection, _action(world, r), ids, days)
    before = set(world.persons)
    assert _done(results) == _new(world, {"deadline_extended"})
    for id_ in set(world.persons) - before:
        entry = world.persons[id_].entry
        assert entry.deadline == entry.occurred_at + timedelta(days=days)


def stop(world: World, r: Random) -> None:
    """Owners ask not to be written to."""
    wanted = r.sample(ADDRESSES, r.randint(1, 2))
    has = {name for name in wanted if "stop_request" in world.state(name).causes}
    results = request_stops(world.connection, _action(world, r), [name.title() for name in wanted])
    assert _done(results) == _new(world, {"stop_request"})
    assert {world.ids()[id_] for id_ in _done(results)} == set(wanted) - has


def lift(world: World, r: Random) -> None:
    """Blocks are lifted, wishes or not."""
    ids = _some(world, r)
    lifts = {id_: r.sample(CAUSES, r.choice((1, 3, len(CAUSES)))) for id_ in ids}
    _lift(world, r, lifts)


def undo(world: World, r: Random) -> None:
    """The bounce blocks of a window are found and lifted."""
    first = world.now - r.randrange(60) * HALF_DAY
    last = first + r.randrange(1, 20) * HALF_DAY
    found = find_blocks(world.connection, BlocksOf(first, last))
    bounce_causes = {"permanent_bounce", "ses_suppression", "expired_transient"}
    names = world.ids()
    wanted = {
        id_
        for id_, name in names.items()
        if any(first <= at < last and c in bounce_causes for c, at in world.state(name).blocking.items())
    }
    assert world.is_owed or set(found) == wanted
    _lift(world, r, {id_: sorted(bounce_causes) for id_ in found})


def _lift(world: World, r: Random, lifts: dict[int, list[str]]) -> None:
    if not lifts:
        return
    action = _action(world, r)
    names = world.ids()
    before = {id_: world.state(names[id_]) for id_ in lifts}
    results = lift_blocks(world.connection, action, lifts, ses_first=r.random() < 0.3)
    at_once = [one for one in results if one.outcome == "done" and not one.message.startswith("Being lifted")]
    assert _done(at_once) == _new(world, {"unblocked", "transient_deleted"})
    for one in results:
        assert one.target_id is not None
        if one.outcome == "done":
            assert world.is_owed or set(before[one.target_id].blocking) & set(lifts[one.target_id])
    for one in at_once:
        # What the lists are behind with, e.g. a block that never_block held back, is not lifted before it is there.
        assert world.is_owed or not set(world.state(names[one.target_id or 0]).blocking) & set(
            lifts[one.target_id or 0]
        )
    if _done(results):
        world.lifts.append((action.action_id, _done(results)))


def retract(world: World, r: Random) -> None:
    """A lift is taken back."""
    if not world.lifts:
        return
    lift_id, ids = r.choice(world.lifts)
    results = retract_lift(world.connection, _action(world, r), lift_id)
    new, gone = world.acted()
    assert not new
    assert {one.entry.kind for one in gone} <= {"unblocked", "transient_deleted"}
    names = world.ids()
    assert {one.address for one in gone} <= {names[id_] for id_ in _done(results)} <= {names[id_] for id_ in ids}


def lift_at_ses(world: World, _r: Random) -> None:
    """Lifts that wait for SES's own list."""
    lift_open(world.connection, [world.ses])  # type: ignore[list-item]
    _new(world, {"unblocked"})


def read_ses(world: World, r: Random) -> None:
    """SES lists more addresses, and its list is read."""
    for name in r.sample(ADDRESSES, r.randrange(3)):
        world.ses.listed[name.title()] = world.now - r.randrange(60) * HALF_DAY - SECOND
    read_list(world.connection, world.ses, Bounds(full=True))  # type: ignore[arg-type]
    for name, at in world.ses.listed.items():
        key: Key = ("list", name.lower(), at.isoformat())
        entry = model.Entry(kind="ses_suppression", occurred_at=at, dedup_key=repr(key).encode())
        world.listings.setdefault(key, Live(name.lower(), entry))


def retry(world: World, r: Random) -> None:
    """Quarantined messages are to be classified again."""
    for message in _decide(world, r, retry_messages):
        message.outcome = "pending"
        if message.kept:
            message.kept, message.day = False, world.today


def dismiss(world: World, r: Random) -> None:
    """Quarantined messages are set aside."""
    for message in _decide(world, r, dismiss_messages):
        message.outcome = "dismissed"
        # What was kept for a person is no longer needed.
        message.has_body = message.has_body and not message.kept


def _decide(world: World, r: Random, act: Any) -> list[Message]:
    chosen = [m for m in world.messages.values() if m.day is not None or m.kept]
    chosen = r.sample(chosen, min(len(chosen), r.randint(1, 10)))
    can = [m for m in chosen if m.outcome == "quarantined"]
    results = act(world.connection, _action(world, r), [m.message_id for m in chosen])
    assert _done(results) == sorted(m.message_id for m in can)
    return can


def act_killed(world: World, r: Random) -> None:
    """A page's action whose server process is ended: done, or not at all."""
    ids = _some(world, r)
    with world.doomed(r, "action", 25) as connection:
        if r.random() < 0.5:
            delete_transients(connection, _action(world, r), ids)
        else:
            request_stops(connection, _action(world, r), r.sample(ADDRESSES, 2))
    new, gone = world.acted()
    assert not gone
    assert len({one.entry.kind for one in new}) <= 1


# Settings.


def change_settings(world: World, r: Random) -> None:
    """Some of the settings; what classified messages were given stays."""
    change: dict[str, Any] = r.choice(
        (
            {"grace": r.choice((0, 1, 7, 14, 30))},
            {"policy": r.choice(POLICIES)},
            {"excludes": r.choice(((), ("MailboxFull",), ("General", "ContentRejected")))},
            {"topics": r.choice(((), (), (TOPIC_ARN,), (TOPIC_ARN, OTHER_TOPIC))), "allow_raw": r.random() < 0.7},
            {"replies": r.random() < 0.5},
            {"strict": r.random() < 0.3},
        )
    )
    world.rules = dataclasses.replace(world.rules, **change)


def change_lists(world: World, r: Random) -> None:
    """``never_block`` and ``enforce``, as the first task of a run mirrors them."""
    world.never_block = r.choice(((), (), ("@example.org",), (ADDRESSES[0],), (ADDRESSES[1], "@example.org")))
    world.enforce = r.random() < 0.8
    mirror_settings(world.connection, world.enforce, world.never_block)
    world.is_owed = True


# After an outage.


def backfill(world: World, r: Random) -> None:
    """Windows of hours are compared with the ledger; nothing differs."""
    first = world.now - r.randrange(60) * HALF_DAY
    compared = rebuild(world.connection, window=(first, first + r.randrange(1, 5) * HALF_DAY))
    assert not compared.differ


def damage(world: World, r: Random) -> None:
    """Somebody puts a hand into the lists; a rebuild finds and mends it, also one that is killed and repeated."""
    name = r.choice(ADDRESSES)
    ids = [id_ for id_, address in world.ids().items() if address == name]
    if not ids or world.is_owed:
        return
    world.connection.execute(r.choice(DAMAGES), [name])
    differs = verify(world.connection, ids).differ
    if r.random() < 0.5:
        with world.doomed(r, "rebuild", 30) as connection:
            rebuild(connection)
        rebuild(world.connection)
    else:
        assert rebuild(world.connection).differ == differs
    assert not verify(world.connection).differ


def retention(world: World, r: Random) -> None:
    """Days of raw messages go; the quarantined ones move."""
    keep = r.randint(3, 8)
    oldest = world.today - timedelta(days=keep)
    waiting = {m.day for m in world.pending()}
    drop_partitions(world.connection, keep)
    for message in world.messages.values():
        if message.day is not None and message.day < oldest and message.day not in waiting:
            message.kept = message.outcome == "quarantined"
            message.day = None


def reports(world: World, r: Random) -> None:
    """Those that are due are made; each is then what it would be if it were made only now."""
    settings = (world.never_block, world.enforce)
    due = due_days(world.connection, UTC_ZONE, REPORT_DAYS)
    for day in due:
        make_report(world.connection, day, UTC_ZONE)
    assert due_days(world.connection, UTC_ZONE, REPORT_DAYS) == []
    query = "SELECT day, csv, summary FROM ses_bounces.report_day ORDER BY day"
    made = world.connection.execute(query).fetchall()
    # A report shows the settings of when it was made.
    if world.report_settings in (None, settings):
        for day, *_ in made:
            make_report(world.connection, day, UTC_ZONE)
        assert world.connection.execute(query).fetchall() == made
    elif r.random() < 0.5:
        world.connection.execute("DELETE FROM ses_bounces.report_day")
        settings = None  # type: ignore[assignment]
    else:
        settings = world.report_settings
    world.report_settings = settings


# Replays.


def try_only(world: World, r: Random) -> None:
    """A replay is tried: nothing changes."""
    with world.meanings(), world.own_session() as connection:
        try_replay(connection, world.product_rules, _window(world, r))


def replayed(world: World, r: Random) -> None:
    """A window is tried, then read again."""
    window, own = _window(world, r), _own_messages(world)
    with world.meanings(), world.own_session() as connection:
        tried = try_replay(connection, world.product_rules, window)
        done = replay(connection, world.product_rules, window)
    assert {name: count for name, (count, _) in tried.found.items()} == {
        name: count for name, (count, _) in done.found.items()
    }
    _replayed(world, window, own)


def replay_killed(world: World, r: Random) -> None:
    """A replay is killed, and done again."""
    window, own = _window(world, r), _own_messages(world)
    with world.meanings(), world.own_session() as own_session:
        try_replay(own_session, world.product_rules, window)
        with world.doomed(r, "replay", 80) as connection:
            replay(connection, world.product_rules, window)
        replay(own_session, world.product_rules, window)
    _replayed(world, window, own)


def _window(world: World, r: Random) -> tuple[Any, Any]:
    first = world.now - r.randrange(40) * HALF_DAY
    return first, first + r.choice((1, 4, 20, 90)) * HALF_DAY


def _own_messages(world: World) -> dict[tuple[str, str], int]:
    """The message that each live entry came from, by the feedback id or mail, and the address."""
    query = (
        "SELECT coalesce(e.feedback_id, e.ses_message_id), a.address, e.message_id FROM ses_bounces.address_event e"
        " JOIN ses_bounces.address a USING (address_id)"
        " WHERE e.superseded_at IS NULL AND e.kind <> 'delivery' AND e.message_id IS NOT NULL"
    )
    return {(event, address): id_ for event, address, id_ in world.connection.execute(query)}


def _replayed(world: World, window: tuple[Any, Any], own: dict[tuple[str, str], int]) -> None:
    """What reading a window again must have done."""
    read = [
        m
        for m in world.messages.values()
        if m.day is not None
        and m.has_body
        and m.outcome in ("applied", "no_effect", "quarantined")
        and window[0] <= m.sent_at < window[1]
    ]
    before = {address: set(world.state(address).blocking) for address in ADDRESSES}
    made: dict[Key, Made] = {}
    for message in read:
        message.outcome, entries = message.judge(world.rules)
        made |= {key: (key, address, entry) for key, address, entry in entries if entry.kind != "delivery"}
    ids = {m.message_id for m in read}
    for key, one in list(world.live.items()):
        if own[key[1], one.address] not in ids:
            continue
        if key not in made:
            del world.live[key]
        elif made[key][2].kind != one.entry.kind:
            world.live[key] = Live(one.address, made[key][2])
    for key, address, entry in made.values():
        world.live.setdefault(key, Live(address, entry))
    after = {address: set(world.state(address).blocking) for address in ADDRESSES}
    expired = {"expired_transient"}
    freed = {a for a in ADDRESSES if before[a] - expired and not before[a] & expired and after[a] == expired}
    new, gone = world.acted()
    assert not gone
    assert {(one.address, one.entry.kind, one.entry.actor) for one in new} == {
        (address, "transient_deleted", "replay") for address in freed
    }


STEPS: dict[Step, int] = {
    land: 22,
    classify: 12,
    hourly: 8,
    promote: 5,
    delete: 3,
    extend: 4,
    stop: 2,
    lift: 4,
    undo: 3,
    retract: 3,
    lift_at_ses: 3,
    read_ses: 2,
    retry: 2,
    dismiss: 1,
    change_settings: 7,
    change_lists: 2,
    backfill: 3,
    damage: 2,
    retention: 1,
    reports: 1,
    try_only: 1,
    replayed: 5,
    crowd: 2,
    fall_behind: 3,
    catch_up: 5,
    forget_queue: 1,
    land_killed: 1,
    classify_killed: 5,
    promote_killed: 2,
    act_killed: 2,
    replay_killed: 3,
    count: 3,
    count_killed: 2,
}
