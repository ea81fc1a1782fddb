"""The tables of what follows from a block for people, and of what ends one; see ledger.py."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from ses_bounces.base.database.statements import SCHEMA
from ses_bounces.base.database.tables.ledger import joined_address_id, metadata, moment, number


def _address_id() -> Column[int]:
    return Column("address_id", BigInteger, ForeignKey(f"{SCHEMA}.address.address_id"), nullable=False)


flag_due = Table(
    "flag_due",
    metadata,
    joined_address_id(primary_key=True),
    moment("due_since", nullable=False, server_default=text("now()")),
    comment="Addresses whose people's Allow Group Email is to be looked at.",
)

flag_change = Table(
    "flag_change",
    metadata,
    number("flag_change_id"),
    joined_address_id(),
    Column("people_table", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("old_value", Boolean),
    Column("new_value", Boolean, nullable=False),
    moment("changed_at", nullable=False, server_default=text("now()")),
    # xmin of the person's row after our update: it differs as soon as anybody else touches the row.
    Column("row_xmin", BigInteger, nullable=False),
    moment("settled_at"),
    Column("settled_by", Text),
    Column("settlement", Text),
    # The administrator who wants the flag on although the row was touched; the next sync does it.
    Column("decided_by", Text),
    CheckConstraint("settlement IN ('restored', 'touched', 'on', 'gone', 'left_off')", name="settlement"),
    Index("flag_change_open_idx", "address_id", postgresql_where=text("settled_at IS NULL AND NOT new_value")),
    Index("flag_change_touched_idx", "address_id", postgresql_where=text("settlement = 'touched'")),
    comment="Each change that we made to Allow Group Email, and what became of it.",
)

unblock_request = Table(
    "unblock_request",
    metadata,
    number("unblock_request_id"),
    _address_id(),
    Column("lifts", ARRAY(Text), nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    moment("requested_at", nullable=False, server_default=text("now()")),
    moment("finished_at"),
    Column("result", Text),
    Index("unblock_request_open_idx", "address_id", unique=True, postgresql_where=text("finished_at IS NULL")),
    Index("unblock_request_address_id_idx", "address_id", "requested_at"),
    Index("unblock_request_finished_at_idx", "finished_at"),
    comment="Blocks that are being lifted: SES's own list first, ours then.",
)
