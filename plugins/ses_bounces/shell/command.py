"""From arguments to an exit status."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from ses_bounces.base.exceptions import SesBouncesError
from ses_bounces.base.sites import Site, find
from ses_bounces.shell.arguments import parser
from ses_bounces.shell.output import answering

DONE, NOT_DONE, USAGE, LOOK, INTERRUPTED = 0, 1, 2, 3, 130


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see :func:`ses_bounces.__main__.main`."""
    try:
        options = parser().parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    # As Airflow's own command does: connections and Variables of Airflow's database are ours to read.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    # Airflow's log, with its tracebacks, is for tasks; what a person is to know is in the answer.
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "CRITICAL")
    logging.disable(logging.WARNING)
    try:
        with answering(), _site(options).current():
            status: int = importlib.import_module(f"ses_bounces.shell.{options.run}").run(options)
    except SesBouncesError as error:
        sys.stderr.write(f"{error}\n")
        return NOT_DONE
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. What was done before stays done; it may be repeated.\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has closed it; nothing must be flushed into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    finally:
        logging.disable(logging.NOTSET)
    return status


def _site(options: argparse.Namespace) -> Site:
    """Return the site that is named, or the one without a name; with a database's URL nobody needs to declare that."""
    return Site() if options.url and not options.site else find(options.site)
