"""The tables of what is asked of AWS: SES's suppression lists, lifts, and the doctor's findings; see ledger.py."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
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
from sqlalchemy.dialects.postgresql import JSONB

from ses_bounces.base.database.statements import SCHEMA
from ses_bounces.base.database.tables.ledger import metadata

SEVERITIES = ("critical", "warning", "unknown", "ok")

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
    # Of the page to ask for next; null: the first one.
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
    PrimaryKeyConstraint("unblock_request_id", "account", "region"),
    Index("lift_step_job_id_idx", "job_id", postgresql_where=text("job_id IS NOT NULL")),
    comment="How far an unblock_request has come: each of SES's lists that the address must leave.",
)

finding = Table(
    "finding",
    metadata,
    # Which task of the doctor found it: it replaces its own findings.
    Column("area", Text, nullable=False),
    Column("check_name", Text, nullable=False),
    # The queue, region, identity or table that was looked at; empty where there is only one.
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("found", Text, nullable=False),
    Column("meaning", Text, nullable=False),
    Column("todo", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("checked_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("check_name", "subject"),
    CheckConstraint(f"severity IN ({', '.join(repr(name) for name in SEVERITIES)})", name="severity"),
    comment="What the doctor found the last time, one row for each thing that it looks at.",
)
