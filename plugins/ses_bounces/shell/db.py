"""``ses-bounces db``."""

from __future__ import annotations

import argparse

from ses_bounces.shell.command import DONE
from ses_bounces.shell.context import database
from ses_bounces.shell.output import say


def run(options: argparse.Namespace) -> int:
    """Create the schema or bring it up to date; or tell whether this version works with it."""
    from ses_bounces.base.database import key_indexes, schema

    with database(options, check=False) as connection:
        if options.action == "upgrade":
            say(f"Schema ses_bounces is at revision {schema.upgrade(connection)}.")
            for index in key_indexes.stale(connection):
                rebuild = index.rebuild.as_string(connection)
                say(f"{index}: until its owner has run `{rebuild}`, it is not used, and syncs of people take longer.")
        else:
            say(f"Schema ses_bounces is at revision {schema.check(connection)}; this version works with it.")
    return DONE
