"""What follows from a block for people."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Table, Text, text

from ses_bounces.base.database.tables.columns import joined_address_id, metadata, moment, number

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
