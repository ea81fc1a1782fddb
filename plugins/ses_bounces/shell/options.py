"""Arguments that several commands of the shell have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from ses_bounces.shell.examples import examples_of

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

# What docs/shell.md says of them.
EXIT_STATUS = """exit status:
  0    done; nobody asked about is blocked, the doctor found nothing critical
  1    not done: a sentence on stderr says why and what to do
  2    wrong usage
  3    done, and a person should look: an address is blocked, something was refused, is in the way or critical
  130  interrupted; what was done before stays done, and may be repeated"""
REASON = "why, for the record; needed for every change"


def add(commands: Commands, name: str, module: str, text: str) -> argparse.ArgumentParser:
    """Add a command; ``run``, the module of ``ses_bounces.shell`` that does it, is set."""
    made = part(commands, name, text)
    made.set_defaults(run=module)
    return made


def part(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    """Add a command, or a part of one, with its examples."""
    made = commands.add_parser(name, help=text, description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    examples = examples_of(made.prog.removeprefix("ses-bounces "))
    made.epilog = f"{examples}\n\n{EXIT_STATUS}" if examples else EXIT_STATUS
    return made


def where(to: argparse.ArgumentParser) -> None:
    """Add the options that say whose database it is."""
    to.add_argument(
        "--site", metavar="NAME",
        help="where one installation serves several sites: the one to work on, with its settings, database and queue",
    )  # fmt: skip
    where = to.add_argument_group("database").add_mutually_exclusive_group()
    where.add_argument(
        "--conn-id", metavar="ID", help="Airflow connection of the database (the settings', or ses_bounces_postgres)"
    )
    where.add_argument("--url", help="libpq URL of the database, instead of an Airflow connection")


def addresses(to: argparse.ArgumentParser) -> None:
    """Add the addresses that a command is about."""
    to.add_argument(
        "addresses", nargs="+", metavar="ADDRESS", help="in any spelling, one or several each; - reads them from stdin"
    )


def as_json(to: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    to.add_argument("--json", action="store_true", help="answer in JSON")


def dry_run(to: argparse.ArgumentParser, text: str) -> None:
    """Add ``--dry-run``."""
    to.add_argument("--dry-run", action="store_true", help=text)


def change(
    to: argparse.ArgumentParser, reason: str = REASON, try_it: str = "tell what would be done, and do nothing"
) -> None:
    """Add what every change takes: ``--reason``, ``--dry-run``, the database, ``--json``."""
    to.add_argument("--reason", required=True, help=reason)
    dry_run(to, try_it)
    where(to)
    as_json(to)


def moment(text: str) -> datetime:
    """Return a time of the command line; without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number of the command line, from ``least`` to ``most``."""

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return read
