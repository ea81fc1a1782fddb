"""What is known of the feed itself; see ledger.py."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, PrimaryKeyConstraint, Table, Text

from ses_bounces.base.database.tables.ledger import metadata, moment

feed_gap = Table(
    "feed_gap",
    metadata,
    Column("queue_url", Text, nullable=False),
    # Of the messages' send times, to exclusive.
    moment("first", nullable=False),
    moment("last", nullable=False),
    PrimaryKeyConstraint("queue_url", "first"),
    CheckConstraint("first < last", name="span"),
    comment="Times whose messages a queue had thrown away before they were read: reports of those days may lack some.",
)
