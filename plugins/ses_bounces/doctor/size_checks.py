"""How much room the ledger and its database take, how fast they grow, and for how many days there is room left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.base.counted import counted
from ses_bounces.base.database.statements import statement
from ses_bounces.base.settings import Settings
from ses_bounces.doctor.finding import Findings

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Growth is computed over at most 30 days, and over no less than about one.
_DAYS_COMPARED = 30
_LEAST_DAYS = 0.8
FEW_DAYS = 30
_MANY_DAYS = 3_650
_GIGABYTE = 1_000_000_000
_UNITS = (("GB", _GIGABYTE), ("MB", 1_000_000), ("kB", 1_000))


@dataclass(frozen=True)
class _Size:
    noted_at: datetime
    schema: int
    database: int


@dataclass(frozen=True)
class _Growth:
    """Bytes a day, of the schema and of its database, and over how many days that is."""

    schema: float
    database: float
    days: float


def check_size(findings: Findings, connection: Connection, settings: Settings) -> None:
    """Note today's size, and compare it with those noted before and with the room that the settings name.

    Postgres can't tell how large its disk is: without the setting the finding names no days.
    """
    connection.execute(statement("doctor/note_size"))
    rows = connection.execute(statement("doctor/select_sizes"), {"days": _DAYS_COMPARED}).fetchall()
    sizes = [_Size(*row) for row in rows]
    now, growth = sizes[-1], _growth(sizes)
    words = [f"Schema ses_bounces takes {_amount(now.schema)}, its database {_amount(now.database)}."]
    if growth is None:
        words.append("How fast they grow is known after a day.")
    else:
        grew = f"the schema {_changed(growth.schema)} a day, the database {_changed(growth.database)}"
        words.append(f"In the last {counted(round(growth.days), 'day')} {grew}.")
    if settings.database_max_gb is None:
        words.append("Set database_max_gb to be told for how many days there is room.")
        findings.ok("size", "", " ".join(words))
        return
    room = settings.database_max_gb * _GIGABYTE - now.database
    left = room / growth.database if growth and growth.database > 0 else None
    words.append(_said(settings.database_max_gb, room, left))
    if room <= 0 or (left is not None and left < FEW_DAYS):
        findings.add(
            "size", "", "warning", " ".join(words),
            "When the disk is full, Postgres takes nothing more: messages stay in the queue, and no list changes.",
            "Make room, or lower raw_retention_days; then set database_max_gb to the new size.",
        )  # fmt: skip
    else:
        findings.ok("size", "", " ".join(words))


def _growth(sizes: list[_Size]) -> _Growth | None:
    """Return how fast both grow; None: nothing was noted a day ago or earlier."""
    then, now = sizes[0], sizes[-1]
    days = (now.noted_at - then.noted_at).total_seconds() / 86_400
    if days < _LEAST_DAYS:
        return None
    return _Growth((now.schema - then.schema) / days, (now.database - then.database) / days, days)


def _said(most: int, room: int, left: float | None) -> str:
    if room <= 0:
        return f"That is {_amount(-room)} over database_max_gb ({most} GB)."
    said = f"{_amount(room)} of database_max_gb ({most} GB) are left"
    if left is None:
        return f"{said}."
    return f"{said}: enough for {f'{left:,.0f}' if left < _MANY_DAYS else f'more than {_MANY_DAYS:,}'} days like those."


def _changed(number: float) -> str:
    return f"{'shrank' if number < 0 else 'grew'} by {_amount(abs(number))}"


def _amount(number: float) -> str:
    """Return a number of bytes in words."""
    for unit, size in _UNITS:
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number:,.0f} bytes"
