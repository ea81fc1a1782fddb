"""What the launcher shows."""

import shlex
import time
from datetime import datetime

from rich.columns import Columns
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table as RichTable

from dev.airflow import ADMIN, USERS, LocalAirflow
from dev.airflow_api import Json
from dev.results import Table
from dev.stack import DAG_ID, Stack

MARKS = {
    "success": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "up_for_retry": "[yellow]↻[/]",
    "upstream_failed": "[red]-[/]",
    "skipped": "[dim]-[/]",
}
LOG_LINES = 15
SHOWN_DIFFERENCES = 20


class Show:
    """The console, with the time since the start in front of each step."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self._started = time.monotonic()
        self._seen: set[tuple[str, int, str, int]] = set()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def step(self, text: str) -> None:
        """Says what begins now."""
        self.console.print(f"[dim]{self.seconds:5.1f} s[/]  {escape(text)}")

    def error(self, text: str) -> None:
        """Says what went wrong."""
        self.console.print(f"[bold red]{escape(text)}[/]")

    def tasks(self, instances: list[Json]) -> None:
        """Shows each task of a run when it has ended, or one of its tries has."""
        for instance in sorted(instances, key=lambda instance: instance["end_date"] or ""):
            task_id, map_index, state = instance["task_id"], instance["map_index"], instance["state"]
            key = (task_id, map_index, state, instance["try_number"])
            if state in MARKS and key not in self._seen:
                self._seen.add(key)
                name = task_id if map_index < 0 else f"{task_id}[{map_index}]"
                seconds = f"{instance['duration']:.1f} s" if instance["duration"] else ""
                self.console.print(f"[dim]{self.seconds:5.1f} s[/]    {MARKS[state]} {name:32} [dim]{seconds}[/]")

    def failure(self, airflow: LocalAirflow, run_id: str) -> None:
        """Shows which tasks of a run failed, and the end of the log of each."""
        for instance in airflow.api.task_instances(DAG_ID, run_id):
            if instance["state"] == "failed":
                task_id, map_index = instance["task_id"], instance["map_index"]
                log = airflow.api.task_log(DAG_ID, run_id, task_id, instance["try_number"], map_index)
                # Without the marks that fold it in the UI.
                lines = [line for line in log.splitlines() if "::group::" not in line and "::endgroup::" not in line]
                tail = "\n".join(lines[-LOG_LINES:])
                self.console.print(Panel(escape(tail), title=f"{task_id} failed; the end of its log", style="red"))

    def summary(self, tables: list[Table], run_id: str) -> None:
        """Shows the state of the lists."""
        self.console.print()
        self.console.print(f"[bold]The lists after run {escape(run_id)}[/]")
        self.console.print(Columns([_rich(table) for table in tables], padding=(1, 2)))

    def report(self, stack: Stack) -> None:
        """Shows where the newest report is, as a file that is still there when all has ended."""
        reports = sorted(stack.reports.glob("*/blocked_report.html"))
        self._places({"Report": str(reports[-1]) if reports else f"none yet; it will be in {stack.reports}"})

    def whereabouts(self, stack: Stack) -> None:
        """Shows where to look next, while all of it runs."""
        airflow = stack.airflow
        users = sorted(airflow.passwords.items(), key=lambda user: user[0] != ADMIN)
        environment = shlex.quote(str(stack.data / "environment.sh"))
        self._places(
            {
                "Airflow": f"{airflow.url}/dags/{DAG_ID}",
                "Pages": f"{airflow.url}/plugin/ses-bounces",
                "Log in as": ", ".join(f"{name} / {password} ({USERS[name]})" for name, password in users),
                "Postgres": stack.database_url,
                "Queue": stack.feed.queue_url,
                "Shell": f". {environment}   (for the commands airflow and ses-bounces)",
            }
        )

    def verdict(self, differences: list[str], changes_by_hand: int, sent_at: datetime) -> None:
        """Says whether the lists are as they must be, apart from what people have changed."""
        lists = f"the lists are what the sample of {sent_at:%Y-%m-%d %H:%M} UTC must lead to"
        changes = count(changes_by_hand, "change")
        if differences and changes_by_hand:
            self.console.print(f"{changes} made by hand since the sample was sent; besides:")
        elif changes_by_hand:
            self.console.print(f"[green]Besides {changes} made by hand, {lists}.[/]")
        elif not differences:
            self.console.print(f"[green]{lists[0].upper()}{lists[1:]}.[/]")
        for difference in differences[:SHOWN_DIFFERENCES]:
            self.error(difference)
        if len(differences) > SHOWN_DIFFERENCES:
            self.error(f"and {count(len(differences) - SHOWN_DIFFERENCES, 'more difference')}")

    def _places(self, rows: dict[str, str]) -> None:
        self.console.print()
        for label, value in rows.items():
            # Not wrapped: users copy these.
            self.console.print(f"[bold]{label:10}[/] {escape(value)}", soft_wrap=True)


def count(number: int, thing: str) -> str:
    """A number and what is counted, which is one or several."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _rich(table: Table) -> RichTable:
    shown = RichTable(title=table.title, title_justify="left", show_header=False)
    shown.add_column()
    shown.add_column(justify="right")
    for label, count in table.rows:
        shown.add_row(escape(label), f"{count:,}")
    return shown
