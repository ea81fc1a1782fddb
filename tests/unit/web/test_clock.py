"""No page asks this machine what time it is: "now" is the database's clock (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[3] / "plugins" / "ses_bounces" / "web"
HOST_CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}


def host_clocks(source: str) -> set[str]:
    """What a source calls that reads this machine's clock; one that only measures, like time.monotonic, is none."""
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)} & HOST_CLOCKS


@pytest.mark.parametrize("path", sorted(WEB.rglob("*.py")), ids=lambda path: path.relative_to(WEB).as_posix())
def test_a_page_takes_the_time_from_the_database(path: Path) -> None:
    assert host_clocks(path.read_text(encoding="utf-8")) == set()


def test_a_clock_of_the_host_is_seen() -> None:
    assert host_clocks("x = datetime.now(UTC)\ny = time.monotonic()") == {"datetime.now"}
