"""The statements of include/sql, and what their headers say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ses_bounces.base.database.statements import folder

_PARAMETERS = "-- Parameters:"
# `--   ids, keys: bigint[]  what they are`; further lines of a meaning are indented by more.
_NAMED = re.compile(r"--   (\w+(?:, \w+)*): (\w+(?:\[\])?|\{\w+\})(?:  +\S.*)?")
_MORE = re.compile(r"--     +\S.*")


@dataclass(frozen=True)
class Statement:
    """One file: ``name`` as ``statement()`` takes it, ``header`` without what it says of parameters."""

    name: str
    header: list[str]
    parameters: dict[str, str]
    text: str

    @property
    def used(self) -> set[str]:
        """The parameters that are bound."""
        return set(re.findall(r"%\((\w+)\)s", self.text))


def statements() -> list[Statement]:
    """All of them, by name."""
    return [read(path) for path in sorted(folder().rglob("*.sql"))]


def read(path: Path) -> Statement:
    """Read one file.

    :raises AssertionError: the part about parameters can't be read, or is long.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    header = lines[:end]
    begin = header.index(_PARAMETERS) if _PARAMETERS in header else end
    parameters: dict[str, str] = {}
    for number, line in enumerate(header[begin + 1 :], begin + 2):
        if found := _NAMED.fullmatch(line):
            for parameter in found[1].split(", "):
                assert parameter not in parameters, f"{path}:{number}: {parameter} is there twice"
                parameters[parameter] = found[2]
        else:
            is_more = bool(parameters) and _MORE.fullmatch(line) is not None
            assert is_more, f"{path}:{number}: not `--   name: type  what it is`"
    name = path.relative_to(folder()).with_suffix("").as_posix()
    text = "\n".join(line for line in lines[end:] if not line.lstrip().startswith("--"))
    return Statement(name, header[:begin], parameters, text)
