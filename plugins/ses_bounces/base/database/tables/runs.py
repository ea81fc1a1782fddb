"""What each run did, and the settings that functions in SQL need."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ses_bounces.base.database.tables.columns import metadata, moment, number

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


replay = Table(
    "replay",
    metadata,
    # Send times of the messages that were read again, the last one exclusive.
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
