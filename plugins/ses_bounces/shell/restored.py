"""``ses-bounces restored``."""

from __future__ import annotations

import argparse
import uuid
from typing import TYPE_CHECKING, Any

from ses_bounces.actions.action import when
from ses_bounces.base.counted import counted
from ses_bounces.base.exceptions import AwsError, AwsRefusedError, DatabaseError, SesBouncesError
from ses_bounces.base.sites import SUPPRESSION_SYNC, dag_id
from ses_bounces.shell.command import LOOK
from ses_bounces.shell.context import actor, database, settings_if_any
from ses_bounces.shell.output import answer

if TYPE_CHECKING:
    from ses_bounces.actions.restore import Restored
    from ses_bounces.base.aws.clients import Place
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings
    from ses_bounces.suppression.reading import Bounds

# No record is left of these: the answer says so, whatever was found.
UNKNOWN = (
    "Nobody can know from here, and each of these is yours to look after:",
    "- Deliveries, and transient problems, of the lost messages. Extend or delete transient records that you doubt.",
    "- Complaints and unsubscriptions that are not on SES's list. Take them from where you keep them, if you do.",
    "- What people did on the pages or in the shell: lifts, stop requests, deletions, settings. Repeat it.",
    "- Erasures: whoever was erased since is on record again. Repeat `ses-bounces erase` for them.",
    "- Reports that were sent, and files under report_url, may say more than the new ones do.",
)


def run(options: argparse.Namespace) -> int:
    """Mark what a restore lost, read SES's lists for that time, and say what can't be known."""
    from ses_bounces.actions.action import Action
    from ses_bounces.actions.restore import mark_restored

    action = Action(actor(), options.reason, str(uuid.uuid4()))
    found = settings_if_any(options)
    queues = [queue.url for queue in found.queue_urls] if found else []
    with database(options, found) as connection:
        restored = mark_restored(connection, action, options.restored_to, queues, dry_run=options.dry_run)
        lists = [] if options.no_ses or options.dry_run else _read_ses(connection, found, restored)
    value: dict[str, Any] = {
        "dry_run": options.dry_run,
        "gaps": [
            {"queue": gap.queue, "first": gap.first.isoformat(), "last": gap.last.isoformat()} for gap in restored.gaps
        ],
        "reports": restored.reports,
        "transients": restored.transients,
        "ses": lists,
    }
    answer(options, value, *_lines(restored, options.dry_run), *(line["text"] for line in lists), *UNKNOWN)
    return LOOK


def _lines(restored: Restored, is_dry: bool) -> list[str]:
    lines = [
        f"{gap.queue}: what was sent between {when(gap.first)} and {when(gap.last)} may be lost."
        for gap in restored.gaps
    ] or ["No queue is on record and none is in the settings: nothing was lost by the feed."]
    reports = counted(restored.reports, "daily report")
    lines.append(f"{reports} {'would be' if is_dry else 'will be'} made again by the next hourly run.")
    lines.append(
        f"{counted(restored.transients, 'transient problem')} may have been answered by a delivery that is lost."
    )
    return lines


def _read_ses(connection: Connection, found: Settings | None, restored: Restored) -> list[dict[str, Any]]:
    """Read each of SES's lists for the lost time; what can't be read now, the DAG can read later."""
    if not restored.gaps:
        return []
    first, last = min(gap.first for gap in restored.gaps), max(gap.last for gap in restored.gaps)
    later = f"Trigger {dag_id(SUPPRESSION_SYNC)} with First day {first:%Y-%m-%d} and Last day {last:%Y-%m-%d}."
    if found is None:
        return [{"region": None, "text": f"SES's lists were not read: --url gives no settings. {later}"}]
    from ses_bounces.base.aws.clients import places
    from ses_bounces.suppression.reading import Bounds

    try:
        return [_read_one(connection, found, place, Bounds(first, last), later) for place in places(found)]
    except DatabaseError:
        raise
    except SesBouncesError as error:
        # What was marked stays marked: without AWS the DAG reads the lists later.
        return [{"region": None, "text": f"SES's lists were not read: {error} {later}"}]


def _read_one(connection: Connection, found: Settings, place: Place, bounds: Bounds, later: str) -> dict[str, Any]:
    from ses_bounces.suppression.reading import read_list
    from ses_bounces.suppression.ses_list import open_list

    try:
        listing = open_list(found, place)
        reading = read_list(connection, listing, bounds, found.max_seconds, found.max_new_blocks_per_domain)
    except (AwsError, AwsRefusedError) as error:
        return {"region": place.region, "text": f"SES's list was not read: {error} {later}"}
    text = (
        f"SES's list of {listing.region}: {counted(reading.listed, 'entry', 'entries')} of that time, "
        f"{reading.recorded:,} new here"
    )
    return {
        "region": listing.region,
        "listed": reading.listed,
        "recorded": reading.recorded,
        "finished": reading.finished,
        "text": f"{text}." if reading.finished else f"{text}; the time was up before its end. {later}",
    }
