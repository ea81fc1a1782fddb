"""A seeded random walk: after every step, everything that anybody may ask is what docs/semantics.md says."""

from __future__ import annotations

import itertools
import secrets
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from dev.pooler import LocalPooler
from dev.postgres import EmbeddedPostgres
from ses_bounces.actions import states
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.sites import Site
from ses_bounces.feed import landing
from ses_bounces.ledger import pending, rebuild, replay, replay_preview, writing
from ses_bounces.ledger.figures import counting
from tests.kit.scratch import copy_database
from tests.kit.walk.events import RAISES
from tests.kit.walk.figures import check_figures
from tests.kit.walk.shrink import shrink
from tests.kit.walk.steps import STEPS
from tests.kit.walk.world import Step, World

FIXED_SEED = 20260110
# Two databases are walked through at once, each by the settings and names of a site of its own.
SITES = (Site(), Site("news"))
SHRINK_SECONDS = 240
_numbers = itertools.count()
Planned = tuple[Step, int]


def plan(seed: int, count: int) -> list[Planned]:
    """The steps of a walk, each with a seed of its own, so that it does the same when others are left out."""
    r = Random(seed)
    return [(r.choices(list(STEPS), list(STEPS.values()))[0], r.getrandbits(32)) for _ in range(count)]


def _raising(read: Callable[..., Any]) -> Callable[..., Any]:
    """A function that reads bodies, with a fault."""

    def reads(body: str, *arguments: Any) -> Any:
        if body == RAISES:
            raise AttributeError("a fault of ours")
        return read(body, *arguments)

    return reads


@pytest.fixture
def faulty_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """One body raises whenever it is read."""
    monkeypatch.setattr(landing, "unwrap", _raising(landing.unwrap))
    for module in (pending, replay, replay_preview):
        monkeypatch.setattr(module, "classify_body", _raising(module.classify_body))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is something between two of them."""
    for module in (writing, rebuild, states):
        monkeypatch.setattr(module, "ADDRESSES_PER_CHUNK", 3)
    monkeypatch.setattr(pending, "MESSAGES_PER_CHUNK", 4)
    monkeypatch.setattr(counting, "ENTRIES_PER_CHUNK", 7)
    monkeypatch.setattr(counting, "DAYS_PER_CHUNK", 2)
    monkeypatch.setattr(replay, "MESSAGES_PER_CHUNK", 4)
    monkeypatch.setattr(replay, "CHANGES_PER_CHUNK", 2)


@contextmanager
def _world(postgres: EmbeddedPostgres, template: str, pooler: LocalPooler | None) -> Iterator[World]:
    name = f"walk_{next(_numbers)}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        copy_database(admin, name, template)
        try:
            with connect_url((pooler or postgres).url(name)) as connection:
                yield World(connection, postgres.url(name))
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _walk(
    postgres: EmbeddedPostgres, template: str, steps: Sequence[Planned], pooler: LocalPooler | None
) -> tuple[int, str, Counter[str]]:
    """Take the steps; how many were taken, what went wrong at the last one, and how often what was killed."""
    with ExitStack() as stack:
        worlds = [(site, stack.enter_context(_world(postgres, template, pooler))) for site in SITES]
        kills: Counter[str] = Counter()
        for number, (step, seed) in enumerate(steps, 1):
            site, world = worlds[seed % len(SITES)]
            try:
                with site.current():
                    step(world, Random(seed))
                    world.check()
            except Exception:
                return number, traceback.format_exc(limit=-4), kills + world.kills
        for site, world in worlds:
            with site.current():
                world.check()
                check_figures(world)
            kills += world.kills
        return len(steps), "", kills


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A fixed seed and random ones; every second walk goes through a pooler."""
    if "seed" in metafunc.fixturenames:
        count = metafunc.config.getoption("walk_seeds")
        seeds = [FIXED_SEED, *(secrets.randbits(32) for _ in range(count - 1))]
        cases = [(seed, number % 2 == 1) for number, seed in enumerate(seeds)]
        ids = [f"{'pooled' if is_pooled else 'direct'}-{number}" for number, (_, is_pooled) in enumerate(cases)]
        metafunc.parametrize(("seed", "is_pooled"), cases, ids=ids)


@pytest.mark.usefixtures("small_chunks", "faulty_reading")
def test_after_every_step_all_is_as_the_model_says(
    request: pytest.FixtureRequest,
    postgres: EmbeddedPostgres,
    template: str,
    tmp_path: Path,
    seed: int,
    is_pooled: bool,
) -> None:
    steps = plan(seed, request.config.getoption("walk_steps"))
    with LocalPooler(tmp_path, postgres.url()) if is_pooled else nullcontext() as pooler:
        _take(postgres, template, seed, steps, pooler)


def _take(
    postgres: EmbeddedPostgres, template: str, seed: int, steps: Sequence[Planned], pooler: LocalPooler | None
) -> None:
    taken, wrong, kills = _walk(postgres, template, steps, pooler)
    if not wrong:
        assert {"classify", "replay"} <= set(kills)
        return

    def fails(some: Sequence[Planned]) -> bool:
        # Another failure would be another story.
        return _walk(postgres, template, some, pooler)[1].splitlines()[-1:] == wrong.splitlines()[-1:]

    shortest = shrink(steps[:taken], fails, SHRINK_SECONDS)
    told = "\n".join(f"    {step.__name__}, {step_seed}" for step, step_seed in shortest)
    wrong = _walk(postgres, template, shortest, pooler)[1] or f"It does not fail each time:\n{wrong}"
    pytest.fail(f"Seed {seed}, step {taken}; left out what is not needed for it:\n{told}\n{wrong}")
