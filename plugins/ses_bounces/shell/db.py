"""``ses-bounces db``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ses_bounces.shell.command import DONE
from ses_bounces.shell.context import database, variable
from ses_bounces.shell.output import say

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings


def run(options: argparse.Namespace) -> int:
    """Create the schema or bring it up to date; or tell whether this version works with it."""
    from ses_bounces.base.database import key_indexes, schema
    from ses_bounces.classify.rules import Rules
    from ses_bounces.ledger.replay_preview import outdated

    with database(options, check=False) as connection:
        if options.action == "upgrade":
            say(f"Schema ses_bounces is at revision {schema.upgrade(connection)}.")
            for index in key_indexes.stale(connection):
                rebuild = index.rebuild.as_string(connection)
                say(f"{index}: until its owner has run `{rebuild}`, it is not used, and syncs of people take longer.")
            found = _settings(options)
            for line in outdated(connection, found.rules if found else Rules()).lines():
                say(line)
            if problem := _people_problem(found, connection):
                say(f"Nobody's Allow Group Email is touched until this is corrected: {problem}")
        else:
            say(f"Schema ses_bounces is at revision {schema.check(connection)}; this version works with it.")
    return DONE


def _settings(options: argparse.Namespace) -> Settings | None:
    """Return the settings, where there are any yet that can be read: an upgrade goes without."""
    from ses_bounces.base.exceptions import SettingsError
    from ses_bounces.base.settings import parse

    if options.url:
        return None
    try:
        text = variable()
        return parse(text) if text else None
    except SettingsError:
        # Whoever needs them says what is wrong with them.
        return None


def _people_problem(settings: Settings | None, connection: Connection) -> str | None:
    """Return why the people table of the settings can't be worked with."""
    from ses_bounces.base.exceptions import SettingsError
    from ses_bounces.people.table import People

    if settings is None or settings.people_table is None:
        return None
    try:
        People(connection, settings)
    except SettingsError as error:
        return str(error)
    return None
