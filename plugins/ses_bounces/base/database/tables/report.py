"""What was sent of the daily report; see ledger.py."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, Integer, PrimaryKeyConstraint, Table, Text

from ses_bounces.base.database.tables.ledger import metadata, moment

report_notice = Table(
    "report_notice",
    metadata,
    Column("day", Date, nullable=False),
    Column("channel", Text, nullable=False),
    # Somebody sends it; null: nobody does.
    moment("claimed_at"),
    # Null: it was not sent yet.
    moment("sent_at"),
    Column("revision", Integer),
    PrimaryKeyConstraint("day", "channel"),
    CheckConstraint("channel IN ('email', 'chat')", name="channel"),
    comment="Which day's report was sent where: each goes out once.",
)
