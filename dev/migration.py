"""Drafts a migration: what the tables say and the last revision lacks; `python -m dev.migration "what it adds"`."""

import sys

from dev.postgres import temporary_postgres
from ses_bounces.base.database import connection, schema


def draft(message: str) -> str:
    """Writes the file of the next revision, and returns its path."""
    from alembic import command

    config = schema.alembic_config()
    with temporary_postgres() as postgres:
        postgres.create_database("draft")
        with connection.connect_url(postgres.url("draft")) as opened:
            schema.upgrade(opened)
            with schema.alembic_connection(opened) as config.attributes["connection"]:
                revision = f"{schema.LAST_REVISION + 1:04}"
                made = command.revision(config, message, autogenerate=True, rev_id=revision)
    return str(made.path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(draft(sys.argv[1]))
