"""Alembic's environment: the connection comes from ses_bounces.database.schema, no ini file is read."""

from __future__ import annotations

from alembic import context

from ses_bounces.database.all_tables import metadata
from ses_bounces.database.schema import COMPARED

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, **COMPARED)
context.run_migrations()
