"""The tables of the brake on new blocks of one domain; see ledger/brake/limit.py."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ses_bounces.base.database.statements import SCHEMA
from ses_bounces.base.database.tables.columns import metadata, moment, number

DECISIONS = ("confirmed", "dismissed")
_DECISION = "decision IN ('confirmed', 'dismissed')"

brake = Table(
    "brake",
    metadata,
    number("brake_id"),
    Column("domain", Text(collation="C"), nullable=False),
    # The day, in UTC, of the bounce that exceeded the limit.
    Column("day", Date, nullable=False),
    Column("max_new_blocks", Integer, nullable=False),
    moment("braked_at", nullable=False, server_default=text("now()")),
    moment("decided_at"),
    Column("decision", Text),
    Column("actor", Text),
    Column("reason", Text),
    # When all of its messages got what was decided.
    moment("settled_at"),
    CheckConstraint(_DECISION, name="decision"),
    Index("brake_open_idx", "domain", unique=True, postgresql_where=text("decided_at IS NULL")),
    Index("brake_unsettled_idx", "brake_id", postgresql_where=text("settled_at IS NULL")),
    comment="Domains over their limit of new blocks: their bounces are held until somebody decides.",
)

brake_day = Table(
    "brake_day",
    metadata,
    Column("day", Date, nullable=False),
    # Empty: the day was begun with what the blocked list had of it.
    Column("domain", Text(collation="C"), nullable=False),
    Column("new_blocks", Integer, nullable=False),
    PrimaryKeyConstraint("day", "domain"),
    comment="New blocks by day (UTC) and domain that count towards the limit.",
)

held_entry = Table(
    "held_entry",
    metadata,
    # 0: it is not of a message, but of SES's suppression list.
    Column("message_id", BigInteger, nullable=False),
    Column("dedup_key", LargeBinary, nullable=False),
    Column("brake_id", BigInteger, ForeignKey(f"{SCHEMA}.brake.brake_id"), nullable=False),
    moment("occurred_at", nullable=False),
    # What the receiving server said, without addresses.
    Column("diagnostic", Text),
    # An entry of SES's suppression list, from which the ledger entry is made once it is confirmed.
    Column("listing", JSONB),
    Column("decision", Text),
    CheckConstraint(_DECISION, name="decision"),
    PrimaryKeyConstraint("message_id", "dedup_key"),
    Index("held_entry_dedup_key_idx", "dedup_key"),
    Index("held_entry_waiting_idx", "brake_id", "message_id", postgresql_where=text("decision IS NULL")),
    comment="What is held of each message, and what was decided: a dismissed event stays out, also in a later copy.",
)
