"""Alembic's environment: the connection comes from ses_bounces.base.database.schema, no ini file is read."""

from __future__ import annotations

from alembic import context

from ses_bounces.base.database.schema import COMPARED
from ses_bounces.base.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, **COMPARED)
context.run_migrations()
