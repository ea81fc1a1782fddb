"""``ses-bounces db``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ses_bounces.shell.command import DONE
from ses_bounces.shell.context import database, variable
from ses_bounces.shell.output import say

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def run(options: argparse.Namespace) -> int:
    """Create the schema or bring it up to date; or tell whether this version works with it."""
    from ses_bounces.base.database import key_indexes, schema

    with database(options, check=False) as connection:
        if options.action == "upgrade":
            say(f"Schema ses_bounces is at revision {schema.upgrade(connection)}.")
            for index in key_indexes.stale(connection):
                rebuild = index.rebuild.as_string(connection)
                say(f"{index}: until its owner has run `{rebuild}`, it is not used, and syncs of people take longer.")
            if problem := _people_problem(options, connection):
                say(f"Nobody's Allow Group Email is touched until this is corrected: {problem}")
        else:
            say(f"Schema ses_bounces is at revision {schema.check(connection)}; this version works with it.")
    return DONE


def _people_problem(options: argparse.Namespace, connection: Connection) -> str | None:
    """Return why the people table of the settings, where there are any yet, can't be worked with."""
    from ses_bounces.base.exceptions import SettingsError
    from ses_bounces.base.settings import parse
    from ses_bounces.people.table import People

    if options.url:
        return None
    try:
        text = variable()
        settings = parse(text) if text else None
    except SettingsError:
        # An upgrade goes without settings; whoever needs them says what is wrong with them.
        return None
    if settings is None or settings.people_table is None:
        return None
    try:
        People(connection, settings)
    except SettingsError as error:
        return str(error)
    return None
