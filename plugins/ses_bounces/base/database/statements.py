"""The set-based statements of include/sql, by name.

Placeholders are psycopg's ``%(name)s``. In a wheel the folder is ``ses_bounces/sql``, in a checkout ``include/sql``.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import LiteralString

SCHEMA = "ses_bounces"

_PACKAGE = Path(__file__).resolve().parents[2]

# Functions and views, in the order of their dependencies; every upgrade makes them again.
ROUTINES = (
    "functions/address_key",
    "functions/erased_key",
    "functions/address_grams",
    "functions/address_state",
    "functions/blocked_lists",
    "functions/queue_read",
    "functions/day_start",
    "functions/figure_name",
    "functions/figure_identity",
    "functions/figure_report",
    "functions/figure_entry",
)


def folder() -> Path:
    """Return the folder that holds the statements."""
    packaged = _PACKAGE / "sql"
    return packaged if packaged.is_dir() else _PACKAGE.parents[1] / "include" / "sql"


@functools.cache
def statement(name: str) -> LiteralString:
    """Return the text of ``name.sql`` without its comments; a literal to type checkers: it is no input."""
    lines = (folder() / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))
