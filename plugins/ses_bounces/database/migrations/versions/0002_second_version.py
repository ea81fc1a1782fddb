"""What 0.2.0 adds; version 0.1.0 goes on working beside it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

SCHEMA = "ses_bounces"

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_keeping()
    _add_brake()
    _add_report_notice()
    _add_site()


def downgrade() -> None:
    op.drop_column("setting", "site", schema=SCHEMA)
    op.drop_table("report_notice", schema=SCHEMA)
    _drop_brake()
    _drop_keeping()


def _add_keeping() -> None:
    """What is kept for looking back, and the erasure of addresses."""
    op.create_table(
        "protected_past",
        sa.Column("pattern", sa.Text(collation="C"), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        schema=SCHEMA,
        comment="never_block patterns that are no longer in force; see protected.",
    )
    op.create_index("protected_past_removed_at_idx", "protected_past", ["removed_at"], schema=SCHEMA)
    op.create_table(
        "erased_address",
        sa.Column("address_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("secret_check", sa.LargeBinary(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(secret_check) = 8", name=op.f("erased_address_secret_check_check")),
        sa.PrimaryKeyConstraint("address_id", name=op.f("erased_address_pkey")),
        schema=SCHEMA,
        comment="Addresses that were erased on request: address.address holds an HMAC of what it was.",
    )
    for table in ("message", "quarantine"):
        op.add_column(table, sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True), schema=SCHEMA)


def _drop_keeping() -> None:
    for table in ("message", "quarantine"):
        op.drop_column(table, "erased_at", schema=SCHEMA)
    for table in ("erased_address", "protected_past"):
        op.drop_table(table, schema=SCHEMA)


def _add_brake() -> None:
    op.create_table(
        "brake",
        sa.Column("brake_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("domain", sa.Text(collation="C"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("max_new_blocks", sa.Integer(), nullable=False),
        sa.Column("braked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("decision IN ('confirmed', 'dismissed')", name=op.f("brake_decision_check")),
        sa.PrimaryKeyConstraint("brake_id", name=op.f("brake_pkey")),
        schema="ses_bounces",
        comment="Domains over their limit of new blocks: their bounces are held until somebody decides.",
    )
    op.create_index(
        "brake_open_idx",
        "brake",
        ["domain"],
        unique=True,
        schema="ses_bounces",
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_index(
        "brake_unsettled_idx",
        "brake",
        ["brake_id"],
        unique=False,
        schema="ses_bounces",
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "brake_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("domain", sa.Text(collation="C"), nullable=False),
        sa.Column("new_blocks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "domain", name=op.f("brake_day_pkey")),
        schema="ses_bounces",
        comment="New blocks by day (UTC) and domain that count towards the limit.",
    )
    op.create_table(
        "held_entry",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("dedup_key", sa.LargeBinary(), nullable=False),
        sa.Column("brake_id", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("diagnostic", sa.Text(), nullable=True),
        sa.Column("listing", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.CheckConstraint("decision IN ('confirmed', 'dismissed')", name=op.f("held_entry_decision_check")),
        sa.ForeignKeyConstraint(["brake_id"], ["ses_bounces.brake.brake_id"], name=op.f("held_entry_brake_id_fkey")),
        sa.PrimaryKeyConstraint("message_id", "dedup_key", name=op.f("held_entry_pkey")),
        schema="ses_bounces",
        comment="What is held of each message, and what was decided: a dismissed event stays out, also in a later copy.",
    )
    op.create_index("held_entry_dedup_key_idx", "held_entry", ["dedup_key"], unique=False, schema="ses_bounces")
    op.create_index(
        "held_entry_waiting_idx",
        "held_entry",
        ["brake_id", "message_id"],
        unique=False,
        schema="ses_bounces",
        postgresql_where=sa.text("decision IS NULL"),
    )
    _allow_message_actions("'retry', 'confirm', 'dismiss'", "retried, confirmed or dismissed")


def _drop_brake() -> None:
    op.execute("DELETE FROM ses_bounces.message_action WHERE action = 'confirm'")
    _allow_message_actions("'retry', 'dismiss'", "retried or dismissed")
    for table in ("held_entry", "brake_day", "brake"):
        op.drop_table(table, schema="ses_bounces")


def _allow_message_actions(listed: str, past: str) -> None:
    name = op.f("message_action_action_check")
    op.drop_constraint(name, "message_action", type_="check", schema="ses_bounces")
    op.create_check_constraint(name, "message_action", f"action IN ({listed})", schema="ses_bounces")
    op.create_table_comment(
        "message_action", f"Who {past} a quarantined or held message, and why.", schema="ses_bounces"
    )


def _add_report_notice() -> None:
    op.create_table(
        "report_notice",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("day", "channel", name=op.f("report_notice_pkey")),
        sa.CheckConstraint("channel IN ('email', 'chat')", name=op.f("report_notice_channel_check")),
        schema=SCHEMA,
        comment="Which day's report was sent where: each goes out once.",
    )


def _add_site() -> None:
    op.add_column("setting", sa.Column("site", sa.Text(), nullable=True), schema="ses_bounces")
