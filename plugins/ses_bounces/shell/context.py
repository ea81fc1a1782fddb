"""Where the shell works: the settings, the database, and who sits before it."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ses_bounces.base.exceptions import ActionError, MissingConnectionError, SettingsError
from ses_bounces.base.settings import Settings, parse
from ses_bounces.base.sites import current
from ses_bounces.shell.airflow_database import asking_airflow

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def actor() -> str:
    """Return who acts: the user of the operating system, whatever the environment says."""
    try:
        import pwd

        return f"shell:{pwd.getpwuid(os.getuid()).pw_name}"
    except (ImportError, KeyError):
        return f"shell:{getpass.getuser()}"


def variable() -> str | None:
    """Return the text of Airflow Variable ``ses_bounces``; None: it is not there.

    :raises SettingsError: Airflow's database can't be asked.
    """
    from airflow.sdk import Variable
    from sqlalchemy.exc import SQLAlchemyError

    text: str | None = None
    with asking_airflow() as why:
        try:
            text = Variable.get(current().variable, default=None)
        except SQLAlchemyError as error:
            why.append(type(error).__name__)
    if text is None and why:
        raise SettingsError(
            f"Airflow Variable \"{current().variable}\" can't be read from Airflow's database ({why[0]}). Run this on "
            "a machine that Airflow runs on, as its user, or put the Variable into the environment, as "
            f"AIRFLOW_VAR_{current().variable.upper()}."
        )
    return text


def save_variable(text: str, before: str | None) -> None:
    """Write Airflow Variable ``ses_bounces`` into Airflow's database.

    :param before: what it was when ``text`` was made of it.
    :raises ActionError: it would have no effect, or another person has changed it since; nothing is changed.
    :raises SettingsError: Airflow's database can't be written to.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        _save_variable(text, before)
    except SQLAlchemyError as error:
        raise SettingsError(
            f'Airflow Variable "{current().variable}" can\'t be written ({type(error).__name__}): is this the machine '
            "and the user that Airflow runs as? Else run this without --write-settings, and add what it shows."
        ) from None


def _save_variable(text: str, before: str | None) -> None:
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session
    from sqlalchemy import select

    name = current().variable
    with create_session() as session:
        # Held until the commit: two who save at once go one after the other.
        here = session.scalar(select(Variable).where(Variable.key == name).with_for_update())
        if (None if here is None else here.get_val()) != before:
            raise ActionError(
                f'Airflow Variable "{name}" was changed meanwhile, or comes from a secrets backend or the environment. '
                "It is as it was: run this again without --write-settings, and change it where it comes from."
            )
        if here is None:
            made: Any = Variable(key=name, val=text, description="Email Bounce Settings, as JSON")  # type: ignore[no-untyped-call]
            session.add(made)
        else:
            here.set_val(text)


def settings() -> Settings:
    """Return the settings.

    :raises SettingsError: they are missing or not good.
    """
    text = variable()
    if text is None:
        raise SettingsError(f'Airflow Variable "{current().variable}" is missing. Add it under Admin > Variables.')
    return parse(text)


def settings_if_any(options: argparse.Namespace) -> Settings | None:
    """Return the settings; None where the database is given by its URL: Airflow may not be there at all."""
    return None if options.url else settings()


@contextlib.contextmanager
def database(options: argparse.Namespace, found: Settings | None = None, *, check: bool = True) -> Iterator[Connection]:
    """Open the database that the arguments name, else that of the settings.

    :param check: that this version works with its schema.
    :raises SchemaError: it does not.
    """
    from ses_bounces.base.database import schema
    from ses_bounces.base.database.connection import connect_url

    with contextlib.ExitStack() as stack:
        if options.url:
            opened = stack.enter_context(connect_url(options.url))
        else:
            opened = _by_connection(stack, options.conn_id or (found.postgres_conn_id if found else _conn_id(options)))
        if check:
            schema.check(opened)
        yield opened


def _by_connection(stack: contextlib.ExitStack, conn_id: str) -> Connection:
    """Open the database of an Airflow connection until the stack is closed."""
    from sqlalchemy.exc import SQLAlchemyError

    from ses_bounces.base.database.connection import connect

    with asking_airflow() as why:
        try:
            return stack.enter_context(connect(conn_id))
        except SQLAlchemyError as error:
            why.append(type(error).__name__)
        except MissingConnectionError:
            if not why:
                raise
    raise MissingConnectionError(
        f"Airflow connection \"{conn_id}\" can't be read from Airflow's database ({why[0]}). Run this on a machine "
        "that Airflow runs on, as its user, put the connection into the environment, as "
        f"AIRFLOW_CONN_{conn_id.upper()}, or name the database with --url."
    )


def _conn_id(options: argparse.Namespace) -> str:
    """Return the connection that the settings name, where there are settings yet."""
    default = current().postgres_conn_id
    if options.url:
        return default
    try:
        text = variable()
    except SettingsError:
        # No database of Airflow: then the connection too is in the environment.
        return default
    return parse(text).postgres_conn_id if text else default
