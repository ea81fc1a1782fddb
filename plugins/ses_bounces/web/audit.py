"""Entries in Airflow's Audit Log: who did what to which rows. Ids only, no address and no free text."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from airflow.models.log import Log
from airflow.utils.session import create_session

from ses_bounces.actions.action import Result
from ses_bounces.base.sites import HOURLY, dag_id
from ses_bounces.web.access import Viewer

log = logging.getLogger(__name__)

# Ids listed per outcome; the counts are complete.
IDS_SHOWN = 500


def audit(viewer: Viewer, what: str, results: Iterable[Result] = (), **details: Any) -> None:
    """Write an entry about what a user did; it shows on the DAG's Audit Log as ``ses_bounces.<what>``.

    The ledger is the trail that counts: where Airflow's own database can't take the entry, the server's log says so.

    :param details: plain JSON without addresses.
    """
    ids: dict[str, list[int]] = defaultdict(list)
    count: dict[str, int] = defaultdict(int)
    for result in results:
        count[result.outcome] += 1
        if result.target_id is not None and len(ids[result.outcome]) < IDS_SHOWN:
            ids[result.outcome].append(result.target_id)
    extra = json.dumps({"counts": count, "ids": ids, **details} if count else details)
    try:
        with create_session() as session:
            entry = Log(
                event=f"ses_bounces.{what}",
                owner=viewer.name,
                owner_display_name=viewer.name,
                extra=extra,
                dag_id=dag_id(HOURLY),
            )
            session.add(entry)
    except Exception as error:
        log.error("No entry in the Audit Log for ses_bounces.%s by user %s: %s", what, viewer.id, type(error).__name__)
