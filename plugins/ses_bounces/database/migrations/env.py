"""Alembic's environment: the connection comes from ses_bounces.database.schema, no ini file is read."""

from __future__ import annotations

from alembic import context

from ses_bounces.database.tables import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
)
context.run_migrations()
