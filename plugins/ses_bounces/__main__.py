"""The shell command ``ses-bounces``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ses_bounces import __version__
from ses_bounces.database import connection, schema
from ses_bounces.exceptions import SesBouncesError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 refused with a sentence on stderr, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        with connection.connect_url(options.url) if options.url else connection.connect(options.conn_id) as opened:
            if options.action == "upgrade":
                print(f"Schema ses_bounces is at revision {schema.upgrade(opened)}.")
            else:
                print(f"Schema ses_bounces is at revision {schema.check(opened)}; this version works with it.")
    except SesBouncesError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ses-bounces", description="Amazon SES bounces in Airflow, from the shell.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    database = commands.add_parser("db", help="the database schema ses_bounces")
    actions = database.add_subparsers(dest="action", required=True)
    for name, text in (
        ("upgrade", "create the schema, or bring it up to date; may be repeated at any time"),
        ("check", "tell whether this version works with the schema that is there"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        where = action.add_mutually_exclusive_group()
        where.add_argument(
            "--conn-id", default="ses_bounces_postgres", help="Airflow connection of the database (%(default)s)"
        )
        where.add_argument("--url", help="libpq URL of the database, instead of an Airflow connection")
    return parser


if __name__ == "__main__":
    sys.exit(main())
