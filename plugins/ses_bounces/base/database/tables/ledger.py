"""The ledger, and the lists that are projections of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import SchemaItem

from ses_bounces.base.database.tables.columns import joined_address_id, metadata, moment, number, one_of
from ses_bounces.classify.causes import CAUSES

BOUNCE_LIST_KINDS = ("transient", "permanent", "complaint", "suppressed")


def _earlier_delivery(place: str) -> list[SchemaItem]:
    return [moment(f"{place}_at"), Column(f"{place}_mail", Text), Column(f"{place}_key", LargeBinary)]


address = Table(
    "address",
    metadata,
    number("address_id"),
    Column("address", Text(collation="C"), nullable=False),
    Column("address_as_reported", Text, nullable=False),
    Column("domain", Text(collation="C"), Computed("split_part(address, '@', -1)", persisted=True), nullable=False),
    moment("created_at", nullable=False, server_default=text("now()")),
    UniqueConstraint("address"),
    Index("address_domain_idx", "domain"),
    comment="Registry: ids go into URLs, logs and audit, addresses don't.",
)


address_event = Table(
    "address_event",
    metadata,
    number("event_id"),
    joined_address_id(),
    Column("kind", Text, nullable=False),
    moment("occurred_at", nullable=False),
    moment("recorded_at", nullable=False, server_default=text("now()")),
    Column("dedup_key", LargeBinary, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("lifts", ARRAY(Text)),
    moment("deadline"),
    Column("policy", Text),
    moment("mail_sent_at"),
    Column("feedback_id", Text),
    Column("ses_message_id", Text),
    Column("bounce_type", Text),
    Column("bounce_sub_type", Text),
    Column("feedback_type", Text),
    Column("status", Text),
    Column("diagnostic_code", Text),
    Column("source", Text),
    Column("configuration_set", Text),
    # A transient bounce that is probably an auto-reply.
    Column("is_reply", Boolean, nullable=False, server_default=text("false")),
    Column("tags", JSONB),
    Column("rules_version", SmallInteger, nullable=False),
    Column("message_id", BigInteger),
    moment("superseded_at"),
    Column("superseded_by", BigInteger),
    CheckConstraint("octet_length(dedup_key) = 16", name="dedup_key"),
    CheckConstraint("policy IN ('age', 'age_and_rebounce', 'expire')", name="policy"),
    Index("address_event_dedup_key_idx", "dedup_key", unique=True, postgresql_where=text("superseded_at IS NULL")),
    # All that a state is computed from: the entries of an address, which lie far apart, are not read themselves.
    Index(
        "address_event_state_idx",
        "address_id",
        "occurred_at",
        postgresql_include=["kind", "is_reply", "policy", "deadline", "event_id"],
        postgresql_where=text("superseded_at IS NULL"),
    ),
    Index(
        "address_event_ended_idx",
        "address_id",
        "occurred_at",
        "event_id",
        postgresql_include=["kind", "lifts"],
        postgresql_where=text("superseded_at IS NULL AND kind IN ('delivery', 'transient_deleted', 'unblocked')"),
    ),
    # Replies, and the deliveries that answer them, by their mail.
    Index(
        "address_event_reply_idx",
        "address_id",
        "ses_message_id",
        postgresql_where=text("superseded_at IS NULL AND is_reply"),
    ),
    Index(
        "address_event_answer_idx",
        "address_id",
        "ses_message_id",
        postgresql_include=["occurred_at"],
        postgresql_where=text("superseded_at IS NULL AND kind = 'delivery'"),
    ),
    Index("address_event_superseded_idx", "address_id", postgresql_where=text("superseded_at IS NOT NULL")),
    Index("address_event_occurred_at_idx", "occurred_at", postgresql_using="brin"),
    comment="The ledger: rows are never deleted or changed, but for superseded_* and erasure.",
)

later_entry = Table(
    "later_entry",
    metadata,
    joined_address_id(),
    moment("occurred_at", nullable=False),
    PrimaryKeyConstraint("address_id", "occurred_at"),
    comment="Entries dated ahead of our clock: their addresses are due then. Nearly always empty.",
)

last_delivery = Table(
    "last_delivery",
    metadata,
    joined_address_id(primary_key=True),
    moment("occurred_at", nullable=False),
    Column("ses_message_id", Text),
    # So that it can still become a ledger entry, should a bounce from before it arrive late.
    Column("dedup_key", LargeBinary, nullable=False),
    # The three before it: they may answer a reply, or end a problem, that is reported late. No arrays: to write those
    # would cost half as much again.
    *_earlier_delivery("second"),
    *_earlier_delivery("third"),
    *_earlier_delivery("fourth"),
    comment="The four latest deliveries of each address.",
)

bounce_list = Table(
    "bounce_list",
    metadata,
    number("bounce_list_id"),
    joined_address_id(),
    Column("address", Text(collation="C"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("details", Text),
    # The subtype of the last bounce.
    Column("bounce_sub_type", Text),
    Column("configuration_set", Text),
    Column("is_reply", Boolean, nullable=False, server_default=text("false")),
    moment("first_bounced_at"),
    moment("last_bounced_at"),
    Column("bounce_count", Integer, nullable=False),
    moment("transient_fix_deadline"),
    # When the passing of time alone may change the state next.
    moment("due_at"),
    moment("opened_at", nullable=False),
    moment("closed_at"),
    Column("closed_by", Text),
    Column("close_reason", Text),
    Column("is_open", Boolean, Computed("closed_at IS NULL", persisted=True), nullable=False),
    one_of("kind", BOUNCE_LIST_KINDS),
    Index("bounce_list_open_idx", "address_id", unique=True, postgresql_where=text("closed_at IS NULL")),
    Index("bounce_list_due_at_idx", "due_at", postgresql_where=text("closed_at IS NULL AND due_at IS NOT NULL")),
    # What the pages filter and sort by. Each costs every classified message two to six microseconds: an index has no
    # row that no page looks for by it.
    Index("bounce_list_address_idx", "is_open", "address", "bounce_list_id"),
    Index("bounce_list_last_bounced_at_idx", "is_open", "kind", "last_bounced_at", "bounce_list_id"),
    Index(
        "bounce_list_deadline_idx",
        "is_open",
        "transient_fix_deadline",
        "bounce_list_id",
        # Due soon, by date: many are sorted, without a look at the rows.
        postgresql_include=["last_bounced_at"],
        postgresql_where=text("kind = 'transient'"),
    ),
    # The others have no deadline; the column is there for the planner to find the order.
    Index(
        "bounce_list_no_deadline_idx",
        "is_open",
        "kind",
        "transient_fix_deadline",
        "bounce_list_id",
        postgresql_where=text("kind <> 'transient'"),
    ),
    Index(
        "bounce_list_sub_type_idx",
        "is_open",
        "bounce_sub_type",
        "kind",
        postgresql_where=text("bounce_sub_type IS NOT NULL"),
    ),
    Index(
        "bounce_list_configuration_set_idx",
        "is_open",
        "configuration_set",
        "last_bounced_at",
        "bounce_list_id",
        postgresql_where=text("configuration_set IS NOT NULL"),
    ),
    Index(
        "bounce_list_reply_idx",
        "is_open",
        "last_bounced_at",
        "bounce_list_id",
        postgresql_where=text("is_reply"),
    ),
    comment="Email Bounce List, a projection of the ledger: one open row per address.",
)

blocked_list = Table(
    "blocked_list",
    metadata,
    number("blocked_list_id"),
    joined_address_id(),
    Column("address", Text(collation="C"), nullable=False),
    Column("reason", Text, nullable=False),
    moment("blocked_at", nullable=False),
    moment("recorded_at", nullable=False, server_default=text("now()")),
    Column("event_id", BigInteger, nullable=False),
    moment("unblocked_at"),
    Column("unblocked_by", Text),
    Column("unblock_reason", Text),
    Column("is_open", Boolean, Computed("unblocked_at IS NULL", persisted=True), nullable=False),
    one_of("reason", CAUSES),
    Index("blocked_list_open_idx", "address_id", "reason", unique=True, postgresql_where=text("unblocked_at IS NULL")),
    Index("blocked_list_address_idx", "address", "blocked_list_id", postgresql_where=text("unblocked_at IS NULL")),
    # What the pages filter and sort by, beside that.
    Index(
        "blocked_list_lifted_address_idx",
        "address",
        "blocked_list_id",
        postgresql_where=text("unblocked_at IS NOT NULL"),
    ),
    Index("blocked_list_blocked_at_idx", "is_open", "reason", "blocked_at", "blocked_list_id"),
    # Tells erased_key() whether the erasure secret is needed; hardly a row is in it.
    Index(
        "blocked_list_erased_idx",
        "address",
        postgresql_where=text("unblocked_at IS NULL AND address ~~ '%@erased.invalid'"),
    ),
    comment="Email Blocked List, a projection of the ledger: one open row per address and cause.",
)

protected = Table(
    "protected",
    metadata,
    Column("pattern", Text(collation="C"), primary_key=True),
    moment("added_at", nullable=False, server_default=text("now()")),
    comment="Mirror of the setting never_block: an address, or @domain.",
)

codepoint = Table(
    "codepoint",
    metadata,
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    Column("mapping", Text(collation="C")),
    Column("is_mark", Boolean, nullable=False),
    comment="UTS 46 for address_key(): mapping null: kept, empty: dropped; code points in no range are refused.",
)
