"""``ses-bounces doctor``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import database, settings
from ses_bounces.shell.output import answer, progress

if TYPE_CHECKING:
    from ses_bounces.doctor.finding import Findings


def run(options: argparse.Namespace) -> int:
    """Look at each area, keep what was found, and show it; the DAGs are looked at by the DAG only."""
    from ses_bounces.doctor.clients import Clients
    from ses_bounces.doctor.feed_checks import told_by_events
    from ses_bounces.doctor.finding import SEVERITIES, store_findings, table_of
    from ses_bounces.doctor.ledger_checks import check_ledger
    from ses_bounces.doctor.queue_checks import check_queues
    from ses_bounces.doctor.sending_checks import check_sending

    found = settings()
    with database(options, found) as connection:
        clients = Clients(found)
        areas: dict[str, Callable[[], Findings]] = {
            "queues": lambda: check_queues(clients),
            "sending": lambda: check_sending(connection, clients),
            "ledger": lambda: check_ledger(connection, found),
        }
        chosen = [name for name in areas if not options.area or name in options.area]
        findings = []
        with progress("Looking", len(chosen), unit="areas") as tell:
            for done, name in enumerate(chosen, 1):
                area = areas[name]()
                if not options.dry_run:
                    store_findings(connection, area)
                findings += area.all
                tell(done)
            if "sending" in chosen:
                findings += told_by_events(connection)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    if options.problems:
        findings = [finding for finding in findings if finding.severity != "ok"]
    answer(options, findings, *(table_of(findings) if findings else ["Nothing to report."]))
    return LOOK if any(finding.severity == "critical" for finding in findings) else DONE
