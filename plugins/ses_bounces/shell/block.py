"""``ses-bounces block`` and ``ses-bounces unblock``: the actions of the pages. Answers go by line, not by address."""

from __future__ import annotations

import argparse
import dataclasses
import time
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ses_bounces.shell.check import given
from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import actor, database, settings_if_any
from ses_bounces.shell.output import answer
from ses_bounces.shell.results import as_values, by_line, shown_lines, total

if TYPE_CHECKING:
    from ses_bounces.actions.action import Action, Result
    from ses_bounces.actions.pasted import Line, Pasted
    from ses_bounces.actions.previews import BlocksPreview
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings

# Another session holds the lock for a second or so; a person would press the button again.
_TRIES, _PAUSE_SECONDS = 5, 1.0
# SES takes one request a second.
_LIFT_SECONDS = 20.0
BAD_LINE = "This is not an e-mail address."
WITHOUT_NAMING = ("permanent_bounce", "ses_suppression", "expired_transient")


def run(options: argparse.Namespace) -> int:
    """Do it, or tell what would be done."""
    from ses_bounces.actions.action import Action

    action = Action(actor(), options.reason, str(uuid.uuid4()))
    pasted = read(given(options.addresses))
    found = settings_if_any(options)
    do = _block if options.command == "block" else _unblock
    with database(options, found) as connection:
        results, notes = do(connection, options, action, pasted, found)
    results += [_refused(line.number, told_problem(line)) for line in pasted.problems]
    results.sort(key=lambda result: result.line or 0)
    told = by_line(results)
    value = {"dry_run": options.dry_run, "results": as_values(options, told, "line"), "notes": notes}
    answer(options, value, *shown_lines(options, told), total(options, told), *notes)
    return LOOK if any(one.outcome == "refused" for one in told) else DONE


def read(texts: Iterable[str]) -> Pasted:
    """Return what the arguments hold, each address once, with its place among them from 1."""
    from ses_bounces.actions.columns import NO_ADDRESS
    from ses_bounces.actions.pasted import Line, Pasted
    from ses_bounces.classify.mailboxes import mailboxes

    pasted = Pasted()
    for number, text in enumerate(texts, 1):
        if text.strip():
            pasted.add_all(number, mailboxes(text))
        else:
            pasted.problems.append(Line(number, NO_ADDRESS))
    return pasted


def _block(
    connection: Connection, options: argparse.Namespace, action: Action, pasted: Pasted, found: Settings | None
) -> tuple[list[Result], list[str]]:
    from ses_bounces.actions.action import Result
    from ses_bounces.actions.previews import preview_stops
    from ses_bounces.actions.stops import request_stops

    if options.dry_run:
        preview = preview_stops(connection, pasted)
        results = [Result(None, "done", "Would be blocked: stop request.", item.line) for item in preview.new]
        results += [Result(None, "already", "Blocked: stop request.", item.line) for item in preview.already]
        return results, []
    spelled = [pasted.spelled[key] for key in pasted.addresses]
    results = again_if_busy(lambda: request_stops(connection, action, spelled))
    places = list(pasted.addresses.values())
    results = [dataclasses.replace(result, line=places[(result.line or 1) - 1]) for result in results]
    return results, follow(connection, found, results)


def _unblock(
    connection: Connection, options: argparse.Namespace, action: Action, pasted: Pasted, found: Settings | None
) -> tuple[list[Result], list[str]]:
    from ses_bounces.actions.action import Result
    from ses_bounces.actions.lifts import lift_blocks
    from ses_bounces.actions.previews import preview_blocks

    preview = preview_blocks(connection, pasted)
    lines = {item.address_id: item.line for item in preview.blocked if item.address_id is not None}
    lifts, results = _lifts(preview, options.cause)
    results += [Result(item.address_id, "already", "It is not blocked.", item.line) for item in preview.free]
    if options.dry_run:
        results += [
            Result(id_, "done", f"Would be lifted: {_words(causes)}.", lines[id_]) for id_, causes in lifts.items()
        ]
        return results, []
    ses_first = found is None or found.lift_at_ses
    done = again_if_busy(lambda: lift_blocks(connection, action, lifts, ses_first=ses_first)) if lifts else []
    done = [dataclasses.replace(result, line=lines[result.target_id or 0]) for result in done]
    done, notes = _ask_ses(connection, found, done)
    return results + done, notes + follow(connection, found, done)


def _lifts(preview: BlocksPreview, wanted: list[str] | None) -> tuple[dict[int, list[str]], list[Result]]:
    """Return the causes to lift by address, and the answers for those that have none of them."""
    lifts, refused = {}, []
    for item in preview.blocked:
        assert item.address_id is not None
        causes = [cause.reason for cause in item.causes]
        named = [cause for cause in causes if cause in (wanted or WITHOUT_NAMING)]
        if named:
            lifts[item.address_id] = named
        elif wanted:
            refused.append(_refused(item.line, f"It is not blocked by {_words(wanted)}, but by {_words(causes)}."))
        else:
            options = " ".join(f"--cause {cause}" for cause in causes)
            refused.append(_refused(item.line, f"The person's own wish blocks it; to lift it, say {options}."))
    return lifts, refused


def _ask_ses(connection: Connection, found: Settings | None, results: list[Result]) -> tuple[list[Result], list[str]]:
    """Take a few addresses off SES's own list at once; more, or without settings, are left to the DAG."""
    from ses_bounces.ledger.lists.requests import open_requests
    from ses_bounces.suppression.at_once import AT_ONCE, try_at_once
    from ses_bounces.suppression.lifting import LIFTED, left_to_dag

    ids = [result.target_id for result in results if result.outcome != "refused" and result.target_id is not None]
    requests = open_requests(connection, ids) if ids else {}
    if not requests:
        return results, []
    if found is None or len(requests) > AT_ONCE:
        return results, [f"{len(requests)} of them: {left_to_dag()}"]
    told = try_at_once(connection, found, requests.values(), seconds=_LIFT_SECONDS)
    changed = []
    for result in results:
        message = told.get(requests.get(result.target_id or 0, 0))
        if message == LIFTED:
            result = dataclasses.replace(result, outcome="done", message="Lifted, and taken off SES's own list.")
        elif message is not None:
            result = dataclasses.replace(result, outcome="refused", message=f"Not lifted yet: {message}")
        changed.append(result)
    return changed, []


def follow(connection: Connection, found: Settings | None, results: list[Result]) -> list[str]:
    """Bring the flags of the people concerned up to date, where their table is known."""
    from ses_bounces.actions.people import follow_flags

    ids = [result.target_id for result in results if result.outcome == "done" and result.target_id is not None]
    if found is None or not ids:
        return []
    message = follow_flags(connection, found, ids).message
    return [message] if message else []


def again_if_busy(do: Callable[[], list[Result]]) -> list[Result]:
    """Repeat what met a lock; the answers that were given stay as they are."""
    for _ in range(_TRIES - 1):
        results = do()
        if not any(result.busy for result in results):
            return results
        time.sleep(_PAUSE_SECONDS)
    return do()


def told_problem(line: Line) -> str:
    """Return what is wrong with an argument, as a sentence."""
    from ses_bounces.actions.columns import NO_ADDRESS

    return BAD_LINE if line.problem == NO_ADDRESS else f"{line.problem[0].upper()}{line.problem[1:]}."


def _refused(line: int, message: str) -> Any:
    from ses_bounces.actions.action import Result

    return Result(None, "refused", message, line)


def _words(causes: Iterable[str]) -> str:
    return ", ".join(cause.replace("_", " ") for cause in causes)
