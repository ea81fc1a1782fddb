"""All that is known of one address, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from ses_bounces.base.database.statements import statement
from ses_bounces.classify.entry import SES
from ses_bounces.classify.rules import bounce_kind
from ses_bounces.ledger.lists.blocked import BlockedRow
from ses_bounces.ledger.lists.bounces import BounceRow
from ses_bounces.ledger.lists.engine.paging import Page, check_limit, read_position, write_position
from ses_bounces.ledger.lists.engine.query import reading

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# A message is mostly classified within the hour; so far back are the days looked into, one step after the other.
_STEPS = (timedelta(hours=30), timedelta(days=8), timedelta(days=36_500))
ROWS_SHOWN = 200


@dataclass(frozen=True)
class HistoryEntry:
    """An entry of the ledger; times are aware.

    ``opened`` and ``closed``: the causes of blocks that it began and ended; ``bounces``: in words, what it did to the
    Email Bounce List. ``rule``: what decided that it means what it means. ``is_reply``: it is probably an auto-reply;
    ``is_answered``: to a mail that was delivered, so that it counts for nothing.
    """

    event_id: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    reason: str | None
    lifts: list[str] | None
    deadline: datetime | None
    policy: str | None
    mail_sent_at: datetime | None
    feedback_id: str | None
    ses_message_id: str | None
    bounce_type: str | None
    bounce_sub_type: str | None
    feedback_type: str | None
    status: str | None
    diagnostic_code: str | None
    source: str | None
    configuration_set: str | None
    is_reply: bool
    is_answered: bool
    tags: dict[str, Any] | None
    rules_version: int
    message_id: int | None
    superseded_at: datetime | None
    superseded_by: int | None
    opened: list[str]
    closed: list[str]
    bounces: list[str]

    @property
    def rule(self) -> str:
        """What decided, in words."""
        return f"{_rule(self)} (rules version {self.rules_version})"


@dataclass(frozen=True)
class Request:
    """A request to take the address off SES's own list and lift its blocks; ``finished_at`` None: under way."""

    lifts: list[str]
    actor: str
    reason: str
    requested_at: datetime
    finished_at: datetime | None
    result: str | None


@dataclass
class History:
    """An address, the lists' rows about it (the newest first), and a page of its entries, the oldest first.

    ``is_protected``: never_block names it or its domain. ``people_switched_off``: people whose flag we switched off
    for it and nothing became of it yet.
    """

    address_id: int
    address: str
    address_as_reported: str
    created_at: datetime
    last_delivery_at: datetime | None
    is_protected: bool
    people_switched_off: int
    bounces: list[BounceRow] = field(default_factory=list)
    blocks: list[BlockedRow] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    entries: Page[HistoryEntry] = field(default_factory=lambda: Page([], None))


@dataclass(frozen=True)
class MessageBody:
    """A raw message as it was received; ``body`` is None where ``gone`` says why it is not there.

    ``reason``: why it is quarantined or held. ``run_id``: of the run that drained it, where that is certain.
    """

    message_id: int
    received_at: datetime | None
    outcome: str | None
    body: str | None
    gone: str | None
    reason: str | None = None
    event_type: str | None = None
    sent_at: datetime | None = None
    queue_url: str = ""
    run_id: str | None = None


def address_history(
    connection: Connection, address_id: int, after: str | None = None, limit: int = ROWS_SHOWN
) -> History | None:
    """Return what is known of an address; None: there is no such address.

    :param connection: autocommit.
    :param after: :attr:`Page.after` of the entries of the page before; None: from the first entry on.
    :param limit: entries, 1 to 500.
    :raises ActionError: a position or limit that can't be.
    :raises DatabaseError: also when it takes over five seconds.
    """
    since, id_ = read_position(after) if after else (None, None)
    parameters = {"address_id": address_id, "since": since, "id": id_, "limit": check_limit(limit) + 1}
    with reading(connection):
        row = connection.execute(statement("ledger/lists/select_address"), parameters).fetchone()
        if row is None:
            return None
        history = History(*row)
        execute = connection.execute
        history.bounces = [BounceRow(*row) for row in execute(statement("ledger/lists/select_bounces_of"), parameters)]
        history.blocks = [BlockedRow(*row) for row in execute(statement("ledger/lists/select_blocked_of"), parameters)]
        history.requests = [Request(*row) for row in execute(statement("ledger/lists/select_requests_of"), parameters)]
        with connection.cursor(row_factory=class_row(HistoryEntry)) as cursor:
            entries = cursor.execute(statement("ledger/lists/select_history"), parameters).fetchall()
    next_ = None
    if len(entries) > limit:
        entries = entries[:limit]
        next_ = write_position(entries[-1].occurred_at, entries[-1].event_id)
    history.entries = Page(entries, next_)
    return history


def message_body(connection: Connection, message_id: int, near: datetime) -> MessageBody:
    """Return the body of a raw message, or why it is gone.

    :param near: when it was received, or when an entry was made of it: an entry's ``recorded_at``. Only the days
        before it are looked into, the nearest first.
    :raises DatabaseError: also when it takes over five seconds.
    """
    with reading(connection):
        until = near
        for step in _STEPS:
            parameters = {"message_id": message_id, "first": _before(near, step), "last": until}
            row = connection.execute(statement("ledger/lists/select_body"), parameters).fetchone()
            if row is not None:
                break
        else:
            row = connection.execute(statement("ledger/lists/select_kept_body"), {"message_id": message_id}).fetchone()
        if row is None:
            return MessageBody(message_id, None, None, None, "Its day is past the retention (raw_retention_days).")
        received_at, outcome, body, reason, event_type, sent_at, queue_url = row
        runs = connection.execute(statement("ledger/lists/select_drain_run"), {"at": received_at}).fetchall()
    gone = None if body is not None else "It was kept without its body: a delivery, or without effect, or dismissed."
    run_id = runs[0][0] if len(runs) == 1 else None
    return MessageBody(
        message_id, received_at, outcome, body, gone, reason, event_type, sent_at, queue_url or "", run_id
    )


def _before(moment: datetime, step: timedelta) -> datetime:
    try:
        return moment - step
    except OverflowError:
        return datetime.min.replace(tzinfo=moment.tzinfo)


def _rule(entry: HistoryEntry) -> str:
    if entry.kind == "promotion":
        return "the deadline of the transient problem passed"
    if entry.is_answered:
        return "the reply to a mail that was delivered to the address counts for nothing"
    if entry.bounce_type is not None:
        name = "/".join(text for text in (entry.bounce_type, entry.bounce_sub_type) if text)
        if entry.kind == bounce_kind(entry.bounce_type, entry.bounce_sub_type):
            return f"a bounce {name} is a {_words(entry.kind)}"
        return f"a bounce {name} of an address that the mail was not sent to"
    if entry.kind in ("complaint", "not_spam", "auth_failure"):
        return f"a complaint {entry.feedback_type or 'without feedback type'} is a {_words(entry.kind)}"
    if entry.kind == "delivery":
        return "a delivery ends a transient problem"
    if entry.kind == "ses_suppression":
        return "the address is on SES's own suppression list"
    return "SES reported it" if entry.actor == SES else f"{entry.actor} asked for it"


def _words(kind: str) -> str:
    return kind.replace("_", " ")
