"""A finding, and where findings are kept for the overview page."""

from __future__ import annotations

import contextlib
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import AwsError, AwsRefusedError

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# critical: reports are being lost, or soon will be. warning: worth a look. unknown: it could not be looked at.
Severity = Literal["critical", "warning", "unknown", "ok"]

SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "unknown", "ok")
AREAS = ("queues", "sending", "ledger", "dags")
OPEN: tuple[Severity, ...] = ("critical", "warning", "unknown")
_WIDTH = 120


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; no address is in it.

    ``check``: what was looked at. ``subject``: of which queue, region or domain; empty where there is only one.
    ``found``, ``meaning``, ``todo``: sentences; the last two are empty where ``severity`` is ``ok``. ``since``: when it
    was first found so gravely; None before it is stored.
    """

    check: str
    subject: str
    severity: Severity
    found: str
    meaning: str = ""
    todo: str = ""
    since: datetime | None = None
    checked_at: datetime | None = None

    def __str__(self) -> str:
        where = f" ({self.subject})" if self.subject else ""
        return " ".join(filter(None, (f"{self.check}{where}: {self.found}", self.meaning, self.todo)))


@dataclass
class Findings:
    """Collects what one area of the doctor finds; of one check and subject the gravest counts."""

    area: str
    _found: dict[tuple[str, str], Finding] = field(default_factory=dict)

    @property
    def all(self) -> list[Finding]:
        """What was found, in the order in which it was looked at."""
        return list(self._found.values())

    def add(self, check: str, subject: str, severity: Severity, found: str, meaning: str = "", todo: str = "") -> None:
        """Add a finding."""
        before = self._found.get((check, subject))
        if before is None or SEVERITIES.index(severity) < SEVERITIES.index(before.severity):
            finding = Finding(check, subject, severity, found, *(("", "") if severity == "ok" else (meaning, todo)))
            self._found[check, subject] = finding

    def ok(self, check: str, subject: str, found: str) -> None:
        """Add a finding that needs nobody."""
        self.add(check, subject, "ok", found)

    @contextlib.contextmanager
    def trying(self, check: str, subject: str, *, needed: bool) -> Iterator[None]:
        """Make a refusal of AWS a finding, so that the next check goes on.

        :param needed: without this right the job can't be done; else it is only something that can't be looked at.
        """
        try:
            yield
        except AwsRefusedError as error:
            if needed:
                todo = "Correct that; the policies are in docs/iam.md."
                self.add(check, subject, "critical", str(error), "Without it the job can't be done.", todo)
            else:
                todo = "Give the role the doctor's policy in docs/iam.md, if you want this looked at."
                self.add(check, subject, "unknown", str(error), "This could not be looked at.", todo)
        except AwsError as error:
            self.add(check, subject, "unknown", str(error), "This could not be looked at now.", "See the next run.")


def store_findings(connection: Connection, findings: Findings) -> None:
    """Keep what an area found, in place of what it found the last time.

    :param connection: autocommit.
    :raises DatabaseError: nothing is changed.
    """
    rows = findings.all
    with quiet():
        connection.execute(
            statement("doctor/replace_findings"),
            {
                "area": findings.area,
                "checks": [found.check for found in rows],
                "subjects": [found.subject for found in rows],
                "severities": [found.severity for found in rows],
                "founds": [found.found for found in rows],
                "meanings": [found.meaning for found in rows],
                "todos": [found.todo for found in rows],
            },
        )


def read_findings(connection: Connection, severities: Sequence[Severity] = SEVERITIES) -> list[Finding]:
    """Return what the doctor found the last time, the gravest first; within a severity the oldest first.

    :param severities: only these.
    :raises DatabaseError: Postgres refused or can't be reached.
    """
    with quiet():
        rows = connection.execute(statement("doctor/select_findings"), {"severities": list(severities)}).fetchall()
    return [Finding(*row) for row in rows]


def open_findings(connection: Connection) -> list[Finding]:
    """Return what the doctor found the last time and is not in order, the gravest first.

    :raises DatabaseError: Postgres refused or can't be reached.
    """
    return read_findings(connection, OPEN)


def table_of(findings: Sequence[Finding], width: int | None = None) -> list[str]:
    """Return findings as lines of a table: severity, check, subject, what was found; below it what to do.

    :param width: of a line; None: the terminal's, 120 where there is none.
    """
    if not findings:
        return ["Nothing was looked at."]
    width = width or shutil.get_terminal_size((_WIDTH, 24)).columns
    names = [f"{finding.check}{f' ({finding.subject})' if finding.subject else ''}" for finding in findings]
    first = min(max(map(len, names)), width // 3)
    indent = " " * (first + 12)
    lines = []
    for name, finding in zip(names, findings, strict=True):
        texts = [finding.found, finding.meaning, f"→ {finding.todo}" if finding.todo else ""]
        wrapped = [line for text in texts if text for line in textwrap.wrap(text, max(20, width - len(indent)))]
        if len(name) > first:
            lines.append(f"{finding.severity:8}  {name}")
        else:
            lines.append(f"{finding.severity:8}  {name:{first}}  {wrapped.pop(0)}")
        lines += [f"{indent}{line}" for line in wrapped]
    return lines
