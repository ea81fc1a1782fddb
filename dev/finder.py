"""Finds a program that works, or sets one up in the user's cache, and knows it again the next time."""

import fcntl
import importlib.metadata
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Its change may mean that a program works that did not, and the other way round.
INSTALLED_PACKAGES = Path("/var/lib/dpkg/status")
ANSWER_SECONDS = 20


class ToolError(RuntimeError):
    """There is no such program, and none can be set up; the text is one sentence with the command that mends it."""


class UnavailableError(RuntimeError):
    """One way leads to no program; the text is part of a sentence."""


@dataclass(frozen=True)
class Tool:
    """A kind of program.

    :param name: what it is called, with its article.
    :param folder: where it is kept, in the cache.
    :param purpose: what is not possible without it; plural.
    :param installed: returns the programs that are there, the best first.
    :param looked_for: what `installed` looks for, in words.
    :param ways: how to set one up, the best first: a name, and a function that is given a folder of the cache and
        returns the program. It raises UnavailableError.
    :param problem: tells why a program is of no use; None if it works.
    :param remedy: returns the command that installs one.
    :param driver: the Python package that drives it.
    """

    name: str
    folder: str
    purpose: str
    installed: Callable[[], Sequence[Path]]
    looked_for: str
    ways: Sequence[tuple[str, Callable[[Path], Path]]]
    problem: Callable[[Path], str | None]
    remedy: Callable[[], str]
    driver: str | None = None


def cache() -> Path:
    """Return the folder of what was set up."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "airflow-ses-bounces"


def on_path(*names: str) -> list[Path]:
    """Return the programs of these names that the PATH leads to."""
    return [Path(found) for found in map(shutil.which, names) if found]


def version_problem(path: Path) -> str | None:
    """Tell why a program can't say its version; None if it can."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
    return said[-1].removeprefix(f"{path}: ")


def find(tool: Tool, say: Callable[[str], None] = print) -> Path:
    """Return a program that works, and set it up if there is none.

    :param say: is told what takes a while.
    :raises ToolError: none can be had.
    """
    folder = cache() / tool.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise ToolError(
            f"{tool.purpose} need {tool.name}, and what is found out about it can't be kept ({error}); "
            "set XDG_CACHE_HOME to a folder that you may write to"
        ) from None
    with lock:
        # Another process may be setting the same thing up.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _find(tool, folder, say)


def _find(tool: Tool, folder: Path, say: Callable[[str], None]) -> Path:
    verdicts, reasons = _Verdicts(tool, folder / "verdicts.json"), []
    for path in tool.installed():
        if (problem := verdicts.of(path)) is None:
            return path
        reasons.append(f"{path} does not work: {problem}")
    if made := verdicts.made():
        return made
    reasons = reasons or [f"there is no {tool.looked_for}"]
    for name, way in tool.ways:
        say(f"Setting up {tool.name} from {name} (once)")
        try:
            path = way(folder)
        except (UnavailableError, OSError) as error:
            reasons.append(f"{name}: {error}")
        else:
            if (problem := verdicts.of(path, made=True)) is None:
                return path
            reasons.append(f"{name}: {path} does not work: {problem}")
    raise ToolError(
        f"{tool.purpose} need {tool.name}, which can't be set up ({'; '.join(reasons)}); install it: {tool.remedy()}"
    )


class _Verdicts:
    """What is known of programs from earlier calls; one that may have changed is tried again."""

    def __init__(self, tool: Tool, file: Path) -> None:
        self._tool = tool
        self._file = file
        self._known: dict[str, dict[str, Any]] = {}
        with suppress(OSError, ValueError):
            self._known = json.loads(file.read_text(encoding="utf-8"))

    def of(self, path: Path, *, made: bool = False) -> str | None:
        """Return why a program is of no use; None if it works.

        :param made: it was set up just now.
        """
        known, now = self._known.get(str(path)), self._fingerprint(path)
        if made or known is None or known["fingerprint"] != now:
            is_ours = made or (known is not None and known["made"])
            known = {"fingerprint": now, "problem": self._tool.problem(path), "made": is_ours}
            self._known[str(path)] = known
            self._file.write_text(json.dumps(self._known, indent=1), encoding="utf-8")
        problem: str | None = known["problem"]
        return problem

    def made(self) -> Path | None:
        """Return a program that was set up earlier and works."""
        paths = [Path(name) for name, known in self._known.items() if known["made"]]
        return next((path for path in paths if path.exists() and self.of(path) is None), None)

    def _fingerprint(self, path: Path) -> list[Any]:
        found = path.stat()
        packages = INSTALLED_PACKAGES.stat().st_mtime_ns if INSTALLED_PACKAGES.exists() else None
        driver = self._tool.driver and importlib.metadata.version(self._tool.driver)
        return [found.st_mtime_ns, found.st_size, packages, driver]
