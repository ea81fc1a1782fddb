"""What a change of the settings would do, in sentences with numbers; and the changes that were made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.actions.action import Action, keep
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.settings import Settings
from ses_bounces.ledger.lists.engine.paging import Count
from ses_bounces.ledger.lists.engine.query import reading
from ses_bounces.people.preview import people_preview
from ses_bounces.people.table import People

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

KIND = "save_settings"
CHANGES_SHOWN = 10
# What says where people are: it is tried before it is saved.
PLACE_OF_PEOPLE = (
    "postgres_conn_id", "people_table", "people_id_column", "people_email_column", "people_flag_column",
)  # fmt: skip
# What decides which rows of the people table are read and written.
_OF_PEOPLE = (*PLACE_OF_PEOPLE, "enforce")


@dataclass(frozen=True)
class SettingChange:
    """A change that was made on the page; the time is aware."""

    changed_at: datetime
    actor: str
    reason: str
    keys: list[str]


def note_change(connection: Connection, action: Action, keys: Iterable[str]) -> None:
    """Keep who changed which settings, and why."""
    with quiet():
        keep(connection, action, KIND, dict.fromkeys(keys))


def last_changes(connection: Connection) -> list[SettingChange]:
    """Return the last changes, the newest first."""
    with reading(connection):
        rows = connection.execute(statement("actions/select_setting_changes"), {"kind": KIND, "limit": CHANGES_SHOWN})
        return [SettingChange(*row) for row in rows]


def effects(connection: Connection, before: Settings | None, after: Settings) -> list[str]:
    """Return what saving would do; ``before`` None: nothing valid is set yet.

    :raises DatabaseError: also when it takes over five seconds.
    """
    with reading(connection):
        return [
            *_grace(connection, before, after),
            *_protection(connection, before, after),
            *_brake(before, after),
            *_switches(before, after),
            *_days(before, after),
            *_outward(before, after),
            *_people(connection, before, after),
        ]


def people_problem(connection: Connection, settings: Settings) -> str | None:
    """Return why the people table can't be worked with; None: it can, or there is none."""
    if settings.people_table is None:
        return None
    try:
        with quiet():
            People(connection, settings)
    except SettingsError as error:
        return str(error)
    return None


def _people(connection: Connection, before: Settings | None, after: Settings) -> Iterator[str]:
    if after.people_table is None:
        return
    if before is None or any(getattr(before, key) != getattr(after, key) for key in _OF_PEOPLE):
        yield from people_preview(connection, after)
    elif problem := people_problem(connection, after):
        yield f"Nobody's Allow Group Email would be touched, and its task would fail: {problem}"


def _grace(connection: Connection, before: Settings | None, after: Settings) -> Iterator[str]:
    old, new = before.transient_grace_days if before else None, after.transient_grace_days
    if old is None or old == new:
        return
    row = connection.execute(statement("actions/count_due_under"), {"days": new}).fetchone()
    assert row is not None
    count = Count(row[0])
    yield (
        f"Transients from now on get {new} days (before: {old}). Those on the list keep their deadlines; if they had "
        f"been given {new} days, {count} of them would be due now."
    )


def _protection(connection: Connection, before: Settings | None, after: Settings) -> Iterator[str]:
    old, new = set(before.never_block if before else ()), set(after.never_block)
    if added := new - old:
        patterns = {
            "addresses": [pattern for pattern in added if not pattern.startswith("@")],
            "domains": [pattern[1:] for pattern in added if pattern.startswith("@")],
        }
        row = connection.execute(statement("actions/count_freed"), patterns).fetchone()
        assert row is not None
        freed, wishes = map(Count, row)
        yield (
            f"{len(added)} new entries of never_block: {freed} addresses that are blocked now are freed with the next "
            f"run. {wishes} stay blocked: a complaint, an unsubscription or a stop request."
        )
    if gone := old - new:
        yield f"{len(gone)} entries of never_block go: what was recorded about those addresses blocks them again."


def _brake(before: Settings | None, after: Settings) -> Iterator[str]:
    old, new = before.max_new_blocks_per_domain if before else None, after.max_new_blocks_per_domain
    if new is not None and old != new:
        yield (
            f"From the next run on, bounces of a domain that go beyond {new:,} new blocks a day are held until an "
            "administrator decides; what the Email Blocked List has of the day counts. What is held already stays held."
        )
    if old is not None and new is None:
        yield "The brake is off: nothing further is held. What is held already stays held."


def _switches(before: Settings | None, after: Settings) -> Iterator[str]:
    if (before is None or before.enabled) and not after.enabled:
        yield "Processing stops: every task is skipped. SQS keeps the messages for 14 days at most."
    if before is not None and not before.enabled and after.enabled:
        yield "Processing goes on with the next run: what waited in the queues counts from when it happened."
    if (before is None or before.enforce) and not after.enforce:
        yield "Observe mode begins: is_blocked() is false for everybody, and no flag is changed."
    if before is not None and not before.enforce and after.enforce:
        yield "Enforcing begins: whoever is on the Email Blocked List is blocked, and their flags are switched off."
    if before is not None and before.people_table is not None and after.people_table is None:
        yield "No flag is touched any more; those that we switched off stay off."
    if before is not None and set(before.queue_urls) - set(after.queue_urls):
        yield "A queue goes: what waits in it is no longer drained."


def _days(before: Settings | None, after: Settings) -> Iterator[str]:
    """What is kept for a shorter time is deleted."""
    if before is None:
        return
    if _shorter(before.raw_retention_days, after.raw_retention_days):
        yield (
            f"Received messages older than {_days_of(after.raw_retention_days)} are deleted with the next run. What "
            "they led to stays; they can't be read again."
        )
    if after.report_days_kept < before.report_days_kept:
        yield f"Reports older than {_days_of(after.report_days_kept)} are deleted from the database with the next run."
    if _shorter(before.report_retention_days, after.report_retention_days):
        yield (
            f"Report files older than {_days_of(after.report_retention_days)} are deleted under report_url with the "
            "next run."
        )


def _shorter(before: int, after: int) -> bool:
    # 0 days: kept for good.
    return after != 0 and (before == 0 or after < before)


def _days_of(number: int) -> str:
    return f"{number:,} {'day' if number == 1 else 'days'}"


def _outward(before: Settings | None, after: Settings) -> Iterator[str]:
    """What others are told or asked, and whose messages still count."""
    if after.push_to_ses and not (before and before.push_to_ses):
        yield "The next run of ses_suppression_sync begins to put whom we block for good on SES's suppression lists."
    if after.ask_ses_validation and not (before and before.ask_ses_validation):
        yield "Editors can ask SES about an address from now on: SES charges for each, and is told the address."
    if after.verify_signatures and not (before and before.verify_signatures):
        yield "From the next run on, messages that SNS has not signed are quarantined."
    if after.allowed_topic_arns and set(after.allowed_topic_arns) != set(before.allowed_topic_arns if before else ()):
        number = len(after.allowed_topic_arns)
        yield (
            f"From the next run on, only messages of {number} {'topic' if number == 1 else 'topics'} count; those of "
            "others are quarantined."
        )
    if before is not None and before.allowed_topic_arns and not after.allowed_topic_arns:
        yield "Messages of any topic count from the next run on."
    if after.report_send_addresses and not (before and before.report_send_addresses):
        yield "Addresses leave the database: the next report that is sent has them."
    if before is not None and set(after.report_email_to) - set(before.report_email_to):
        number = len(after.report_email_to)
        yield f"The next finished day's report goes by e-mail to {number} {'address' if number == 1 else 'addresses'}."
