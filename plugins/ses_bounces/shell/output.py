"""What the shell says: an answer on stdout, in words or in JSON; progress on stderr, where a person watches."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TextIO

# What a command answers goes there; see answering().
_streams: list[TextIO] = []


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Keep stdout for the answer: what Airflow and its providers log there goes to stderr."""
    _streams.append(sys.stdout)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _streams.pop()


def stream() -> TextIO:
    """Return where the answer goes."""
    return _streams[-1] if _streams else sys.stdout


def say(*lines: str) -> None:
    """Write lines of the answer."""
    for line in lines:
        stream().write(f"{line}\n")
    stream().flush()


def say_json(value: Any) -> None:
    """Write a value to stdout as JSON."""
    say(json.dumps(value, indent=2, default=plain, ensure_ascii=False))


def answer(options: argparse.Namespace, value: Any, *lines: str) -> None:
    """Write the answer as the arguments want it.

    :param value: for programs.
    :param lines: for people.
    """
    if options.json:
        say_json(value)
    else:
        say(*lines)


def plain(value: Any) -> Any:
    """Return what JSON has no word for."""
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


@contextlib.contextmanager
def progress(what: str, total: float | None, *, unit: str = "") -> Iterator[Callable[[float], None]]:
    """Show a bar on stderr while something long is done, where stderr is a terminal.

    :param total: of what is told; None: not known.
    :returns: a function that is told how far the work has come.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    count = TextColumn("{task.completed:,.0f}" + (f" {unit}" if unit else ""))
    with Progress(*columns, count, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
