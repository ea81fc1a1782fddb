"""What a backfill and the form of a run add to classification: messages read again, lists brought up to date."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ses_bounces.base.counted import counted
from ses_bounces.base.exceptions import SettingsError
from ses_bounces.dags.tasks.changes import report_changes
from ses_bounces.dags.tasks.run import Counts

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings
    from ses_bounces.classify.signature import Verify
    from ses_bounces.ledger.rebuild import Window

log = logging.getLogger(__name__)


def backfilled(context: Context) -> Window | None:
    """Return the hours that a backfill covers; None: the run is no backfill."""
    run = context["dag_run"]
    # By the type: a backfill of hours that ran before keeps their run ids.
    if run.run_type != "backfill" or run.data_interval_start is None or run.data_interval_end is None:
        return None
    return run.data_interval_start, run.data_interval_end


def reprocessed(context: Context) -> Window | None:
    """Return the send times of the messages to be read again; None: none are.

    :raises SettingsError: a run by hand that names no window, or half of one.
    """
    params = context["params"]
    if not params.get("reprocess"):
        return None
    if window := backfilled(context):
        return window
    ends = [params.get(name) for name in ("reprocess_from", "reprocess_to")]
    if not all(ends):
        raise SettingsError(
            "reprocess is set, and reprocess_from or reprocess_to is missing; a run by hand needs both. Change it in "
            "the run's Params."
        )
    first, last = (datetime.fromisoformat(str(end)) for end in ends)
    return first if first.tzinfo else first.replace(tzinfo=UTC), last if last.tzinfo else last.replace(tzinfo=UTC)


def replay_window(
    connection: Connection, settings: Settings, window: Window, verify: Verify | None, *, is_dry: bool
) -> Counts:
    """Read the messages of a window again, or only tell what that would change."""
    from ses_bounces.ledger.replay import replay, try_replay

    done = (try_replay if is_dry else replay)(connection, settings.rules, window, verify)
    verb = "would change" if is_dry else "changed"
    read = counted(done.messages, "message")
    log.info("Read again, %s to %s: %s. This %s:\n%s", *window, read, verb, "\n".join(done.lines()))
    if not is_dry:
        report_changes(done.changes)
    return {
        "replayed_messages": done.messages,
        "replay_tried": is_dry,
        "replay_changes": {name: count for name, (count, _) in done.found.items()},
        "superseded": done.superseded,
    }


def rebuild_window(connection: Connection, window: Window, seconds: float) -> Counts:
    """Bring the lists up to date for the addresses with entries in a window."""
    from ses_bounces.ledger.rebuild import rebuild

    compared = rebuild(connection, window=window, seconds=seconds)
    log.info(
        "%s of %s to %s compared with the ledger; %d differed in the blocked list and %d in the bounce list, "
        "and were repaired",
        counted(compared.addresses, "address", "addresses"), *window, compared.blocks, compared.bounces,
    )  # fmt: skip
    return {"addresses": compared.addresses, "blocks": compared.blocks, "bounces": compared.bounces}
