"""A gate to a server that fell silent: who asks whether it is back, and what the others are told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from ses_bounces.base.database import gate
from ses_bounces.base.database.gate import Gate
from ses_bounces.base.exceptions import DatabaseError

WAITS_FOR_GOOD = 60


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate[str]]:
    """A gate whose server did not answer the last request, and that may be asked again."""
    monkeypatch.setattr(gate, "SLOW_SECONDS", 0.5)
    monkeypatch.setattr(gate, "REMEMBERED_SECONDS", 0.1)
    made: Gate[str] = Gate("the server", lambda _opened: None)

    def silence() -> str:
        time.sleep(0.7)
        raise DatabaseError("It was silent.")

    with pytest.raises(DatabaseError, match=r"^It was silent\.$"):
        made.opened_here(silence)
    time.sleep(0.2)
    yield made
    made._pool.shutdown()


async def said(asked: Gate[str], work: object) -> str:
    try:
        return await asked.opened(work)  # type: ignore[arg-type]
    except DatabaseError as error:
        return str(error)


def test_one_request_asks_whether_it_is_back_and_the_others_do_not_wait(silent: Gate[str]) -> None:
    asked: list[threading.Thread] = []
    go = threading.Event()

    def back() -> str:
        asked.append(threading.current_thread())
        assert go.wait(WAITS_FOR_GOOD)
        return "It is back."

    async def ask() -> list[str]:
        requests = [asyncio.create_task(said(silent, back)) for _ in range(10)]
        done, _ = await asyncio.wait(requests, timeout=1)
        assert {one.result() for one in done} == {"It was silent."}
        go.set()
        answers = await asyncio.gather(*requests)
        return [*answers, await said(silent, back)]

    answers = asyncio.run(ask())
    assert answers.count("It is back.") == 2
    assert answers.count("It was silent.") == 9
    assert len(asked) == 2


def test_a_refusal_that_comes_at_once_ends_the_silence(silent: Gate[str]) -> None:
    def refuse() -> str:
        raise DatabaseError("Too many connections.")

    begun, go = threading.Event(), threading.Event()

    def back() -> str:
        begun.set()
        assert go.wait(WAITS_FOR_GOOD)
        return "It is back."

    async def ask() -> tuple[str, str, str]:
        first = await said(silent, refuse)
        opening = asyncio.create_task(said(silent, back))
        assert await asyncio.to_thread(begun.wait, WAITS_FOR_GOOD)
        beside = await said(silent, refuse)
        go.set()
        return first, beside, await opening

    assert asyncio.run(ask()) == ("Too many connections.", "Too many connections.", "It is back.")
