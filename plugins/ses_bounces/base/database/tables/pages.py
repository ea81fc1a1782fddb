"""The tables that only the administrators' pages need."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Identity, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ses_bounces.base.database.tables.columns import metadata

address_search = Table(
    "address_search",
    metadata,
    Column("address_id", BigInteger, nullable=False),
    # Here as well: what the index leads to is compared and sorted without a look into address.
    Column("address", Text(collation="C"), nullable=False),
    # Every three bytes of the address, as numbers. Filled apart from classification, which it would slow by a third.
    Column("grams", ARRAY(Integer), nullable=False),
    Index("address_search_grams_idx", "grams", postgresql_using="gin"),
    comment="For searches by a part of an address: all addresses up to setting.searchable_to.",
)

page_filter = Table(
    "page_filter",
    metadata,
    # Unguessable: it stands in URLs, the text does not.
    Column("filter_id", Text(collation="C"), primary_key=True),
    Column("search_text", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    # Airflow's id of the user: the number of filters of each is limited. Version 0.1.0 does not know the column.
    Column("user_id", Text(collation="C"), nullable=False, server_default=text("''")),
    Index("page_filter_created_at_idx", "created_at"),
    Index("page_filter_user_id_idx", "user_id", "created_at"),
    comment="What was typed into a search box; kept for a day, the last 100 of each user.",
)

admin_action = Table(
    "admin_action",
    metadata,
    # The id that the form was given: sent twice, it is answered the same.
    Column("action_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("acted_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    # By target: what was asked, and the answer; emptied after 90 days.
    Column("results", JSONB, nullable=False),
    Index("admin_action_answered_idx", "acted_at", postgresql_where=text("results <> '{}'")),
    Index("admin_action_kind_idx", "kind", "acted_at"),
    comment="What administrators did, and why; of addresses, the ledger has it as well.",
)

message_action = Table(
    "message_action",
    metadata,
    Column("message_action_id", BigInteger, Identity(), primary_key=True),
    Column("message_id", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("acted_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    CheckConstraint("action IN ('retry', 'confirm', 'dismiss')", name="action"),
    Index("message_action_message_id_idx", "message_id", "acted_at"),
    comment="Who retried, confirmed or dismissed a quarantined or held message, and why.",
)
