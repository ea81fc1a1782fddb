"""What the doctor found, and what it keeps for itself."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from ses_bounces.base.database.tables.columns import metadata, moment

SEVERITIES = ("critical", "warning", "unknown", "ok")
finding = Table(
    "finding",
    metadata,
    # Which task of the doctor found it: it replaces its own findings.
    Column("area", Text, nullable=False),
    Column("check_name", Text, nullable=False),
    # The queue, region, identity or table that was looked at; empty where there is only one.
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("found", Text, nullable=False),
    Column("meaning", Text, nullable=False),
    Column("todo", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("checked_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("check_name", "subject"),
    CheckConstraint(f"severity IN ({', '.join(repr(name) for name in SEVERITIES)})", name="severity"),
    comment="What the doctor found the last time, one row for each thing that it looks at.",
)

size_day = Table(
    "size_day",
    metadata,
    Column("day", Date, nullable=False),
    Column("schema_bytes", BigInteger, nullable=False),
    # The whole database, which shares the disk.
    Column("database_bytes", BigInteger, nullable=False),
    moment("noted_at", nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("day"),
    comment="How much room the schema and its database took on each day (UTC), as the doctor noted it.",
)
