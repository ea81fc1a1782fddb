"""What 0.2.0 adds; version 0.1.0 goes on working beside it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

SCHEMA = "ses_bounces"

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_keeping()


def downgrade() -> None:
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
