"""Asking Airflow for a Variable or a connection, where its database may not be there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class NoAirflowDatabaseError(Exception):
    """SQLite would make an empty database."""


@contextlib.contextmanager
def asking_airflow() -> Iterator[list[str]]:
    """Note why Airflow's database didn't answer: Airflow only logs it, and goes on as if nothing was defined.

    :returns: the reasons, empty where it answered, or where nobody had to ask it.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    why: list[str] = []

    def only_what_is_there(dialect: Any, _: Any, arguments: list[Any], __: Any) -> None:
        if dialect.name == "sqlite" and arguments and not _is_there(str(arguments[0])):
            why.append(f"there is no {arguments[0]}")
            raise NoAirflowDatabaseError

    def note(context: Any) -> None:
        why.append(type(context.original_exception).__name__)

    event.listen(Engine, "do_connect", only_what_is_there)
    event.listen(Engine, "handle_error", note)
    try:
        yield why
    except NoAirflowDatabaseError:
        # Where Airflow doesn't catch it, what was asked for is not known either.
        pass
    finally:
        event.remove(Engine, "do_connect", only_what_is_there)
        event.remove(Engine, "handle_error", note)


def _is_there(database: str) -> bool:
    return database in ("", ":memory:") or database.startswith("file:") or Path(database).exists()
