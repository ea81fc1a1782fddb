"""Long lists are worked on one after the other, in steps, and not too many wait."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from ses_bounces.web import in_turn as module
from ses_bounces.web.in_turn import MOST_WAITING, Steps, in_turn

here = contextvars.ContextVar("here", default="nowhere")


def test_the_event_loop_goes_on_and_the_lists_come_one_after_the_other() -> None:
    at_once, most, ticks = 0, 0, 0

    def work(number: int, pause: Callable[[], None]) -> tuple[int, str, str]:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        time.sleep(0.05)
        pause()
        at_once -= 1
        return number, here.get(), threading.current_thread().name

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    async def all_of_them() -> list[tuple[int, str, str]]:
        here.set("this site")
        ticking = asyncio.create_task(tick())
        results = await asyncio.gather(*(in_turn(work, number) for number in range(4)))
        ticking.cancel()
        return results

    results = asyncio.run(all_of_them())
    assert [number for number, _, _ in results] == [0, 1, 2, 3]
    assert {where for _, where, _ in results} == {"this site"}
    assert {name for _, _, name in results} != {threading.current_thread().name}
    assert most == 1
    assert ticks > 4


def test_too_many_that_wait_are_told_to_come_again() -> None:
    go = threading.Event()

    def work(pause: Callable[[], None]) -> str:
        assert go.wait(30)
        return "done"

    async def too_many() -> tuple[HTTPException, list[str]]:
        waiting = [asyncio.ensure_future(in_turn(work)) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(HTTPException) as refused:
            await in_turn(work)
        # One that is given up before its turn makes room, as soon as it is noticed.
        waiting.pop().cancel()
        await asyncio.sleep(0)
        waiting.append(asyncio.ensure_future(in_turn(work)))
        await asyncio.sleep(0)
        go.set()
        return refused.value, list(await asyncio.gather(*waiting))

    refused, done = asyncio.run(too_many())
    assert (refused.status_code, refused.headers) == (503, {"Retry-After": "30"})
    assert "send yours again in half a minute" in refused.detail
    assert done == ["done"] * MOST_WAITING


def test_what_fails_makes_room_as_well() -> None:
    def work(pause: Callable[[], None]) -> None:
        raise ValueError

    async def fail() -> None:
        for _ in range(2 * MOST_WAITING):
            with pytest.raises(ValueError):  # noqa: PT011
                await in_turn(work)

    asyncio.run(fail())


def test_a_long_step_is_followed_by_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    now, rests = 0.0, []
    monkeypatch.setattr(module.time, "perf_counter", lambda: now)
    monkeypatch.setattr(module.time, "sleep", rests.append)
    pause: Any = Steps()
    for _ in range(10):
        now += module.STEP_SECONDS / 4
        pause()
    assert rests == [module.REST_SECONDS] * 2
