"""What the task of the DAG ``ses_lift_blocks`` does; see hourly.py."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ses_bounces.base import metrics
from ses_bounces.base.exceptions import AwsError, AwsRefusedError
from ses_bounces.base.pages import where
from ses_bounces.dags.tasks.run import Counts, recorded, settings_of
from ses_bounces.dags.tasks.run import check_run as check_run

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


def lift_blocks(context: Context) -> Counts:
    """Take the addresses of open unblock requests off SES's lists, then lift their blocks.

    :raises AwsRefusedError: SES refused for a reason that needs a person; it is in the requests as well.
    :raises AwsError: SES could not be asked; what is left is done by the next try.
    """
    from ses_bounces.base.aws.clients import places
    from ses_bounces.suppression.import_files import open_folder
    from ses_bounces.suppression.lifting import lift_open, open_lists

    settings = settings_of(context)
    with recorded(context, settings) as (connection, counts):
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM ses_bounces.unblock_request r WHERE r.finished_at IS NULL)"
        ).fetchone()
        if row is None or not row[0]:
            log.info("Nobody waits for a lift")
            return counts
        lists = open_lists(settings)
        place = places(settings)[0]
        folders = [open_folder(settings, place, listing.region) for listing in lists]
        done = lift_open(connection, lists, folders, settings.max_seconds)
        counts.update(
            lifted=done.lifted,
            refused=done.refused,
            in_jobs=done.in_jobs,
            left=done.left,
            unblocked=dict(done.changes.unblocked),
        )
    log.info(
        "Lifted %d; refused %d; left: %d, in import jobs: %d of them. See %s",
        done.lifted, done.refused, done.left, done.in_jobs, where("lifts", "Lifts"),
    )  # fmt: skip
    metrics.count("lifted", done.lifted)
    for reason, count in done.changes.unblocked.items():
        metrics.count("unblocked", count, {"reason": reason})
    if done.failed:
        kind = AwsRefusedError if any(isinstance(error, AwsRefusedError) for error in done.failed) else AwsError
        raise kind("\n".join(str(error) for error in done.failed))
    return counts
