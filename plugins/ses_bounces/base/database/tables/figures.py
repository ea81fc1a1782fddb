"""What happened on each day, in numbers: small rows that are kept for years; see ledger/figures."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import SchemaItem

from ses_bounces.base.database.tables.columns import metadata, moment, number, one_of

DIMENSIONS = ("all", "provider", "configuration_set", "identity", "campaign")


def _place() -> list[SchemaItem]:
    """What a row counts, in the order in which pages read: all days of one dimension lie side by side."""
    return [
        Column("dimension", Text(collation="C"), nullable=False),
        Column("day", Date, nullable=False),
        Column("name", Text(collation="C"), nullable=False),
    ]


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


figure_day = Table(
    "figure_day",
    metadata,
    *_place(),
    _count("bounces"),
    # Of the bounces, those whose block a person has lifted since.
    _count("lifted"),
    _count("transients"),
    _count("complaints"),
    # Mails that SES did not send, as the address was on its list, or had unsubscribed.
    _count("not_sent"),
    PrimaryKeyConstraint("dimension", "day", "name"),
    one_of("dimension", DIMENSIONS),
    comment="Bounces and complaints of each day (UTC) by what they have in common; a projection of the ledger.",
)

delivery_day = Table(
    "delivery_day",
    metadata,
    *_place(),
    Column("deliveries", BigInteger, nullable=False),
    PrimaryKeyConstraint("dimension", "day", "name"),
    one_of("dimension", DIMENSIONS),
    comment="Deliveries of each day (UTC), counted once for each mail and address.",
)

delivery_count = Table(
    "delivery_count",
    metadata,
    Column("day", Date, nullable=False),
    Column("domain", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("configuration_set", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("deliveries", Integer, nullable=False),
    comment="Deliveries as they are classified, until the end of the run adds them to delivery_day.",
)

sent_day = Table(
    "sent_day",
    metadata,
    Column("account", Text(collation="C"), nullable=False),
    Column("region", Text(collation="C"), nullable=False),
    # Of which call: GetSendStatistics, or BatchGetMetricData.
    Column("source", Text(collation="C"), nullable=False),
    *_place(),
    Column("sent", BigInteger, nullable=False),
    Column("delivered", BigInteger),
    Column("bounces", BigInteger, nullable=False),
    Column("complaints", BigInteger, nullable=False),
    Column("rejects", BigInteger),
    moment("noted_at", nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("source", "dimension", "day", "name", "account", "region"),
    CheckConstraint("source IN ('statistics', 'vdm')", name="source"),
    one_of("dimension", DIMENSIONS),
    comment="What SES says it sent on each day (UTC); SES itself forgets it after two weeks.",
)

figure_text = Table(
    "figure_text",
    metadata,
    Column("day", Date, nullable=False),
    Column("provider", Text(collation="C"), nullable=False),
    Column("said", Text(collation="C"), nullable=False),
    Column("bounces", Integer, nullable=False),
    PrimaryKeyConstraint("day", "provider", "said"),
    comment="What servers said most to the last bounces of each day, without addresses and numbers.",
)

figure_due = Table(
    "figure_due",
    metadata,
    number("figure_due_id"),
    Column("day", Date, nullable=False),
    comment="Days that are to be counted once more: entries of theirs were superseded, lifted or erased.",
)

figure_position = Table(
    "figure_position",
    metadata,
    Column("only_row", Boolean, primary_key=True, server_default=text("true")),
    # The last entry of the ledger that was counted.
    Column("event_id", BigInteger, nullable=False, server_default="0"),
    # The last address that was on record then: those behind it have no earlier entries.
    Column("address_id", BigInteger, nullable=False, server_default="0"),
    moment("counted_at"),
    CheckConstraint("only_row", name="only_row"),
    comment="How far the ledger is counted.",
)

suggested_outage = Table(
    "suggested_outage",
    metadata,
    number("suggested_outage_id"),
    Column("domain", Text(collation="C"), nullable=False),
    moment("first", nullable=False),
    moment("last", nullable=False),
    # What all of their diagnostics contain, as they were reported; without an address.
    Column("said", Text, nullable=False),
    Column("addresses", Integer, nullable=False),
    moment("found_at", nullable=False, server_default=text("now()")),
    Index("suggested_outage_domain_idx", "domain", unique=True),
    comment="Domains that refused many with the same words in a short time: perhaps an outage of theirs.",
)

provider = Table(
    "provider",
    metadata,
    Column("domain", Text(collation="C"), primary_key=True),
    Column("name", Text(collation="C"), nullable=False),
    comment="Mailbox providers of domains; filled by each upgrade from ses_bounces.classify.providers.",
)
