"""A database as version 0.1.0 of this package made it, for what is to be upgraded."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from dev.airflow import REPOSITORY
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.database.partitions import ensure_partitions
from ses_bounces.base.database.statements import statement

if TYPE_CHECKING:
    from typing import LiteralString

STATEMENTS: Path = REPOSITORY / "tests" / "integration" / "v0_1_0"
# As its landing.py sends them.
LAND: "LiteralString" = (
    "COPY ses_bounces.message (sqs_message_id, queue_url, event_type, body, sent_at, receive_count, outcome, reason)"
    " FROM STDIN"
)


def released(name: str) -> "LiteralString":
    """Return a statement of 0.1.0."""
    lines = (STATEMENTS / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return cast("LiteralString", "\n".join(line for line in lines if not line.lstrip().startswith("--")))


def make(url: str) -> None:
    """Make its schema in an empty database at a libpq URL."""
    from alembic import command

    with connect_url(url) as connection:
        connection.execute("CREATE SCHEMA ses_bounces")
        config = schema.alembic_config()
        with schema.alembic_connection(connection) as config.attributes["connection"]:
            command.upgrade(config, "0001")
        with connection.transaction():
            schema._load_codepoints(connection)
            for routines in (
                statement("functions/address_key"),
                statement("functions/address_grams"),
                released("address_state"),
                released("blocked_lists"),
                released("insert_setting"),
            ):
                connection.execute(routines)
        ensure_partitions(connection)
