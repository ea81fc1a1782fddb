"""What must be so by now, beside the database that is walked through."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg

from ses_bounces.base.database import partitions
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.exceptions import DatabaseError
from ses_bounces.classify import rules as product
from ses_bounces.suppression.ses_list import SuppressedAddress, SuppressionPage
from tests.kit import model
from tests.kit.walk.events import ADDRESSES, Key, Message, Rules

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

DAYS_OF_PARTITIONS = 10
DELIVERIES_KEPT = 4
FOREIGNER = "somebody@elsewhere.example"
_LIVE = """
SELECT e.event_id, a.address, e.kind, e.occurred_at, e.deadline, e.policy, e.lifts, e.actor, e.is_reply
FROM ses_bounces.address_event e JOIN ses_bounces.address a USING (address_id)
WHERE e.superseded_at IS NULL AND e.kind NOT IN ('promotion', 'delivery')
"""
_DELIVERED = """
SELECT a.address, e.occurred_at, e.ses_message_id
FROM ses_bounces.address_event e JOIN ses_bounces.address a USING (address_id)
WHERE e.superseded_at IS NULL AND e.kind = 'delivery'
"""
_BLOCKED = "SELECT address, reason, blocked_at FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL"
_BOUNCED = (
    "SELECT address, kind, first_bounced_at, last_bounced_at, bounce_count, transient_fix_deadline"
    " FROM ses_bounces.bounce_list WHERE closed_at IS NULL"
)
_DUE = "SELECT address FROM ses_bounces.bounce_list WHERE closed_at IS NULL AND due_at <= clock_timestamp()"
_SQL_CAUSES = """
SELECT a.address, s.since_stop_request, s.since_complaint, s.since_unsubscribed, s.since_permanent_bounce,
    s.since_ses_suppression, s.since_expired_transient
FROM ses_bounces.address_state(NULL, %(at)s, %(at)s) s JOIN ses_bounces.address a USING (address_id)
"""


@dataclasses.dataclass
class Live:
    """An entry that must be live, and whose it is."""

    address: str
    entry: model.Entry


class FakeList:
    """SES's list of one region, without SES."""

    account, region = "123456789012", "eu-west-1"
    pace = type("Pace", (), {"left": 0.0})()

    def __init__(self) -> None:
        self.listed: dict[str, datetime] = {}

    def page(self, since: datetime | None, until: datetime | None, _token: str | None) -> SuppressionPage:
        chosen = [
            SuppressedAddress(address, "BOUNCE", at)
            for address, at in self.listed.items()
            if (since is None or at >= since) and (until is None or at < until)
        ]
        return SuppressionPage(chosen, None)

    def delete(self, address: str) -> bool:
        return self.listed.pop(address, None) is not None


class World:
    """The database, and what the messages, persons and settings of the walk must have led to.

    What messages mean is known here without asking the product; which actions of persons were taken is read from the
    ledger, where each was checked against its answer.
    """

    def __init__(self, connection: Connection, url: str) -> None:
        """:param url: of the database itself, though the connection may go by a pooler."""
        self.connection = connection
        self.url = url
        [self.now] = self.row("SELECT date_trunc('second', clock_timestamp())")
        [self.today] = self.row("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date")
        for days in range(2, DAYS_OF_PARTITIONS):
            partitions._make(connection, self.today - timedelta(days=days))
        partitions.ensure_partitions(connection)
        self.rules = Rules()
        self.never_block: tuple[str, ...] = ()
        self.enforce = True
        self.messages: dict[int, Message] = {}
        self.live: dict[Key, Live] = {}
        self.deliveries: dict[Key, Live] = {}
        self.listings: dict[Key, Live] = {}
        self.persons: dict[int, Live] = {}
        self.ses = FakeList()
        self.lifts: list[tuple[str, list[int]]] = []
        self.numbers = 0
        # The lists may be behind, until the next promotion, where a deadline was held back or never_block changed.
        self.is_owed = False
        # Up to when the queue is known to have been read; None: there is none, or nothing waits in it.
        self.read_to: datetime | None = None
        # The blocks of passed deadlines that were there when it fell behind.
        self.blocked_before: set[tuple[str, datetime]] = set()
        self.report_settings: Any = None
        self.kills: Counter[str] = Counter()

    # What the product is given.

    @property
    def product_rules(self) -> product.Rules:
        """The same settings as the product takes them."""
        r = self.rules
        return product.Rules(
            grace=timedelta(days=r.grace),
            promotion=r.policy,  # type: ignore[arg-type]
            promotion_excludes=frozenset(r.excludes),
            allowed_topic_arns=frozenset(r.topics),
            allow_raw=r.allow_raw,
            promote_auto_replies=r.replies,
        )

    @contextmanager
    def meanings(self) -> Iterator[None]:
        """The product's own table of meanings, as it was in an older version where the rules are strict."""
        table, key = product.BOUNCE_KINDS, ("Transient", "General")
        if self.rules.strict:
            table[key] = "permanent_bounce"
        try:
            yield
        finally:
            table.pop(key, None)

    @contextmanager
    def doomed(self, r: Random, what: str, most: int = 40) -> Iterator[Connection]:
        """A connection whose server process is ended before one of its next statements, as by kill -9."""
        left = r.randrange(1, most)
        with psycopg.connect(self.url, autocommit=True) as killer:
            try:
                with connect_url(self.url) as connection:
                    execute, pid = connection.execute, connection.info.backend_pid

                    def counted(*arguments: Any, **options: Any) -> Any:
                        nonlocal left
                        left -= 1
                        if left == 0:
                            killer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
                        return execute(*arguments, **options)

                    connection.execute = counted  # type: ignore[method-assign]
                    yield connection
            except (DatabaseError, psycopg.Error):
                assert left <= 0, "it failed by itself"
                self.kills[what] += 1

    @contextmanager
    def own_session(self) -> Iterator[Connection]:
        """A connection past the pooler, for replays: they refuse one whose transactions are of several sessions."""
        with connect_url(self.url) as connection:
            yield connection

    def row(self, query: str, parameters: Any = None) -> Any:
        """The first row of a query."""
        return self.connection.execute(query, parameters).fetchone()  # type: ignore[arg-type]

    def ids(self, addresses: Iterable[str] = ADDRESSES) -> dict[int, str]:
        """The addresses on record, by id."""
        query = "SELECT address_id, address FROM ses_bounces.address WHERE address = ANY (%s)"
        return dict(self.connection.execute(query, [list(addresses)]).fetchall())

    # What must be so.

    def pending(self) -> list[Message]:
        """The messages that wait, in the order in which they are taken."""
        waiting = [m for m in self.messages.values() if m.outcome == "pending"]
        return sorted(waiting, key=lambda m: (m.sent_at, m.message_id))

    def is_protected(self, address: str) -> bool:
        """Whether a setting names it."""
        return address in self.never_block or f"@{address.partition('@')[2]}" in self.never_block

    def state(self, address: str, at: datetime | None = None) -> model.State:
        """The model's state."""
        known = (*self.live.values(), *self.listings.values(), *self.persons.values())
        entries = [one.entry for one in known if one.address == address]
        # What answers a reply is in the ledger; of older deliveries only that they were made is known.
        kept = {(at, mail) for address_, at, mail in self.connection.execute(_DELIVERED) if address_ == address}
        for one in self.deliveries.values():
            if one.address == address:
                is_kept = (one.entry.occurred_at, one.entry.ses_message_id) in kept
                entries.append(one.entry if is_kept else dataclasses.replace(one.entry, ses_message_id=None))
        return model.state(entries, at or self.clock(), protected=self.is_protected(address))

    def clock(self) -> datetime:
        """The database's time."""
        now: datetime = self.row("SELECT clock_timestamp()")[0]
        return now

    def take_in(self, message: Message) -> None:
        """What classifying a message must do."""
        outcome, made = message.judge(self.rules)
        message.outcome = outcome
        deliveries_only = all(entry.kind == "delivery" for _, _, entry in made)
        message.has_body = not (outcome == "no_effect" or (outcome == "applied" and deliveries_only))
        for key, address, entry in made:
            place = self.deliveries if entry.kind == "delivery" else self.live
            place.setdefault(key, Live(address, entry))

    def take_in_settled(self) -> None:
        """The same for those that the database says were classified: a kill leaves a later part of them."""
        waiting = self.pending()
        query = "SELECT message_id FROM ses_bounces.message WHERE outcome = 'pending' AND message_id = ANY (%s)"
        still = {id_ for (id_,) in self.connection.execute(query, [[m.message_id for m in waiting]])}
        settled = [m for m in waiting if m.message_id not in still]
        assert settled == waiting[: len(settled)], "a later message was classified before an earlier one"
        for message in settled:
            self.take_in(message)

    def read_persons(self) -> dict[int, Live]:
        """The live entries of persons in the ledger, and of replays that ended something."""
        found = {}
        for id_, address, kind, at, deadline, _, lifts, actor, _ in self.connection.execute(
            f"{_LIVE} AND e.actor <> 'ses' AND e.actor <> 'ses_bounces'"
        ):
            entry = model.Entry(
                kind=kind,
                occurred_at=at,
                dedup_key=id_.to_bytes(16, "big"),
                actor=actor,
                lifts=tuple(lifts or ()),
                deadline=deadline,
            )
            found[id_] = Live(address, entry)
        return found

    def acted(self) -> tuple[list[Live], list[Live]]:
        """Take up what persons did since the last time: their new entries, and those that are gone."""
        found = self.read_persons()
        new = [one for id_, one in found.items() if id_ not in self.persons]
        gone = [one for id_, one in self.persons.items() if id_ not in found]
        self.persons = found
        return new, gone

    # Whether it is.

    def check(self) -> None:
        """Everything that anybody may ask, against the model."""
        self.is_owed = self.is_owed or bool(self.pending()) or self.read_to is not None
        self._check_ledger()
        self._check_answers()
        at = self.clock()
        wanted = {address: self.state(address, at) for address in (*ADDRESSES, FOREIGNER)}
        self._check_sql(wanted, at)
        due = {address for (address,) in self.connection.execute(_DUE)}
        assert self.is_owed or not due, f"due after a promotion: {due}"
        self._check_lists(wanted, skip=due if self.is_owed else set())
        self._check_messages()

    def expired_blocks(self) -> set[tuple[str, datetime]]:
        """The open blocks of passed deadlines, each with the deadline."""
        rows = self.connection.execute(f"{_BLOCKED} AND reason = 'expired_transient'").fetchall()
        return {(address, since) for address, _, since in rows}

    def _check_ledger(self) -> None:
        found: Counter[Any] = Counter()
        for _, address, kind, occurred_at, deadline, policy, _, actor, is_reply in self.connection.execute(_LIVE):
            if actor == "ses":
                found[address, kind, occurred_at, deadline, policy, is_reply] += 1
        wanted: Counter[Any] = Counter()
        for one in (*self.live.values(), *self.listings.values()):
            e = one.entry
            wanted[one.address, e.kind, e.occurred_at, e.deadline, e.policy, e.is_reply] += 1
        assert found == wanted, f"the ledger has {found - wanted} and lacks {wanted - found}"
        assert self.read_persons() == self.persons

    def _check_answers(self) -> None:
        """A delivery that answers a reply is in the ledger, unless it was not among the four latest any more."""
        kept = set(self.connection.execute(_DELIVERED).fetchall())
        known = [(one.address, one.entry.occurred_at, one.entry) for one in self.deliveries.values()]
        assert {(address, at, entry.ses_message_id) for address, at, entry in known} >= kept
        for reply in self.live.values():
            if not reply.entry.is_reply:
                continue
            mail = reply.entry.ses_message_id
            answers = [at for address, at, e in known if (address, e.ses_message_id) == (reply.address, mail)]
            if not any((reply.address, at, mail) in kept for at in answers):
                for at in answers:
                    later = [x for address, x, _ in known if address == reply.address and x >= at]
                    assert len(later) > DELIVERIES_KEPT, f"the delivery that answers at {at} is not in the ledger"

    def _check_sql(self, wanted: dict[str, model.State], at: datetime) -> None:
        names = (
            "stop_request",
            "complaint",
            "unsubscribed",
            "permanent_bounce",
            "ses_suppression",
            "expired_transient",
        )
        found = {
            address: {name: since for name, since in zip(names, causes, strict=True) if since}
            for address, *causes in self.connection.execute(_SQL_CAUSES, {"at": at})
        }
        for address, state in wanted.items():
            assert found.get(address, {}) == state.causes, (
                f"address_state of {address}: {found.get(address)}, not {state.causes}"
            )
        as_of: dict[str, dict[str, datetime]] = {}
        for address, reason, since in self.connection.execute(
            "SELECT address, reason, since FROM ses_bounces.blocked_as_of(%s)", [at]
        ):
            as_of.setdefault(address, {})[reason] = since
        assert as_of == {address: state.blocking for address, state in wanted.items() if state.blocking}

    def _check_lists(self, wanted: dict[str, model.State], skip: set[str]) -> None:
        blocked: dict[str, dict[str, datetime]] = {}
        for address, reason, since in self.connection.execute(_BLOCKED):
            blocked.setdefault(address, {})[reason] = since
        bounced = {address: tuple(row) for address, *row in self.connection.execute(_BOUNCED)}
        asked = dict(
            self.connection.execute(
                "SELECT a, ses_bounces.is_blocked(upper(a)) FROM unnest(%s::text[]) a", [list(wanted)]
            ).fetchall()
        )
        never = dict(self.connection.execute("SELECT address, reason FROM ses_bounces.do_not_email").fetchall())
        assert set(blocked) | set(bounced) <= set(wanted)
        early = self.expired_blocks() - self.blocked_before if self.read_to else set()
        early = {(address, since) for address, since in early if self.read_to and since > self.read_to}
        assert not early, f"the queue was read to {self.read_to}, and deadlines after that were acted upon: {early}"
        for address, state in wanted.items():
            if address in skip:
                continue
            assert blocked.get(address, {}) == state.blocking, f"blocked list, {address}: {blocked.get(address)}"
            deadline = state.episode.deadline if state.episode and state.kind == "transient" else None
            row = None if state.kind is None else (state.kind, state.first, state.last, state.count, deadline)
            assert bounced.get(address) == row, f"bounce list, {address}: {bounced.get(address)}, not {row}"
            assert asked[address] == (self.enforce and bool(state.blocking)), f"is_blocked of {address}"
            assert never.get(address) == (state.reason if self.enforce else None), f"do_not_email of {address}"

    def _check_messages(self) -> None:
        rows = self.connection.execute(
            "SELECT message_id, outcome, body IS NOT NULL, false FROM ses_bounces.message"
            " UNION ALL SELECT message_id, outcome, body IS NOT NULL, true FROM ses_bounces.quarantine"
        ).fetchall()
        wanted = {
            m.message_id: (m.outcome, m.has_body, m.kept) for m in self.messages.values() if m.day is not None or m.kept
        }
        found = {id_: tuple(rest) for id_, *rest in rows}
        wrong = {
            id_: (found.get(id_), wanted.get(id_)) for id_ in found.keys() | wanted if found.get(id_) != wanted.get(id_)
        }
        assert not wrong, f"messages: {wrong}"


Step = Callable[[World, Random], None]
