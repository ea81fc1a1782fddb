"""What the overview says needs a person: an alert for each problem, looked up now."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ses_bounces.base.settings import Settings, parse
from ses_bounces.base.sites import DOCTOR, HOURLY, LIFT_BLOCKS, SEND_REPORT, SUPPRESSION_SYNC
from ses_bounces.doctor.finding import Finding
from ses_bounces.ledger.brake.held import HeldDomain
from ses_bounces.ledger.figures.outages import Outage
from ses_bounces.ledger.lists.engine.paging import Count
from ses_bounces.ledger.lists.overview import Overview, QueueState, Run, TaskDone
from ses_bounces.web.attention import Alert, doctors_own, notices
from ses_bounces.web.our_dags import OurDags
from tests.kit.our_dags import airflow_run, our_dags

NOW = datetime(2026, 3, 1, 9, 12, tzinfo=UTC)
CHECKED = NOW - timedelta(hours=3)
SETTINGS = parse({"queue_urls": ["https://sqs.eu-west-1.amazonaws.com/123456789012/queue"]})
DRAIN = Run("r", NOW, [TaskDone("drain_queue", 0, 1, NOW - timedelta(minutes=12), NOW, {"landed": 3})])
NONE = Count(0)
ALL_WELL = Overview(
    now=NOW, enforce=True, runs=[DRAIN], queues=[QueueState("q", "q", NOW, NOW, None)], pending=NONE,
    waiting_since=None, held=NONE, quarantined=NONE, blocked_today=NONE, blocked_median=4, due_soon=NONE,
    people_waiting=NONE, lifts_open=NONE, lifts_failed=NONE, reports_stale=0, flags_due=NONE,
)  # fmt: skip
BRAKED = HeldDomain(1, "down.example", date(2026, 3, 1), 10, NOW, None, None, None, 9, 9, 0, None, None, [])


def finding(check: str, severity: Any = "warning", found: str = "It stands.") -> Finding:
    return Finding(check, "", severity, found, "That is bad.", "Mend it.", CHECKED, CHECKED)


def said(
    seen: Overview = ALL_WELL,
    ours: OurDags | None = None,
    findings: tuple[Finding, ...] = (),
    braked: tuple[HeldDomain, ...] = (),
    settings: Settings = SETTINGS,
) -> list[Alert]:
    ours = ours or our_dags()
    return notices(seen, settings, doctors_own(findings, seen, ours), braked, ours)


def test_nothing_is_said_where_all_is_well() -> None:
    assert said(findings=(finding("bounce rate", "ok"),)) == []


def test_what_the_doctor_found_of_what_is_looked_up_now_is_not_said_again() -> None:
    stale = tuple(map(finding, ("quarantine", "processing", "drain", "dag", "brake", "pending messages", "lifts")))
    assert said(findings=stale) == []
    seen = replace(ALL_WELL, quarantined=Count(2), held=Count(9))
    assert [alert.text for alert in said(seen, findings=stale, braked=(BRAKED,))] == [
        "The brake holds down.example: 9 bounces are beyond the limit of new blocks a day, since 2026-03-01 09:12 UTC. "
        "Confirm or dismiss; until then they block nobody.",
        "2 messages were not understood.",
    ]


def test_a_finding_of_the_doctor_says_when_it_was_looked_at() -> None:
    [alert] = said(findings=(finding("partitions", "critical"),))
    assert (alert.severity, alert.text, alert.path, alert.checked_at) == (
        "critical", "Partitions: It stands.", "#findings", CHECKED,
    )  # fmt: skip


@pytest.mark.parametrize("name", [HOURLY, DOCTOR, SUPPRESSION_SYNC])
def test_a_paused_dag_is_said_once_with_what_unpauses_it(name: str) -> None:
    [alert] = said(ours=our_dags(paused=[name]), findings=(finding("dag"), finding("processing")))
    assert alert.text.startswith(f"The DAG {name} is paused")
    assert alert.unpause is not None
    assert alert.unpause.dag_id == name
    [alert] = said(ours=our_dags(missing=[name]))
    assert alert.text.startswith(f"Airflow has no DAG {name}")
    assert alert.unpause is None


def test_the_dag_that_sends_reports_is_missed_by_those_who_want_them() -> None:
    ours = our_dags(paused=[SEND_REPORT])
    assert said(ours=ours) == []
    wanted = SETTINGS.model_copy(update={"report_email_to": ["a@example.com"]})
    assert [alert.unpause and alert.unpause.name for alert in said(ours=ours, settings=wanted)] == [SEND_REPORT]


def test_lifts_behind_a_paused_dag_are_said() -> None:
    seen = replace(ALL_WELL, lifts_open=Count(7))
    assert said(seen) == []
    [alert] = said(seen, our_dags(paused=[LIFT_BLOCKS]), findings=(finding("lifts"),))
    assert alert.text == f"7 lifts wait for the DAG {LIFT_BLOCKS}, which is paused: the addresses stay blocked."
    assert (alert.path, alert.unpause and alert.unpause.name) == ("lifts", LIFT_BLOCKS)
    # It runs, and they wait all the same: the doctor knows why.
    assert [alert.text for alert in said(seen, findings=(finding("lifts"),))] == ["Lifts: It stands."]


@pytest.mark.parametrize(
    ("seen", "settings", "begins"),
    [
        (replace(ALL_WELL, runs=[]), SETTINGS, "No run has drained a queue yet."),
        (replace(ALL_WELL, now=NOW + timedelta(hours=5)), SETTINGS, f"The last run of {HOURLY} began 5 hours ago"),
        (replace(ALL_WELL, queues=[QueueState("https://sqs/1/slow", "q", CHECKED - timedelta(1), NOW, None)]), SETTINGS,
         "Runs come, but they did not drain for three hours: slow."),
        (replace(ALL_WELL, runs=[]), SETTINGS.model_copy(update={"enabled": False}), "Processing is switched off"),
    ],
)  # fmt: skip
def test_what_keeps_the_feed_from_being_drained_is_one_thing(seen: Overview, settings: Settings, begins: str) -> None:
    [alert] = said(seen, settings=settings)
    assert (alert.severity, alert.text[: len(begins)]) == ("critical", begins)


def test_what_may_be_an_outage_leads_to_its_undoing() -> None:
    outage = Outage("northwind.example", NOW - timedelta(hours=2), NOW, "no such user", 38, outage_id=4)
    [alert] = notices(ALL_WELL, SETTINGS, [], [], our_dags(), [outage])
    assert alert.text.startswith(
        "38 addresses at northwind.example since 2026-03-01 07:12 UTC, refused in the same words."
    )
    assert (alert.severity, alert.path) == ("warning", "undo?outage=4")


def test_a_run_of_another_dag_drains_nothing() -> None:
    doctor = Run("d", NOW, [TaskDone("check_queues", -1, 1, NOW, NOW, {})])
    [alert] = said(replace(ALL_WELL, runs=[doctor]))
    assert alert.text.startswith("No run has drained a queue yet.")


def test_a_lag_behind_a_paused_dag_is_no_second_alert() -> None:
    seen = replace(ALL_WELL, waiting_since=NOW - timedelta(hours=4))
    assert [alert.text for alert in said(seen)] == [
        "The feed is behind: the oldest message that waits was sent 4 hours ago."
    ]
    assert len(said(seen, our_dags(paused=[HOURLY]))) == 1


def test_a_red_run_stands_first() -> None:
    early, late = NOW - timedelta(hours=1), NOW - timedelta(minutes=5)
    red = airflow_run(early, HOURLY, "failed", "drain_queue", run_id="red")
    alerts = said(ours=our_dags(red, paused=[DOCTOR]), braked=(BRAKED,))
    assert alerts[0].text == f"The last run of {HOURLY} failed at drain_queue, 2026-03-01 08:12 UTC."
    assert alerts[0].run == red
    assert len(alerts) == 3
    # One that runs has not come to anything yet; one that went well has.
    assert said(ours=our_dags(airflow_run(late, state="running"), red))[0].run == red
    assert said(ours=our_dags(airflow_run(late), red)) == []


def test_who_may_not_see_the_run_is_not_told_its_tasks() -> None:
    red = replace(airflow_run(NOW, HOURLY, "failed", "drain_queue"), may_open=False)
    assert [alert.text for alert in said(ours=our_dags(red))] == [
        f"The last run of {HOURLY} failed, 2026-03-01 09:12 UTC."
    ]


def test_a_run_that_failed_to_say_something_is_said_by_that() -> None:
    braking = airflow_run(NOW, HOURLY, "failed", "check_brake", "check_run")
    assert [alert.path for alert in said(ours=our_dags(braking), braked=(BRAKED,))] == ["quarantine#held-title"]
    assert [alert.run for alert in said(ours=our_dags(braking))] == [braking]
    warned = airflow_run(NOW, DOCTOR, "failed", "report_findings")
    assert [alert.run for alert in said(ours=our_dags(warned), findings=(finding("lists", "critical"),))] == [None]


@pytest.mark.parametrize(
    ("changes", "text", "path", "link"),
    [
        ({"lifts_failed": Count(1)}, "SES refused 1 lift in the last 30 days: the address is still blocked.",
         "lifts", "Lifts"),
        ({"lifts_failed": Count(3)}, "SES refused 3 lifts in the last 30 days: the addresses are still blocked.",
         "lifts", "Lifts"),
        ({"blocked_today": Count(21)}, "21 addresses were blocked today; 4 are usual. A bad list, or an outage at a "
         "mailbox provider?", "blocked", "Email Blocked List"),
    ],
)  # fmt: skip
def test_a_warning_leads_to_the_page_that_it_names(changes: dict[str, Count], text: str, path: str, link: str) -> None:
    [alert] = said(replace(ALL_WELL, **changes))
    assert (alert.severity, alert.text, alert.path, alert.link) == ("warning", text, path, link)


def test_a_few_more_than_usual_are_no_alarm() -> None:
    assert said(replace(ALL_WELL, blocked_today=Count(20))) == []
    assert said(replace(ALL_WELL, blocked_today=Count(60), blocked_median=20)) == []
