"""What needs a person, in words, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from ses_bounces.base.settings import Settings
from ses_bounces.base.sites import HOURLY, dag_id
from ses_bounces.doctor.finding import Finding
from ses_bounces.ledger.brake.held import HeldDomain
from ses_bounces.ledger.lists.engine.paging import Count
from ses_bounces.ledger.lists.overview import Overview

# A run an hour: three that did not come are no accident.
SILENT = timedelta(hours=3)
LATE = timedelta(hours=2)
# A day is alarming from this many times the usual number on; fewer addresses than the second are never alarming.
TIMES_THE_MEDIAN = 3
FEW = 20
DOMAINS_NAMED = 5


Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True)
class Alert:
    """A sentence, how bad it is, and the page that helps: its path below the root."""

    severity: Severity
    text: str
    path: str | None = None
    link: str | None = None


def notices(
    seen: Overview, settings: Settings, findings: Sequence[Finding], braked: Sequence[HeldDomain] = ()
) -> list[Alert]:
    """Return what an administrator should know first.

    :param findings: what the doctor found that is not in order.
    :param braked: domains of which anything waits for a decision.
    """
    found = [
        *_braked(braked),
        *_critical(seen, settings),
        *_warnings(seen),
        *_to_decide(seen, braked),
        *_doctor(findings),
    ]
    order = {"critical": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda notice: order[notice.severity])


def _braked(braked: Sequence[HeldDomain]) -> Iterator[Alert]:
    if braked:
        names = ", ".join(held.domain for held in braked[:DOMAINS_NAMED])
        more = f" and {len(braked) - DOMAINS_NAMED:,} more" if len(braked) > DOMAINS_NAMED else ""
        total = sum(held.bounces for held in braked)
        since = f"{min(held.braked_at for held in braked):%Y-%m-%d %H:%M} UTC"
        are = "bounce is" if total == 1 else "bounces are"
        yield Alert(
            "critical",
            f"The brake holds {names}{more}: {total:,} {are} beyond the limit of new blocks a day, since {since}. "
            "Confirm or dismiss; until then they block nobody.",
            "quarantine#held-title", "Decide",
        )  # fmt: skip


def _critical(seen: Overview, settings: Settings) -> Iterator[Alert]:
    if not settings.enabled:
        yield Alert("critical", "Processing is switched off (enabled is false): the queue fills, nobody is blocked.",
                     "settings", "Email Bounce Settings")  # fmt: skip
    if not seen.runs:
        yield Alert("critical", f"No run has drained a queue yet. Unpause the DAG {dag_id(HOURLY)}, or trigger it.")
    elif seen.now - seen.runs[0].started_at > SILENT:
        hours = (seen.now - seen.runs[0].started_at) // timedelta(hours=1)
        yield Alert("critical", f"The last run began {hours:,} hours ago. Is the DAG {dag_id(HOURLY)} paused?")
    elif late := [queue for queue in seen.queues if seen.now - queue.last_drained_at > SILENT]:
        names = ", ".join(sorted(queue.queue_url.rpartition("/")[2] for queue in late))
        yield Alert("critical", f"Runs come, but they did not drain for three hours: {names}. See the drain's log.")


def _warnings(seen: Overview) -> Iterator[Alert]:
    if not seen.enforce:
        yield Alert("warning", "Observe mode (enforce is false): nobody is blocked, no flag is changed.",
                     "preview", "What enforcing would do")  # fmt: skip
    if seen.lag_seconds > LATE.total_seconds():
        hours = int(seen.lag_seconds // 3600)
        yield Alert("warning", f"It is behind: the oldest message that waits was sent {hours:,} hours ago.")
    if seen.blocked_median is not None and seen.blocked_today.found > max(FEW, TIMES_THE_MEDIAN * seen.blocked_median):
        usual = f"{seen.blocked_median:,.0f}"
        text = f"{seen.blocked_today} addresses were blocked today; {usual} are usual. A bad list, or an outage at a"
        yield Alert("warning", f"{text} mailbox provider?", "blocked", "Email Blocked Report")
    if seen.lifts_failed.found:
        yield Alert("warning", f"{_how_many(seen.lifts_failed, 'lift was', 'lifts were')} refused by SES in the last "
                     "30 days: the address is still blocked.", "lifts", "Lifts")  # fmt: skip


def _to_decide(seen: Overview, braked: Sequence[HeldDomain]) -> Iterator[Alert]:
    if seen.quarantined.found:
        what = _how_many(seen.quarantined, "message was", "messages were")
        yield Alert("warning", f"{what} not understood.", "quarantine", "Quarantine")
    # What the brake holds is said above.
    if seen.held.found and not braked:
        yield Alert("warning", f"{_how_many(seen.held, 'message is', 'messages are')} held.", "quarantine",
                     "Quarantine")  # fmt: skip
    if seen.people_waiting.found:
        what = _how_many(seen.people_waiting, "person waits", "people wait")
        yield Alert("info", f"{what} for a decision: we switched Allow Group Email off, the block is gone, and "
                     "the row has changed since.", "people", "Decide")  # fmt: skip
    if seen.due_soon.found:
        what = _how_many(seen.due_soon, "transient becomes", "transients become")
        yield Alert("info", f"{what} permanent within 48 hours.",
                     "bounces?kind=transient&days_left_min=0&days_left_max=2&sort=deadline&direction=ascending",
                     "Look at them")  # fmt: skip


def _doctor(findings: Sequence[Finding]) -> Iterator[Alert]:
    for finding in findings:
        if finding.severity in ("critical", "warning"):
            severity: Severity = "critical" if finding.severity == "critical" else "warning"
            yield Alert(severity, str(finding), "#findings", "What the doctor found")


def _how_many(count: Count, one: str, many: str) -> str:
    return f"{count} {one if count.found == 1 else many}"
