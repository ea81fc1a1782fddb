"""Lifting while a person waits: a few requests, for a few seconds; the DAG does the rest.

A few threads answer all pages, and an SES that is silent holds each for seconds. So only a few people wait for it at
once, and an SES that did not answer is not asked again for a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ses_bounces.base.aws.clients import Place, places
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import AwsError, AwsRefusedError, MissingConnectionError, SesBouncesError
from ses_bounces.base.settings import Settings
from ses_bounces.suppression.lifting import HASTE_SECONDS, left_to_dag, lift_open, open_lists, refuse_lifts

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

AT_ONCE = 5
# How many people wait at once, in each process.
WAITING = 4
# An SES that failed after longer than SLOW_SECONDS is not asked again for SILENT_SECONDS.
SLOW_SECONDS = 1.0
SILENT_SECONDS = 5.0

_waiting = threading.BoundedSemaphore(WAITING)
# By where SES is asked: until when it is not.
_silent: dict[tuple[Place, ...], float] = {}


def try_at_once(
    connection: Connection, settings: Settings, request_ids: Iterable[int], seconds: float = 5
) -> dict[int, str]:
    """Try up to 5 requests while a person waits.

    None is tried while four other people wait, nor within seconds of an SES that did not answer.

    :param connection: autocommit.
    :param seconds: how long the person waits; what is not done by then is done by the DAG.
    :returns: by request id: ``lifted``, or why not (yet), in words.
    """
    ids = list(request_ids)[:AT_ONCE]
    asked = tuple(places(settings))
    with may_wait(asked) as is_free:
        if is_free:
            begun = time.monotonic()
            failed = _try(connection, settings, ids, seconds)
            is_slow = time.monotonic() - begun > SLOW_SECONDS
            if is_slow and any(isinstance(error, AwsError) for error in failed):
                _silent[asked] = time.monotonic() + SILENT_SECONDS
    with quiet():
        rows = connection.execute(statement("suppression/select_lift_results"), {"ids": ids}).fetchall()
    results: dict[int, str | None] = dict(rows)
    return {id_: results[id_] or left_to_dag() for id_ in ids if id_ in results}


@contextmanager
def may_wait(asked: tuple[Place, ...]) -> Iterator[bool]:
    """Give whether this one may wait for SES in the block."""
    if time.monotonic() < _silent.get(asked, float("-inf")) or not _waiting.acquire(blocking=False):
        yield False
        return
    try:
        yield True
    finally:
        _waiting.release()


def _try(connection: Connection, settings: Settings, ids: list[int], seconds: float) -> list[SesBouncesError]:
    """Try some requests; returns what went wrong, which is noted in them too."""
    begun = time.monotonic()
    try:
        lists = open_lists(settings, hasty=True)
        left = seconds - HASTE_SECONDS - (time.monotonic() - begun)
        return lift_open(connection, lists, seconds=left, request_ids=ids).failed
    except (AwsError, AwsRefusedError, MissingConnectionError) as error:
        with quiet():
            refuse_lifts(connection, ids, str(error), for_good=False)
        return [error]
