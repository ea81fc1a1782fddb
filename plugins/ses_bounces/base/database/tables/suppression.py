"""What is asked of SES: its suppression lists, and lifts."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ses_bounces.base.database.statements import SCHEMA
from ses_bounces.base.database.tables.columns import metadata, moment, number


def _address_id() -> Column[int]:
    return Column("address_id", BigInteger, ForeignKey(f"{SCHEMA}.address.address_id"), nullable=False)


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


suppression_pass = Table(
    "suppression_pass",
    metadata,
    Column("pass_id", BigInteger, Identity(), primary_key=True),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    # From when to when entries were asked for; null: no bound. Without both the pass was a full one.
    Column("since", DateTime(timezone=True)),
    Column("until", DateTime(timezone=True)),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    # The token of the next page; null: the first page.
    Column("next_token", Text),
    Column("pages", Integer, nullable=False, server_default="0"),
    Column("listed", BigInteger, nullable=False, server_default="0"),
    Column("recorded", BigInteger, nullable=False, server_default="0"),
    Column("not_addresses", BigInteger, nullable=False, server_default="0"),
    Column("finished_at", DateTime(timezone=True)),
    Index("suppression_pass_open_idx", "account", "region", unique=True, postgresql_where=text("finished_at IS NULL")),
    Index("suppression_pass_finished_at_idx", "account", "region", "finished_at"),
    comment="Readings of SES's suppression lists: where each stands, so that a killed one goes on.",
)

ses_listed = Table(
    "ses_listed",
    metadata,
    Column("account", Text(collation="C"), nullable=False),
    Column("region", Text(collation="C"), nullable=False),
    # As SES spells it: its management calls tell upper from lower case.
    Column("listed_address", Text(collation="C"), nullable=False),
    Column("address", Text(collation="C"), nullable=False),
    Column("ses_reason", Text, nullable=False),
    Column("last_updated_at", DateTime(timezone=True), nullable=False),
    # The pass that last saw it; one that a full pass did not see is no longer on the list.
    Column("pass_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "region", "listed_address"),
    Index("ses_listed_address_idx", "address"),
    Index("ses_listed_pass_id_idx", "account", "region", "pass_id"),
    comment="Copy of SES's account suppression lists, as last read.",
)

suppression_drift = Table(
    "suppression_drift",
    metadata,
    Column("suppression_drift_id", BigInteger, Identity(), primary_key=True),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("counts", JSONB, nullable=False),
    Column("csv", LargeBinary, nullable=False),
    Column("published_at", DateTime(timezone=True)),
    Index("suppression_drift_made_at_idx", "made_at"),
    comment="Where our blocked list and SES's suppression lists differ, csv gzipped; kept like the daily reports.",
)

lift_job = Table(
    "lift_job",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    # The file with the addresses, deleted when the job has ended.
    Column("object_url", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("finished_at", DateTime(timezone=True)),
    Column("status", Text, nullable=False),
    comment="Import jobs of SES that take many addresses off its suppression list.",
)

lift_step = Table(
    "lift_step",
    metadata,
    Column(
        "unblock_request_id",
        BigInteger,
        ForeignKey(f"{SCHEMA}.unblock_request.unblock_request_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    # The job that is to do it; null: it is deleted by itself.
    Column("job_id", Text),
    Column("lifted_at", DateTime(timezone=True)),
    # Whether SES had it on the list; null: an import job tried it, or no answer is known yet.
    Column("was_listed", Boolean),
    PrimaryKeyConstraint("unblock_request_id", "account", "region"),
    Index("lift_step_job_id_idx", "job_id", postgresql_where=text("job_id IS NOT NULL")),
    comment="How far an unblock_request has come: each of SES's lists that the address must leave.",
)
