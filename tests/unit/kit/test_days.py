"""Days of UTC for tests: midnight is waited for, and no module of tests keeps a day of its import."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.kit.days import seconds_to_wait

TESTS = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("clock", "seconds"),
    [("00:00:00", 0), ("12:00:00", 0), ("23:58:59", 0), ("23:59:00", 60), ("23:59:59", 1)],
)
def test_the_last_minute_of_a_day_is_waited_for(clock: str, seconds: float) -> None:
    assert seconds_to_wait(datetime.fromisoformat(f"2026-11-30T{clock}").replace(tzinfo=UTC)) == seconds


def constants_of_a_day(source: str) -> list[int]:
    """Find the lines of a module's constants that are made from the day of its import."""
    found = []
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            called = {
                node.func.attr
                for node in ast.walk(statement.value)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            }
            if "today" in called or {"now", "date"} <= called:
                found.append(statement.lineno)
    return found


def test_such_constants_are_found() -> None:
    source = "A = datetime.now(UTC)\nB = date.today()\nC: date = datetime.now(UTC).date()\n\ndef f():\n    d = date.today()\n"
    assert constants_of_a_day(source) == [2, 3]


def test_no_module_keeps_the_day_of_its_import() -> None:
    found = {
        f"{path.relative_to(TESTS)}:{line}"
        for path in TESTS.rglob("*.py")
        for line in constants_of_a_day(path.read_text(encoding="utf-8"))
    }
    assert not found, f"midnight may pass after the import: call tests.kit.days.today() in the test ({sorted(found)})"
