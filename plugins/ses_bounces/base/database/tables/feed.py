"""What is known of the feed itself; see ledger.py."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Interval, PrimaryKeyConstraint, Table, Text

from ses_bounces.base.database.tables.ledger import metadata, moment

awaited_queue = Table(
    "awaited_queue",
    metadata,
    Column("queue_url", Text, primary_key=True),
    # The queue of the settings that this is the dead-letter queue of, or this one itself.
    Column("belongs_to", Text, nullable=False),
    # How long it keeps messages; null: SQS was not asked yet.
    Column("retention", Interval),
    # When SQS last said that there was nothing in it; of a dead-letter queue, which is drained only where there is.
    moment("seen_empty_at"),
    comment="Mirror of the queues of the settings, with their dead-letter queues: deadlines wait for what is in them.",
)

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
