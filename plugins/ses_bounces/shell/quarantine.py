"""``ses-bounces quarantine``: messages that were not understood, or are held; retried or dismissed."""

from __future__ import annotations

import argparse
import dataclasses
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from ses_bounces.base.counted import counted
from ses_bounces.base.exceptions import ActionError
from ses_bounces.shell.block import again_if_busy
from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import actor, database, settings_if_any
from ses_bounces.shell.output import answer
from ses_bounces.shell.results import Told, as_values, shown_lines, total

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.ledger.lists.quarantine import QuarantinedMessage

PAGE = 500
NOTHING = "No message is quarantined."
NOT_THERE = "It is not quarantined."
_WOULD = {"retry": "Would be retried: the next hourly run would classify it.", "dismiss": "Would be dismissed."}
Outcome = Literal["held", "quarantined"]


def run(options: argparse.Namespace) -> int:
    """Show them, or change them."""
    if options.action != "list":
        return _change(options)
    with database(options, settings_if_any(options)) as connection:
        return _messages(connection, options) if options.messages else _reasons(connection, options)


def _reasons(connection: Connection, options: argparse.Namespace) -> int:
    from ses_bounces.ledger.lists.quarantine import quarantine_reasons

    found = quarantine_reasons(connection)
    values = [
        {"outcome": one.outcome, "reason": one.reason, "messages": one.count.number, "is_more": one.count.is_more}
        for one in found
    ]
    lines = [
        f"{one.count.number:>9,}{'+' if one.count.is_more else ' '} {one.outcome}: {one.reason or 'no reason is kept'}"
        for one in found
    ]
    answer(options, values, *(lines or [NOTHING]))
    return LOOK if found else DONE


def _messages(connection: Connection, options: argparse.Namespace) -> int:
    found = list(_all(connection, None, options.only, options.limit))
    lines = [
        f"{one.message_id}: received {one.received_at:%Y-%m-%d %H:%M} UTC, {one.outcome}: "
        f"{one.reason or 'no reason is kept'}"
        for one in found
    ]
    answer(options, [dataclasses.asdict(one) for one in found], *(lines or [NOTHING]))
    return LOOK if found else DONE


def _change(options: argparse.Namespace) -> int:
    from ses_bounces.actions.action import Action
    from ses_bounces.actions.quarantine import MAX_MESSAGES, dismiss_messages, retry_messages

    if sum((bool(options.message_ids), options.all, options.only is not None)) != 1:
        raise ActionError("Say which: the ids of messages, --only REASON, or --all; one of the three.")
    action = Action(actor(), options.reason, str(uuid.uuid4()))
    with database(options, settings_if_any(options)) as connection:
        if options.message_ids:
            wanted = list(dict.fromkeys(options.message_ids))
        else:
            # What the brake holds is for `held` to decide, which tells how much it is.
            wanted = [one.message_id for one in _all(connection, "quarantined", options.only, MAX_MESSAGES)]
        if options.dry_run:
            told = list(_planned(connection, wanted, options.action))
        else:
            do = retry_messages if options.action == "retry" else dismiss_messages
            results = again_if_busy(lambda: do(connection, action, wanted)) if wanted else []
            told = [Told(result.target_id, result.outcome, result.message) for result in results]
    value = {"dry_run": options.dry_run, "results": as_values(options, told, "message_id")}
    more = len(wanted) == MAX_MESSAGES and not options.message_ids
    notes = (
        [f"These are {counted(MAX_MESSAGES, 'message')}, the most at once: repeat it for the others."] if more else []
    )
    answer(options, value, *(shown_lines(options, told) or [NOTHING]), total(options, told), *notes)
    return LOOK if more or any(one.outcome == "refused" for one in told) else DONE


def _planned(connection: Connection, wanted: list[int], what: str) -> Iterator[Told]:
    from ses_bounces.ledger.lists.quarantine import some_quarantined

    there = set[int]()
    for start in range(0, len(wanted), 200):
        there |= {one.message_id for one in some_quarantined(connection, wanted[start : start + 200])}
    for id_ in wanted:
        yield Told(id_, "done", _WOULD[what]) if id_ in there else Told(id_, "refused", NOT_THERE)


def _all(
    connection: Connection, outcome: Outcome | None, reason: str | None, most: int
) -> Iterator[QuarantinedMessage]:
    from ses_bounces.ledger.lists.quarantine import list_quarantine

    after, left = None, most
    while left > 0:
        page = list_quarantine(connection, outcome, reason, after, min(PAGE, left))
        yield from page.rows
        after, left = page.after, left - len(page.rows)
        if after is None:
            return
