"""Command line of the local stack: `python -m dev run`, `clean`, `celery` or `emulators`."""

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from dev import results
from dev.console import Show
from dev.emulators import emulators
from dev.stack import CELERY, DEFAULT_DATA, Stack, clean

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED_STATUS = 130
WATCH_SECONDS = 1.0
# The folder of what they keep, below that of all data.
EMULATORS = "emulators"


def main() -> int:
    """Runs a command and returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="directory of all data (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    run_parser = commands.add_parser("run", help="start everything, run the DAG once, keep running until Ctrl-C")
    run_parser.add_argument("--once", action="store_true", help="end after the run; status 0 only if all is right")
    commands.add_parser("clean", help="forget all data")
    commands.add_parser("emulators", help="start PostgreSQL and AWS only, for an Airflow of your own, until Ctrl-C")
    celery = commands.add_parser("celery", help="drain over Celery workers, kill one of them halfway, and end")
    celery.add_argument("--messages", type=int, default=200_000, help="how many (default: %(default)s)")
    celery.add_argument("--workers", type=int, default=2, help="how many (default: %(default)s)")
    arguments = parser.parse_args()
    show = Show()
    _interrupt_on_signals()
    try:
        if arguments.command == "clean":
            clean(arguments.data)
            return 0
        if arguments.command == "emulators":
            return _emulators(arguments.data / EMULATORS, show)
        if arguments.command == "celery":
            return _celery(arguments.data / CELERY, arguments.messages, arguments.workers, show)
        return _run(arguments.data, show, arguments.once)
    except (RuntimeError, TimeoutError) as error:
        show.error(str(error))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED_STATUS


def _run(data: Path, show: Show, once: bool) -> int:
    with Stack(data, show.step) as stack:
        show.step("Run of the DAG")
        run_id, state = stack.run_once(show.tasks)
        seconds = show.seconds
        if state != "success":
            show.failure(stack.airflow, run_id)
        show.summary(results.summary(stack.database_url), run_id)
        expected = stack.expected()
        differences = results.differences(stack.database_url, expected)
        show.verdict(differences, results.by_hand(stack.database_url, expected).changes, stack.sample_sent_at)
        show.report(stack)
        show.step(f"First result after {seconds:.0f} s")
        if not once:
            show.whereabouts(stack)
            stack.go_on()
            _wait_for_end(stack, show)
            return 0
    return 0 if state == "success" and not differences else 1


def _emulators(data: Path, show: Show) -> int:
    with emulators(data) as connections:
        show.step("PostgreSQL and AWS are ready. Add these connections to your Airflow; Ctrl-C ends both.")
        for conn_id, connection in connections.items():
            print(f"airflow connections add {conn_id} --conn-json '{connection}'", flush=True)
        while True:
            time.sleep(WATCH_SECONDS)


def _celery(data: Path, messages: int, workers: int, show: Show) -> int:
    # Its libraries are not there after `make run` alone.
    from dev import celery_run

    clean(data)
    outcome = celery_run.run(data, messages, workers, say=show.step)
    show.step(f"Drained and classified in {outcome.seconds:.0f} s, in {len(outcome.runs)} runs")
    for name, number in outcome.figures.items():
        show.step(f"{name}: {number:,}")
    for problem in outcome.problems:
        show.error(problem)
    return int(bool(outcome.problems))


def _wait_for_end(stack: Stack, show: Show) -> None:
    show.step("Running; the DAG starts every hour. Ctrl-C ends everything; `make run` goes on with the data.")
    try:
        while True:
            stack.check_alive()
            time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        show.step("Stopping")


def _interrupt_on_signals() -> None:
    """Makes the signals that end us KeyboardInterrupt, once: the clean-up that follows is not interrupted."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    # Also where a shell started us in the background and so with SIGINT ignored.
    for number in STOP_SIGNALS:
        signal.signal(number, interrupt)


if __name__ == "__main__":
    sys.exit(main())
