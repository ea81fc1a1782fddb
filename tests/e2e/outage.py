"""An outage: what was there before it, what SES sent during it, and what must be so when all is caught up."""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from dev import people
from dev.aws import Feed
from dev.endpoint import REGION
from dev.stack import VARIABLE, Stack
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect_url
from ses_bounces.classify.rules import Rules as ProductRules
from ses_bounces.feed.landing import Landing
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.promotion import promote_expired
from ses_bounces.report.making import make_report
from ses_bounces.suppression.reading import Bounds, read_list
from tests.e2e.shared import add_connection
from tests.kit import model
from tests.kit.walk.events import DAY, GARBAGE, NOISE, SECOND, Event, Key, Rules, body_of, random_event
from tests.kit.walk.world import FakeList

UTC_ZONE = ZoneInfo("UTC")
NAMES = tuple(f"{name}{n}@harbour.example" for n in range(6) for name in ("ann", "bo", "cy", "di", "eve"))
TEMPLATE = "outage_template"
# What differs between two ledgers of the same content, or tells of the feed.
NOT_COMPARED = ("ledger_position", "revision", "may_lack")
EVENTS = 150


@dataclass
class Outage:
    """A database, a queue and settings of its own on a running Airflow; nothing was read since ``start``.

    ``kept``: what the queue still has. ``listed``: by address, what SES's own list has of what it has not.
    """

    stack: Stack
    name: str
    length: timedelta
    now: datetime
    feed: Feed
    keeps: timedelta = timedelta(days=14)
    before: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    listed: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def begin(cls, stack: Stack, name: str, length: timedelta) -> Outage:
        """Make the messages, take in those from before the outage, and put the others into the queue."""
        now = datetime.now(UTC).replace(microsecond=0) - SECOND
        feed = Feed.create(stack.ses, f"-{name}", f"news@{name}.example.com")
        made = cls(stack, name, length, now, feed)
        made._make_messages(Random(name))
        made._make_database()
        made._use()
        feed.send_bodies(made.kept)
        return made

    @property
    def start(self) -> datetime:
        """When the last drain found the queue empty."""
        return self.now - self.length

    @property
    def database_url(self) -> str:
        """A connection to its ledger."""
        return self.stack.postgres.url(f"outage_{self.name}")

    @property
    def lost_until(self) -> datetime:
        """Up to when the queue has thrown away what was sent."""
        return self.now - self.keeps

    def send_more(self, count: int) -> None:
        """Bounces of other addresses, so many that a run can tell its pace."""
        r = Random(f"{self.name} more")
        for number in range(count):
            at = self.start + (number + 1) * self.length / (count + 2)
            event = self._bounce(f"more{number}@quay.example", "Permanent", at, number)
            self.kept.append(body_of(r, (event,))[0])
        self.feed.send_bodies(self.kept[-count:])

    def hold_a_promotion_back(self) -> int:
        """Let a deadline have passed that no run has noticed; the id of its row in the bounce list."""
        event = self._bounce("due@quay.example", "Transient", self.now - 20 * DAY, 0)
        self.before.append(body_of(Random(0), (event,))[0])
        held = "UPDATE ses_bounces.queue SET left_since = %s"
        with connect_url(self.database_url) as connection:
            connection.execute(held, [self.now - 30 * DAY])
            land(connection, self.before[-1:], self.now)
            classify_pending(connection, ProductRules())
            connection.execute(held, [None])
            query = "SELECT bounce_list_id FROM ses_bounces.bounce_list WHERE is_open AND address = %s"
            row = connection.execute(query, event.names).fetchone()
            assert row is not None
            return int(row[0])

    def _bounce(self, name: str, type_: str, at: datetime, number: int) -> Event:
        """A bounce of an address that is in no other message."""
        at = at.replace(microsecond=0)
        kind = "permanent_bounce" if type_ == "Permanent" else "transient_bounce"
        event = Event(
            meaning=("Bounce", type_, "General", kind), names=(name,), form="plain", reported=at, sent=at,
            published=at, number=10_000 + number, has_feedback_id=True, mail=10_000 + number,
        )  # fmt: skip
        self.events.append(event)
        return event

    def states(self, at: datetime) -> dict[str, model.State]:
        """The model's state of every address, over what was ever sent and not lost, and what SES's list has."""
        entries: dict[Key, tuple[str, model.Entry]] = {}
        for event in self.events:
            for key, address, entry in event.entries(Rules()):
                entries.setdefault(key, (address, entry))
        by_address: dict[str, list[model.Entry]] = {}
        for address, entry in entries.values():
            by_address.setdefault(address, []).append(entry)
        for address, since in self.listed.items():
            listed = model.Entry(kind="ses_suppression", occurred_at=since, dedup_key=address.encode())
            by_address.setdefault(address, []).append(listed)
        return {address: model.state(found, at) for address, found in by_address.items()}

    def check_lists(self) -> None:
        """Both lists are what the model says."""
        with psycopg.connect(self.database_url) as connection:
            at = connection.execute("SELECT clock_timestamp()").fetchone()[0]  # type: ignore[index]
            rows = connection.execute(
                "SELECT address, reason, blocked_at FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL"
            ).fetchall()
            kinds = dict(
                connection.execute(
                    "SELECT address, kind FROM ses_bounces.bounce_list WHERE closed_at IS NULL"
                ).fetchall()
            )
            off = {i for (i,) in connection.execute(f"SELECT id FROM {people.TABLE} WHERE NOT allow_group_email")}
        states = self.states(at)
        blocked = {(address, c, since) for address, s in states.items() for c, since in s.blocking.items()}
        assert set(rows) == blocked
        assert kinds == {address: state.kind for address, state in states.items() if state.kind}
        assert off == {number for number, name in enumerate(NAMES, 1) if states.get(name, model.State()).blocking}

    def check_reports(self) -> None:
        """Each report says what one says that was made once, of a ledger that had everything."""
        reference = f"outage_{self.name}_once"
        self.stack.postgres.create_database(reference, TEMPLATE)
        with connect_url(self.stack.postgres.url(reference)) as connection:
            for body in self.before + self.kept:
                land(connection, [body], self.now)
            classify_pending(connection, ProductRules())
            listing = FakeList()
            listing.region = REGION
            listing.listed = dict(self.listed)
            read_list(connection, listing, Bounds(full=True))  # type: ignore[arg-type]
            promote_expired(connection)
            made = self.reports()
            assert min(made) <= self.start.date() < max(made) or self.length < DAY
            missed = (self.now.date() - self.start.date()).days
            assert {self.now.date() - n * DAY for n in range(1, missed + 1)} <= set(made)
            for day in made:
                make_report(connection, day, UTC_ZONE)
            once = _reports(connection)
        for day, (summary, table) in made.items():
            assert table == once[day][1], (
                day,
                [row for row in [*table, *once[day][1]] if (row in table) != (row in once[day][1])],
            )
            kept = {name: value for name, value in summary.items() if name not in NOT_COMPARED}
            assert kept == {name: value for name, value in once[day][0].items() if name not in NOT_COMPARED}, day

    def reports(self) -> dict[date, tuple[dict[str, Any], list[list[str]]]]:
        """Summary and rows of each report that is there, none of them stale."""
        with connect_url(self.database_url) as connection:
            stale = connection.execute("SELECT day FROM ses_bounces.report_day WHERE stale").fetchall()
            assert stale == []
            return _reports(connection)

    def _make_messages(self, r: Random) -> None:
        steps = (timedelta(hours=12), self.length / 60)
        for number in range(EVENTS):
            step = timedelta(seconds=round(steps[number % 2].total_seconds()))
            event = random_event(r, self.now, number, NAMES, step, ahead=0)
            if not event.sent - DAY <= event.reported <= event.published:
                # Held to the time of publication, which of a bare message is when it came into the queue.
                continue
            body = body_of(r, (event,))[0]
            if event.published > self.start and event.published < self.lost_until:
                self._lose(event)
                continue
            self.events.append(event)
            if event.published <= self.start:
                self.before.append(body)
            else:
                # Some arrive twice.
                self.kept += [body] * (2 if r.random() < 0.1 else 1)
        if self.start < self.lost_until and not self.listed:
            # By chance nothing that counts was thrown away: something must have been.
            self.listed[NAMES[0]] = (self.start + (self.lost_until - self.start) / 2).replace(microsecond=0)
        self.kept += [*GARBAGE[:3], *NOISE]
        r.shuffle(self.kept)

    def _lose(self, event: Event) -> None:
        """The queue has thrown it away; SES put what bounced or complained on its own list."""
        if event.meaning[3] in ("permanent_bounce", "complaint") and event.form == "plain":
            for name in event.names:
                self.listed[name] = max(event.published, self.listed.get(name, event.published))

    def _make_database(self) -> None:
        postgres = self.stack.postgres
        if postgres.create_database(TEMPLATE):
            with connect_url(postgres.url(TEMPLATE)) as connection:
                schema.upgrade(connection)
                connection.execute(
                    f"CREATE TABLE {people.TABLE} (id bigint PRIMARY KEY, email text NOT NULL,"
                    " allow_group_email boolean NOT NULL DEFAULT true)"
                )
                for number, name in enumerate(NAMES, 1):
                    connection.execute(f"INSERT INTO {people.TABLE} (id, email) VALUES (%s, %s)", [number, name])
        postgres.create_database(f"outage_{self.name}", TEMPLATE)
        with connect_url(self.database_url) as connection:
            land(connection, self.before, self.now)
            classify_pending(connection, ProductRules())
            connection.execute(
                "INSERT INTO ses_bounces.queue (queue_url, belongs_to, first_drained_at, last_drained_at, emptied_at)"
                " VALUES (%(url)s, %(url)s, %(first)s, %(start)s, %(start)s)",
                {"url": self.feed.queue_url, "first": self.start - 2 * DAY, "start": self.start},
            )
            # Those that were made before, of which late messages may make other ones.
            for days in (2, 1):
                make_report(connection, (self.start - days * DAY).date(), UTC_ZONE)

    def _use(self) -> None:
        """Airflow works on this one from now on."""
        api = self.stack.airflow.api
        add_connection(api, f"outage_{self.name}", self.database_url)
        settings = {
            "queue_urls": [self.feed.queue_url],
            "postgres_conn_id": f"outage_{self.name}",
            "people_table": people.TABLE,
            "report_url": (self.stack.data / f"reports-{self.name}").as_uri(),
        }
        api.set_variable(VARIABLE, json.dumps(settings))
        if self.listed:
            self.stack.ses.region().listed.clear()
            listed = {name.title(): ("BOUNCE", at) for name, at in self.listed.items()}
            self.stack.ses.region().listed.update(listed)


def land(connection: Any, bodies: list[str], sent_at: datetime) -> None:
    """Put messages into the raw log, as a drain does."""
    attributes = {"SentTimestamp": str(int(sent_at.timestamp() * 1000))}
    received = [{"MessageId": "id", "ReceiptHandle": "", "Body": body, "Attributes": attributes} for body in bodies]
    if received:
        Landing(connection, "queue", ProductRules(), False).land(received)


def _reports(connection: Any) -> dict[date, tuple[dict[str, Any], list[list[str]]]]:
    rows = connection.execute("SELECT day, summary, csv FROM ses_bounces.report_day ORDER BY day").fetchall()
    return {
        day: (summary, list(csv.reader(io.StringIO(gzip.decompress(table).decode())))) for day, summary, table in rows
    }
