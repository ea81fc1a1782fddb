"""After Postgres was put back to an earlier time: which messages are lost, and what nobody can know any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.actions.action import Action, keep, when
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import ActionError
from ses_bounces.feed.gaps import Gap, note_restore_gaps, restore_gaps

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

KIND = "restored"


@dataclass(frozen=True)
class Restored:
    """What a restore left behind, by the database's own record.

    ``gaps``: the lost messages, by queue. ``reports``: daily reports that lack them, and that the next hourly run makes
    again. ``transients``: open transient problems whose deadline a lost delivery may have ended.
    """

    gaps: list[Gap]
    reports: int
    transients: int


def mark_restored(
    connection: Connection,
    action: Action,
    restored_to: datetime,
    queue_urls: Iterable[str] = (),
    *,
    dry_run: bool = False,
) -> Restored:
    """Mark what was lost between the time that Postgres was put back to and the first drain since.

    Messages that SQS handed over in that time were deleted once they were committed: the restore took them away. May
    be repeated: the same gap is noted once.

    :param connection: autocommit.
    :param restored_to: aware.
    :param queue_urls: of the settings; queues that are on record are looked at as well.
    :param dry_run: change nothing, and return what would be marked.
    :raises ActionError: the time has no time zone, or is not over.
    :raises DatabaseError: nothing is changed; repeat.
    """
    if restored_to.tzinfo is None:
        raise ActionError(f"The time of the restore is {restored_to}; it must have a time zone.")
    with quiet(), connection.transaction(force_rollback=dry_run):
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        if restored_to > row[0]:
            raise ActionError(f"Postgres was put back to {when(restored_to)}, which is not over by its own clock.")
        gaps = restore_gaps(connection, restored_to, queue_urls)
        reports = note_restore_gaps(connection, gaps)
        first = min((gap.first for gap in gaps), default=restored_to)
        found = connection.execute(statement("actions/count_unanswered_transients"), {"since": first}).fetchone()
        results = {gap.queue_url: [gap.first.isoformat(), gap.last.isoformat()] for gap in gaps}
        keep(connection, action, KIND, results)
    return Restored(gaps, reports, found[0] if found else 0)
