"""Which addresses were erased, and what answers about the past need."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, text

from ses_bounces.base.database.tables.columns import joined_address_id, metadata, moment

protected_past = Table(
    "protected_past",
    metadata,
    Column("pattern", Text(collation="C"), nullable=False),
    moment("added_at", nullable=False),
    moment("removed_at", nullable=False),
    Index("protected_past_removed_at_idx", "removed_at"),
    comment="never_block patterns that are no longer in force; see protected.",
)

erased_address = Table(
    "erased_address",
    metadata,
    joined_address_id(primary_key=True),
    # Tells one secret from another, so that a changed one is not used unnoticed; says nothing of the address.
    Column("secret_check", LargeBinary, nullable=False),
    moment("erased_at", nullable=False, server_default=text("now()")),
    # When nothing was left to look through; null: it was interrupted, and must be repeated.
    moment("finished_at"),
    CheckConstraint("octet_length(secret_check) = 8", name="secret_check"),
    comment="Addresses that were erased on request: address.address holds an HMAC of what it was.",
)

stale_index = Table(
    "stale_index",
    metadata,
    # OID and relfilenode: whoever rebuilds the index gives it another one of them.
    Column("index_id", BigInteger, nullable=False),
    Column("file_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("index_id", "file_id"),
    comment="Indexes by address_key() that were made before its rules changed: they are to be rebuilt.",
)
