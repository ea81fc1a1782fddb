"""Alembic's environment: the connection comes from ses_bounces.database.schema, no ini file is read."""

from __future__ import annotations

from alembic import context

# Each adds its tables to the one metadata.
from ses_bounces.database import aws_tables, brake_tables, keeping_tables, notice_tables, page_tables, run_tables  # noqa: F401
from ses_bounces.database.tables import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
)
context.run_migrations()
