"""Programs that begin alike, each in a process of its own: what they have in common is imported once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

# Reads the beginning and the programs; each is run in a fork, and leaves what it has to say in `result`.
_RUNNER = """
import json, os, sys, traceback
beginning, programs = json.load(sys.stdin)
exec(beginning)
found = {}
for name, (environment, program) in programs.items():
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.environ.update(environment)
        # The pipe is for the result alone.
        os.dup2(2, 1)
        try:
            exec(program)
            outcome = {"result": result}
        except BaseException:
            outcome = {"error": traceback.format_exc()}
        with os.fdopen(write, "w") as pipe:
            json.dump(outcome, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        found[name] = json.load(pipe)
    os.waitpid(child, 0)
print(json.dumps(found))
"""
# Name, then its own environment variables and its code.
Programs = Mapping[str, tuple[Mapping[str, str], str]]


def results(beginning: str, programs: Programs, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run programs, and return what each left in its variable ``result``.

    :param beginning: code that runs once, before the processes part.
    :raises AssertionError: one of them raised.
    """
    done = subprocess.run(
        [sys.executable, "-c", _RUNNER],
        input=json.dumps([beginning, programs]),
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    errors = {name: outcome["error"] for name, outcome in found.items() if "error" in outcome}
    assert not errors, errors
    return {name: outcome["result"] for name, outcome in found.items()}
