"""``ses-bounces preview``: what setting ``enforce`` to true would do."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ses_bounces.base.exceptions import SettingsError
from ses_bounces.shell.command import DONE
from ses_bounces.shell.context import database, settings
from ses_bounces.shell.output import answer

if TYPE_CHECKING:
    from ses_bounces.people.enforcing import Preview


def run(options: argparse.Namespace) -> int:
    """Tell it."""
    from ses_bounces.people.enforcing import preview

    if options.sample < 0:
        raise SettingsError(f"--sample is {options.sample}; it must be 0 or more.")
    found = settings()
    with database(options, found) as connection:
        seen = preview(connection, found, sample=options.sample)
    answer(options, seen, *_lines(seen))
    return DONE


def _lines(seen: Preview) -> Iterator[str]:
    if seen.enforced:
        yield "enforce is true: this is what is blocked now, and the people whose flag is still to follow."
    yield f"{seen.addresses:,} addresses would be blocked:"
    yield from (f"  {count:>9,}  {reason}" for reason, count in seen.by_reason.items())
    if seen.people is None:
        yield "people_table is not set: nobody's Allow Group Email would be switched off."
    else:
        yield f"Allow Group Email would be switched off for {seen.people:,} people."
    if seen.domains:
        yield f"The domains with most of the addresses, of {seen.domains_in_all:,}:"
        yield from (f"  {count:>9,}  {domain}" for domain, count in seen.domains.items())
    if seen.sample:
        yield f"{len(seen.sample)} of them by id (the pages show the history of each):"
        for one in seen.sample:
            people = "" if one.people is None else f", people: {one.people}"
            yield f"  {one.address_id}: {one.reason} since {one.since:%Y-%m-%d}, bounces: {one.bounces}{people}"
