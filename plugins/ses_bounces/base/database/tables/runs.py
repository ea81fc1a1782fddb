"""The tables of the runs: how far they came, what they mirror of the settings, their reports; see ledger.py."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ses_bounces.base.database.tables.ledger import metadata, moment, number

setting = Table(
    "setting",
    metadata,
    Column("only_row", Boolean, primary_key=True, server_default=text("true")),
    Column("enforce", Boolean, nullable=False, server_default=text("true")),
    # When everybody in the people table was last compared with the blocked list.
    moment("people_compared_at"),
    # Whose email was no address then, of those whose flag was not off.
    Column("people_unreadable", Integer),
    # How far a comparison of everybody is that goes on in the next run; null: none is under way.
    Column("people_comparing", JSONB),
    # The last address that address_search has.
    Column("searchable_to", BigInteger, nullable=False, server_default="0"),
    # The one that made the schema: another one's pages must not show this list, whatever its settings say.
    Column("site", Text),
    CheckConstraint("only_row", name="only_row"),
    comment="Mirror of the settings that functions in SQL need.",
)

queue = Table(
    "queue",
    metadata,
    Column("queue_url", Text, primary_key=True),
    # The queue of the settings that this is the dead-letter queue of, or this one itself.
    Column("belongs_to", Text, nullable=False),
    moment("first_drained_at", nullable=False),
    moment("last_drained_at", nullable=False),
    # When a drain last saw it empty.
    moment("emptied_at"),
    # Send time of about the oldest message that the last drain left behind; null: it left none.
    moment("left_since"),
    # When a drain found nothing more in it, whatever others held then, and until when that may come back.
    moment("given_at"),
    moment("held_until"),
    comment="How far each queue was drained.",
)

report_day = Table(
    "report_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("timezone", Text, nullable=False),
    moment("made_at", nullable=False, server_default=text("now()")),
    Column("ledger_position", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("stale", Boolean, nullable=False, server_default=text("false")),
    # When the files were written under report_url; null: they are still to be written.
    moment("published_at"),
    Column("summary", JSONB, nullable=False),
    Column("html", LargeBinary, nullable=False),
    Column("csv", LargeBinary, nullable=False),
    comment="The daily Email Blocked Report, html and csv gzipped.",
)

replay = Table(
    "replay",
    metadata,
    # Of the messages' send times, to exclusive.
    moment("window_first", primary_key=True),
    moment("window_last", primary_key=True),
    # The version of the rules, and a digest of the settings that they take in.
    Column("rules", Text, primary_key=True),
    moment("tried_at", nullable=False),
    moment("applied_at"),
    Column("changes", JSONB, nullable=False),
    comment="Windows whose messages were read again: nothing is changed that was not tried before.",
)

run = Table(
    "run",
    metadata,
    number("run_row_id"),
    Column("run_id", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("map_index", Integer, nullable=False, server_default="-1"),
    Column("try_number", Integer, nullable=False, server_default="1"),
    moment("started_at", nullable=False),
    moment("finished_at"),
    Column("counts", JSONB, nullable=False, server_default=text("'{}'")),
    Index("run_run_id_task_id_idx", "run_id", "task_id"),
    Index("run_started_at_idx", "started_at"),
    comment="What each task of each run did, in numbers.",
)
