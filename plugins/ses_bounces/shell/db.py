"""``ses-bounces db``."""

from __future__ import annotations

import argparse

from ses_bounces.shell.command import DONE
from ses_bounces.shell.context import database
from ses_bounces.shell.output import say


def run(options: argparse.Namespace) -> int:
    """Create the schema or bring it up to date; or tell whether this version works with it."""
    from ses_bounces.base.database import schema

    with database(options, check=False) as connection:
        if options.action == "upgrade":
            say(f"Schema ses_bounces is at revision {schema.upgrade(connection)}.")
        else:
            say(f"Schema ses_bounces is at revision {schema.check(connection)}; this version works with it.")
    return DONE
