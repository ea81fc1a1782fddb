"""The daily reports, and on which channels they were sent."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ses_bounces.base.database.tables.columns import metadata, moment

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


report_notice = Table(
    "report_notice",
    metadata,
    Column("day", Date, nullable=False),
    Column("channel", Text, nullable=False),
    # When a run began to send it; null: none does.
    moment("claimed_at"),
    # Null: it was not sent yet.
    moment("sent_at"),
    Column("revision", Integer),
    PrimaryKeyConstraint("day", "channel"),
    CheckConstraint("channel IN ('email', 'chat')", name="channel"),
    comment="Which day's report was sent where: each goes out once.",
)
