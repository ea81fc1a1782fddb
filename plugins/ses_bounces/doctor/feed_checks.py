"""Up to when each queue is known to have been read: no deadline that is later is acted upon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_bounces.base.sites import HOURLY, dag_id
from ses_bounces.doctor.finding import Finding, Findings, read_findings
from ses_bounces.doctor.health import LATE_HOURS, LONG_HOURS, ago

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

_QUERY = """
SELECT r.queue_url, r.read_to, extract(epoch FROM clock_timestamp() - r.read_to) / 3600
FROM ses_bounces.queue_read r ORDER BY 1
"""


SENDING_STATUS = "sending status"


def told_by_events(connection: Connection) -> list[Finding]:
    """Return what SES itself said through EventBridge in the last 14 days; it is kept as soon as it is read.

    :param connection: autocommit.
    """
    return [finding for finding in read_findings(connection) if finding.check == SENDING_STATUS]


def check_read_queues(findings: Findings, connection: Connection) -> None:
    """Look how far back something may wait in a queue that was not read.

    :param connection: autocommit.
    """
    rows = connection.execute(_QUERY).fetchall()
    if not rows:
        findings.ok("deadlines", "", "They wait for no queue.")
    for url, read_to, hours in rows:
        name = url.rstrip("/").rpartition("/")[2]
        if hours <= LATE_HOURS:
            findings.ok("deadlines", name, f"All that was sent to it until {ago(float(hours))} was read.")
            continue
        findings.add(
            "deadlines", name, "critical" if hours > LONG_HOURS else "warning",
            f"It was last seen empty, or left with messages of, {read_to:%Y-%m-%d %H:%M} UTC.",
            "Transient problems whose deadline is later wait: a delivery in the queue may end them.",
            f"Look at the last runs of plan_drain and drain_queue of the DAG {dag_id(HOURLY)}: they say why it is not "
            "read to its end.",
        )  # fmt: skip
