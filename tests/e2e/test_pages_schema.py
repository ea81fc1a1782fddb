"""The JSON API is what its description says: whatever is sent, and whatever is answered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dev.pages_server import PagesServer

pytestmark = pytest.mark.e2e

# 400: what is well formed, and can't be done: a search that was forgotten, an action_id that was used for something else.
# 413 and 415: refused before it is looked at.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "403"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "413", "415", "422"]
"""
EXAMPLES = 5


@pytest.mark.parametrize(("user", "phases"), [("anna", "examples,coverage,fuzzing"), ("vera", "examples,fuzzing")])
def test_it_answers_as_described(server: PagesServer, tmp_path: Path, user: str, phases: str) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    with server.client(user) as client:
        (tmp_path / "openapi.json").write_text(client.get("api/openapi.json").text)
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run", "openapi.json",
        "--url", f"{server.root}api", "--header", f"Authorization: Bearer {server.token(user)}",
        "--phases", phases, "--max-examples", str(EXAMPLES), "--seed", "1",
        "--generation-database", "none", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=240)
    said = "\n".join(line[:300] for line in done.stdout.splitlines())
    assert done.returncode == 0, said[-8_000:] + done.stderr[-2_000:]
    assert "Tested: 10" in said
