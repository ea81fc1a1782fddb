"""The raw log of what was received, and what is known of the queues."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Interval,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import SchemaItem

from ses_bounces.base.database.tables.columns import metadata, moment, one_of

# SQS threw messages away before they were read; Postgres was put back to a time before they were read.
GAP_CAUSES = ("retention", "restore")
OUTCOMES = ("pending", "applied", "no_effect", "held", "quarantined", "dismissed")


def _message_columns() -> list[SchemaItem]:
    return [
        Column("sqs_message_id", Text, nullable=False),
        Column("queue_url", Text, nullable=False),
        Column("event_type", Text),
        Column("body", Text),
        moment("sent_at", nullable=False),
        moment("received_at", nullable=False, server_default=text("now()")),
        Column("receive_count", Integer, nullable=False, server_default="1"),
        Column("outcome", Text, nullable=False),
        Column("reason", Text),
        # When an address was taken out of the body, or the body emptied for it.
        moment("erased_at"),
    ]


message = Table(
    "message",
    metadata,
    Column("message_id", BigInteger, Identity(), nullable=False),
    *_message_columns(),
    PrimaryKeyConstraint("message_id", "received_at"),
    one_of("outcome", OUTCOMES),
    Index("message_pending_idx", "sent_at", "message_id", postgresql_where=text("outcome = 'pending'")),
    Index(
        "message_reason_idx",
        "outcome",
        "reason",
        "received_at",
        "message_id",
        postgresql_where=text("outcome IN ('held', 'quarantined')"),
    ),
    Index(
        "message_open_idx",
        "outcome",
        "received_at",
        "message_id",
        postgresql_where=text("outcome IN ('held', 'quarantined')"),
    ),
    postgresql_partition_by="RANGE (received_at)",
    comment="Raw log of what was received; copies are expected, uniqueness is the ledger's. One partition a day.",
)
quarantine = Table(
    "quarantine",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    *_message_columns(),
    moment("moved_at", nullable=False, server_default=text("now()")),
    comment="Quarantined and held messages whose day partition was dropped.",
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
    # Send times of the lost messages, the last one exclusive.
    moment("first", nullable=False),
    moment("last", nullable=False),
    Column("cause", Text, nullable=False, server_default="retention"),
    PrimaryKeyConstraint("queue_url", "first"),
    CheckConstraint("first < last", name="span"),
    one_of("cause", GAP_CAUSES),
    comment="Times whose messages are lost: reports of those days may lack some.",
)
