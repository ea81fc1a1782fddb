"""Alembic's environment: the connection comes from ses_bounces.database.schema, no ini file is read."""

from __future__ import annotations

from alembic import context

# Each adds its tables to the one metadata.
from ses_bounces.database import (  # noqa: F401
    aws_tables,
    brake_tables,
    feed_tables,
    keeping_tables,
    notice_tables,
    page_tables,
    run_tables,
)
from ses_bounces.database.schema import COMPARED
from ses_bounces.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, **COMPARED)
context.run_migrations()
