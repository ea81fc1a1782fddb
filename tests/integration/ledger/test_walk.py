"""A seeded random walk: after every step, everything that anybody may ask is what docs/semantics.md says."""

from __future__ import annotations

import itertools
import secrets
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random

import psycopg
import pytest

from dev.postgres import EmbeddedPostgres
from ses_bounces.actions import states
from ses_bounces.base.database.connection import connect_url
from ses_bounces.ledger import pending, rebuild, replay, writing
from tests.kit.walk.shrink import shrink
from tests.kit.walk.steps import STEPS
from tests.kit.walk.world import Step, World

NUMBER_OF_STEPS = 500
SHRINK_SECONDS = 240
_numbers = itertools.count()
Planned = tuple[Step, int]


def plan(seed: int, count: int = NUMBER_OF_STEPS) -> list[Planned]:
    """The steps of a walk, each with a seed of its own, so that it does the same when others are left out."""
    r = Random(seed)
    return [(r.choices(list(STEPS), list(STEPS.values()))[0], r.getrandbits(32)) for _ in range(count)]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is something between two of them."""
    for module in (writing, rebuild, states):
        monkeypatch.setattr(module, "ADDRESSES_PER_CHUNK", 3)
    monkeypatch.setattr(pending, "MESSAGES_PER_CHUNK", 4)
    monkeypatch.setattr(replay, "MESSAGES_PER_CHUNK", 4)
    monkeypatch.setattr(replay, "CHANGES_PER_CHUNK", 2)


@contextmanager
def _world(postgres: EmbeddedPostgres, template: str) -> Iterator[World]:
    name = f"walk_{next(_numbers)}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            with connect_url(postgres.url(name)) as connection:
                yield World(connection, postgres.url(name))
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _walk(postgres: EmbeddedPostgres, template: str, steps: Sequence[Planned]) -> tuple[int, str, Counter[str]]:
    """Take the steps; how many were taken, what went wrong at the last one, and how often what was killed."""
    with _world(postgres, template) as world:
        for number, (step, seed) in enumerate(steps, 1):
            try:
                step(world, Random(seed))
                world.check()
            except Exception:
                return number, traceback.format_exc(limit=-4), world.kills
        return len(steps), "", world.kills


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("seed", [20260110, secrets.randbits(32)], ids=["fixed", "random"])
def test_after_every_step_all_is_as_the_model_says(postgres: EmbeddedPostgres, template: str, seed: int) -> None:
    steps = plan(seed)
    taken, wrong, kills = _walk(postgres, template, steps)
    if not wrong:
        assert {"classify", "replay"} <= set(kills)
        return

    def fails(some: Sequence[Planned]) -> bool:
        # Another failure would be another story.
        return _walk(postgres, template, some)[1].splitlines()[-1:] == wrong.splitlines()[-1:]

    shortest = shrink(steps[:taken], fails, SHRINK_SECONDS)
    told = "\n".join(f"    {step.__name__}, {step_seed}" for step, step_seed in shortest)
    wrong = _walk(postgres, template, shortest)[1] or f"It does not fail each time:\n{wrong}"
    pytest.fail(f"Seed {seed}, step {taken}; left out what is not needed for it:\n{told}\n{wrong}")
