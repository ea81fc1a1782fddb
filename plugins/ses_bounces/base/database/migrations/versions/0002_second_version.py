"""What 0.2.0 adds; version 0.1.0 goes on working beside it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

SCHEMA = "ses_bounces"

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Version 0.1.0 does not know the column.
_FILL_ADDRESS = """
CREATE FUNCTION ses_bounces.fill_searched_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.address := (SELECT a.address FROM ses_bounces.address a WHERE a.address_id = new.address_id);
    RETURN new;
END
$$;
CREATE TRIGGER fill_searched_address BEFORE INSERT ON ses_bounces.address_search
FOR EACH ROW WHEN (new.address IS NULL) EXECUTE FUNCTION ses_bounces.fill_searched_address()
"""
# Written anew, not updated: nothing is left behind, and an index is made faster than kept.
_COPY_SEARCH = """
CREATE TEMPORARY TABLE searched ON COMMIT DROP AS
SELECT s.address_id, a.address, s.grams
FROM ses_bounces.address_search s
JOIN ses_bounces.address a ON a.address_id = s.address_id;
TRUNCATE ses_bounces.address_search;
INSERT INTO ses_bounces.address_search (address_id, address, grams)
SELECT c.address_id, c.address, c.grams FROM searched c ORDER BY c.address;
ANALYZE ses_bounces.address_search
"""


_GROWS = "autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02"
_STORAGE = {
    "address": _GROWS,
    "address_event": _GROWS,
    "address_search": _GROWS,
    "bounce_list": f"autovacuum_vacuum_scale_factor = 0.05, {_GROWS}",
    "blocked_list": f"autovacuum_vacuum_scale_factor = 0.05, {_GROWS}",
    "flag_due": "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000",
    "last_delivery": "fillfactor = 50",
}


def upgrade() -> None:
    _add_keeping()
    _add_brake()
    _add_report_notice()
    _add_site()
    _speed_up_pages()
    _add_feed_gap()
    _add_replies()
    _speed_up_states()
    _speed_up_flags()
    _add_key_rules()
    _add_people_comparing()
    _add_awaited_queue()
    _bound_searches()
    _find_erased()
    _note_lifts()
    _add_figures()
    _add_size()
    for table, parameters in _STORAGE.items():
        op.execute(f"ALTER TABLE {SCHEMA}.{table} SET ({parameters})")


def downgrade() -> None:
    for table, parameters in _STORAGE.items():
        names = ", ".join(parameter.split(" = ")[0] for parameter in parameters.split(", "))
        op.execute(f"ALTER TABLE {SCHEMA}.{table} RESET ({names})")
    _drop_figures()
    op.drop_table("size_day", schema=SCHEMA)
    op.drop_column("lift_step", "was_listed", schema=SCHEMA)
    op.drop_index("blocked_list_erased_idx", "blocked_list", schema=SCHEMA)
    _unbind_searches()
    _drop_awaited_queue()
    _drop_people_comparing()
    _drop_key_rules()
    _slow_down_states()
    _drop_replies()
    _slow_down_flags()
    op.drop_table("feed_gap", schema=SCHEMA)
    _slow_down_pages()
    op.drop_column("setting", "site", schema=SCHEMA)
    op.drop_table("report_notice", schema=SCHEMA)
    _drop_brake()
    _drop_keeping()


def _note_lifts() -> None:
    """Whether an address was on SES's own list before a lift."""
    op.add_column("lift_step", sa.Column("was_listed", sa.Boolean(), nullable=True), schema=SCHEMA)


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


def _speed_up_pages() -> None:
    # Until this is committed, searches and the search index's own task wait.
    op.execute("LOCK TABLE ses_bounces.address_search")
    op.drop_index("address_search_grams_idx", "address_search", schema=SCHEMA)
    op.add_column("address_search", sa.Column("address", sa.Text(collation="C")), schema=SCHEMA)
    op.execute(_COPY_SEARCH)
    op.alter_column("address_search", "address", nullable=False, schema=SCHEMA)
    op.create_index("address_search_grams_idx", "address_search", ["grams"], schema=SCHEMA, postgresql_using="gin")
    op.execute(_FILL_ADDRESS)
    _make_reason_index(["outcome", "reason", "received_at", "message_id"])
    _make_bounce_indexes(["last_bounced_at"], ["kind"])


def _slow_down_pages() -> None:
    _make_bounce_indexes([], [])
    _make_reason_index(["reason", "received_at", "message_id"])
    op.execute("DROP TRIGGER fill_searched_address ON ses_bounces.address_search")
    op.execute("DROP FUNCTION ses_bounces.fill_searched_address()")
    op.drop_column("address_search", "address", schema=SCHEMA)


def _make_reason_index(columns: list[str]) -> None:
    op.drop_index("message_reason_idx", "message", schema=SCHEMA)
    op.create_index(
        "message_reason_idx",
        "message",
        columns,
        schema=SCHEMA,
        postgresql_where=sa.text("outcome IN ('held', 'quarantined')"),
    )


def _make_bounce_indexes(with_deadline: list[str], with_sub_type: list[str]) -> None:
    for name in ("bounce_list_deadline_idx", "bounce_list_sub_type_idx"):
        op.drop_index(name, "bounce_list", schema=SCHEMA)
    op.create_index(
        "bounce_list_deadline_idx",
        "bounce_list",
        ["is_open", "transient_fix_deadline", "bounce_list_id"],
        schema=SCHEMA,
        postgresql_include=with_deadline or None,
        postgresql_where=sa.text("kind = 'transient'"),
    )
    op.create_index(
        "bounce_list_sub_type_idx",
        "bounce_list",
        ["is_open", "bounce_sub_type", *with_sub_type],
        schema=SCHEMA,
        postgresql_where=sa.text("bounce_sub_type IS NOT NULL"),
    )


def _add_feed_gap() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "feed_gap",
        sa.Column("queue_url", sa.Text(), nullable=False),
        sa.Column("first", moment, nullable=False),
        sa.Column("last", moment, nullable=False),
        sa.Column("cause", sa.Text(), server_default="retention", nullable=False),
        sa.CheckConstraint("first < last", name=op.f("feed_gap_span_check")),
        sa.CheckConstraint("cause IN ('retention', 'restore')", name=op.f("feed_gap_cause_check")),
        sa.PrimaryKeyConstraint("queue_url", "first", name=op.f("feed_gap_pkey")),
        schema=SCHEMA,
        comment="Times whose messages are lost: reports of those days may lack some.",
    )


def _speed_up_states() -> None:
    live = "superseded_at IS NULL"
    # All that a state is computed from.
    op.create_index(
        "address_event_state_idx", "address_event", ["address_id", "occurred_at"], schema=SCHEMA,
        postgresql_include=["kind", "is_reply", "policy", "deadline", "event_id"],
        postgresql_where=sa.text(live),
    )  # fmt: skip
    # What ended an episode or lifted a block is looked for among all that an address has.
    op.create_index(
        "address_event_ended_idx", "address_event", ["address_id", "occurred_at", "event_id"], schema=SCHEMA,
        postgresql_include=["kind", "lifts"],
        postgresql_where=sa.text(f"{live} AND kind IN ('delivery', 'transient_deleted', 'unblocked')"),
    )  # fmt: skip
    op.drop_index("address_event_address_id_occurred_at_idx", "address_event", schema=SCHEMA)


def _slow_down_states() -> None:
    op.create_index(
        "address_event_address_id_occurred_at_idx", "address_event", ["address_id", "occurred_at"], schema=SCHEMA,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )  # fmt: skip
    op.drop_index("address_event_ended_idx", "address_event", schema=SCHEMA)
    op.drop_index("address_event_state_idx", "address_event", schema=SCHEMA)


def _speed_up_flags() -> None:
    # It is filled by joins with address, whose rows stay; a check of each row cost a tenth.
    op.drop_constraint("flag_change_address_id_fkey", "flag_change", type_="foreignkey", schema=SCHEMA)
    # Nothing looks changes up by person; an entry for each cost as much.
    op.drop_index("flag_change_person_id_idx", "flag_change", schema=SCHEMA)


def _slow_down_flags() -> None:
    op.create_index(
        "flag_change_person_id_idx", "flag_change", ["person_id"], schema=SCHEMA,
        postgresql_where=sa.text("settled_at IS NULL AND NOT new_value"),
    )  # fmt: skip
    op.create_foreign_key(
        "flag_change_address_id_fkey", "flag_change", "address", ["address_id"], ["address_id"],
        source_schema=SCHEMA, referent_schema=SCHEMA,
    )  # fmt: skip


def _add_key_rules() -> None:
    """Which spellings are no address any more, and what was made while they were."""
    op.create_table(
        "stale_index",
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("index_id", "file_id", name=op.f("stale_index_pkey")),
        schema=SCHEMA,
        comment="Indexes by address_key() that were made before its rules changed: they are to be rebuilt.",
    )
    op.add_column("setting", sa.Column("people_unreadable", sa.Integer(), nullable=True), schema=SCHEMA)


def _drop_key_rules() -> None:
    op.drop_column("setting", "people_unreadable", schema=SCHEMA)
    op.drop_table("stale_index", schema=SCHEMA)


def _add_people_comparing() -> None:
    """How far a comparison of everybody is."""
    comparing = sa.Column("people_comparing", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    op.add_column("setting", comparing, schema=SCHEMA)


def _drop_people_comparing() -> None:
    op.drop_column("setting", "people_comparing", schema=SCHEMA)


def _add_awaited_queue() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "awaited_queue",
        sa.Column("queue_url", sa.Text(), nullable=False),
        sa.Column("belongs_to", sa.Text(), nullable=False),
        sa.Column("retention", sa.Interval(), nullable=True),
        sa.Column("seen_empty_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("queue_url", name=op.f("awaited_queue_pkey")),
        schema=SCHEMA,
        comment="Mirror of the queues of the settings, with their dead-letter queues: deadlines wait for what is in them.",
    )
    for name in ("given_at", "held_until"):
        op.add_column("queue", sa.Column(name, moment, nullable=True), schema=SCHEMA)


def _drop_awaited_queue() -> None:
    # Made after the migration, of what goes here.
    op.execute(f"DROP VIEW IF EXISTS {SCHEMA}.queue_read")
    for name in ("held_until", "given_at"):
        op.drop_column("queue", name, schema=SCHEMA)
    op.drop_table("awaited_queue", schema=SCHEMA)


def _add_replies() -> None:
    """Auto-replies, and the deliveries that answer them."""
    for table in ("address_event", "bounce_list"):
        op.add_column(
            table, sa.Column("is_reply", sa.Boolean(), server_default=sa.text("false"), nullable=False), schema=SCHEMA
        )
    for place in ("second", "third", "fourth"):
        op.add_column("last_delivery", sa.Column(f"{place}_at", sa.DateTime(timezone=True)), schema=SCHEMA)
        op.add_column("last_delivery", sa.Column(f"{place}_mail", sa.Text()), schema=SCHEMA)
        op.add_column("last_delivery", sa.Column(f"{place}_key", sa.LargeBinary()), schema=SCHEMA)
    op.create_table_comment("last_delivery", "The four latest deliveries of each address.", schema=SCHEMA)
    mail = ["address_id", "ses_message_id"]
    op.create_index(
        "address_event_reply_idx", "address_event", mail, schema=SCHEMA,
        postgresql_where=sa.text("superseded_at IS NULL AND is_reply"),
    )  # fmt: skip
    op.create_index(
        "address_event_answer_idx", "address_event", mail, schema=SCHEMA, postgresql_include=["occurred_at"],
        postgresql_where=sa.text("superseded_at IS NULL AND kind = 'delivery'"),
    )  # fmt: skip
    op.create_index(
        "bounce_list_reply_idx", "bounce_list", ["is_open", "last_bounced_at", "bounce_list_id"],
        schema=SCHEMA, postgresql_where=sa.text("is_reply"),
    )  # fmt: skip


def _drop_replies() -> None:
    op.create_table_comment("last_delivery", "The newest delivery of each address.", schema=SCHEMA)
    # Their indexes go with them.
    for table in ("bounce_list", "address_event"):
        op.drop_column(table, "is_reply", schema=SCHEMA)
    op.drop_index("address_event_answer_idx", "address_event", schema=SCHEMA)
    for place in ("fourth", "third", "second"):
        for name in ("key", "mail", "at"):
            op.drop_column("last_delivery", f"{place}_{name}", schema=SCHEMA)


def _bound_searches() -> None:
    """Whose search it was: each user has so many at most."""
    user = sa.Column("user_id", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False)
    op.add_column("page_filter", user, schema=SCHEMA)
    op.create_index("page_filter_user_id_idx", "page_filter", ["user_id", "created_at"], schema=SCHEMA)
    kept = "What was typed into a search box; kept for a day, the last 100 of each user."
    op.create_table_comment("page_filter", kept, schema=SCHEMA)


def _unbind_searches() -> None:
    op.create_table_comment("page_filter", "What was typed into a search box; kept 90 days.", schema=SCHEMA)
    op.drop_index("page_filter_user_id_idx", "page_filter", schema=SCHEMA)
    op.drop_column("page_filter", "user_id", schema=SCHEMA)


def _find_erased() -> None:
    """Whether anybody who was erased is blocked: then the mailer needs the secret."""
    open_ones = sa.text("unblocked_at IS NULL AND address ~~ '%@erased.invalid'")
    op.create_index("blocked_list_erased_idx", "blocked_list", ["address"], schema=SCHEMA, postgresql_where=open_ones)


_DIMENSION = "dimension IN ('all', 'provider', 'configuration_set', 'identity', 'campaign')"


def _figure_table(name: str, comment: str, keys: list[str], *columns: sa.Column[Any] | sa.CheckConstraint) -> None:
    """A table with a row for each of these keys; they are its primary key."""
    key = sa.PrimaryKeyConstraint(*keys, name=op.f(f"{name}_pkey"))
    op.create_table(name, *columns, key, schema=SCHEMA, comment=comment)


def _place_of(name: str) -> list[sa.Column[Any] | sa.CheckConstraint]:
    return [
        sa.Column("dimension", sa.Text(collation="C"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint(_DIMENSION, name=op.f(f"{name}_dimension_check")),
    ]


def _add_figures() -> None:
    """What happened on each day, in numbers; the first run counts the days of the ledger."""
    place = ["dimension", "day", "name"]
    counts = ("bounces", "lifted", "transients", "complaints", "not_sent")
    _figure_table(
        "figure_day",
        "Bounces and complaints of each day (UTC) by what they have in common; a projection of the ledger.",
        place,
        *_place_of("figure_day"),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in counts),
    )
    _figure_table(
        "delivery_day",
        "Deliveries of each day (UTC), counted once for each mail and address.",
        place,
        *_place_of("delivery_day"),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "delivery_count",
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("domain", "identity", "configuration_set", "campaign")
        ),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        schema=SCHEMA,
        comment="Deliveries as they are classified, until the end of the run adds them to delivery_day.",
    )
    _figure_table(
        "sent_day",
        "What SES says it sent on each day (UTC); SES itself forgets it after two weeks.",
        ["source", *place, "account", "region"],
        *(sa.Column(name, sa.Text(collation="C"), nullable=False) for name in ("account", "region", "source")),
        *_place_of("sent_day"),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger()),
        sa.Column("bounces", sa.BigInteger(), nullable=False),
        sa.Column("complaints", sa.BigInteger(), nullable=False),
        sa.Column("rejects", sa.BigInteger()),
        sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("source IN ('statistics', 'vdm')", name=op.f("sent_day_source_check")),
    )
    _figure_table(
        "figure_text",
        "What servers said most to the last bounces of each day, without addresses and numbers.",
        ["day", "provider", "said"],
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("provider", sa.Text(collation="C"), nullable=False),
        sa.Column("said", sa.Text(collation="C"), nullable=False),
        sa.Column("bounces", sa.Integer(), nullable=False),
    )
    _add_figure_work()


def _add_figure_work() -> None:
    _figure_table(
        "figure_due",
        "Days that are to be counted once more: entries of theirs were superseded, lifted or erased.",
        ["figure_due_id"],
        sa.Column("figure_due_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
    )
    _figure_table(
        "figure_position",
        "How far the ledger is counted.",
        ["only_row"],
        sa.Column("only_row", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("event_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("address_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("only_row", name=op.f("figure_position_only_row_check")),
    )
    op.execute(f"INSERT INTO {SCHEMA}.figure_position DEFAULT VALUES")
    _figure_table(
        "suggested_outage",
        "Domains that refused many with the same words in a short time: perhaps an outage of theirs.",
        ["suggested_outage_id"],
        sa.Column("suggested_outage_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("domain", sa.Text(collation="C"), nullable=False),
        sa.Column("first", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_index("suggested_outage_domain_idx", "suggested_outage", ["domain"], unique=True, schema=SCHEMA)
    _figure_table(
        "provider",
        "Mailbox providers of domains; filled by each upgrade from ses_bounces.classify.providers.",
        ["domain"],
        sa.Column("domain", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
    )


def _add_size() -> None:
    _figure_table(
        "size_day",
        "How much room the schema and its database took on each day (UTC), as the doctor noted it.",
        ["day"],
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("schema_bytes", sa.BigInteger(), nullable=False),
        sa.Column("database_bytes", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )


def _drop_figures() -> None:
    # Made after the migration, of what goes here.
    op.execute(f"DROP VIEW IF EXISTS {SCHEMA}.figure_entry")
    op.execute(f"DROP VIEW IF EXISTS {SCHEMA}.figure_report")
    op.execute(f"DROP FUNCTION IF EXISTS {SCHEMA}.figure_name, {SCHEMA}.figure_identity")
    for table in (
        "provider", "suggested_outage", "figure_position", "figure_due", "figure_text", "sent_day", "delivery_count",
        "delivery_day", "figure_day",
    ):  # fmt: skip
        op.drop_table(table, schema=SCHEMA)
