"""What the pages wait for holds none of Airflow's threads: routes, what they depend on, downloads."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from starlette.exceptions import HTTPException

from ses_bounces.base.sites import Site
from ses_bounces.web import own_threads
from ses_bounces.web.app import create_app
from ses_bounces.web.dependencies import database
from ses_bounces.web.own_threads import BUSY, THREADS, Places, each_in_own_thread, in_own_thread
from tests.kit.page_rights import single_routes


def everything(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for below in dependant.dependencies:
        yield from everything(below)


def test_no_route_and_nothing_that_has_a_connection_runs_in_a_thread_of_airflows() -> None:
    found = [one for _, one in single_routes(create_app(Site()).routes) if getattr(one, "dependant", None)]
    assert len(found) > 40
    for route in found:
        assert inspect.iscoroutinefunction(route.endpoint), route.path
        for one in everything(route.dependant):
            if one.call is not database and any(below.call is database for below in everything(one)):
                assert inspect.iscoroutinefunction(one.call), (route.path, one.call)
    assert inspect.isasyncgenfunction(database)


def test_a_connection_is_lent_when_all_else_was_asked() -> None:
    """What Airflow's database, SQS or a long list takes, no connection of ours waits for."""
    found = [one for _, one in single_routes(create_app(Site()).routes) if getattr(one, "dependant", None)]
    late = {}
    for route in found:
        order = [one.call for below in route.dependant.dependencies for one in reversed(list(everything(below)))]
        # What was asked before is not asked again.
        once = list(dict.fromkeys(order))
        if database in once and once[-1] is not database:
            late[route.path] = once[once.index(database) + 1 :]
    assert late == {}


def test_work_is_done_in_so_many_threads_and_the_others_wait_for_their_turn() -> None:
    go, at_once, most = threading.Event(), 0, 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        if most == THREADS:
            go.set()
        assert go.wait(30)
        with lock:
            at_once -= 1
        return number

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(in_own_thread(lambda n=n: work(n)) for n in range(3 * THREADS)))  # type: ignore[misc]

    assert asyncio.run(all_of_them()) == list(range(3 * THREADS))
    assert most == THREADS


def test_who_finds_no_place_in_time_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_threads, "WAIT_SECONDS", 0.05)
    places = Places(1, "test")

    async def second() -> HTTPException:
        async with places.one():
            with pytest.raises(HTTPException) as refused:
                async with places.one():
                    pass
        # It is free again.
        async with places.one():
            return refused.value

    refused = asyncio.run(second())
    assert (refused.status_code, refused.detail, refused.headers) == (503, BUSY, {"Retry-After": "30"})


def test_a_download_is_found_part_by_part_elsewhere() -> None:
    found: list[str] = []

    def parts() -> Iterator[str]:
        for part in ("a", "b", "c"):
            found.append(threading.current_thread().name)
            yield part

    async def read() -> list[str]:
        return [part async for part in each_in_own_thread(parts())]

    assert asyncio.run(read()) == ["a", "b", "c"]
    assert threading.current_thread().name not in found
