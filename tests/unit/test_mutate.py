"""Some thousand of the mutated messages of ``python -m dev.mutate``."""

from __future__ import annotations

import json

import pytest

from dev import mutate
from dev.mutate import _not_named, mutated, try_all
from ses_bounces.classify import classify_body
from tests.kit.builders import bounce


def test_mutated_messages_are_read_or_quarantined() -> None:
    tried = try_all(0, 3_000)
    # Only times far beyond the limit count: this machine may do something else as well.
    assert [problem for problem in tried.problems if "of CPU time" not in problem] == []
    assert tried.most_seconds < 20 * mutate.CPU_SECONDS
    assert set(tried.outcomes) == {"applied", "no_effect", "quarantined"}
    assert tried.entries > 1_000
    assert tried.most_bytes > 100_000


def test_a_body_is_the_same_whenever_it_is_made() -> None:
    assert mutated(7) == mutated(7) != mutated(7, seed=2)


def test_an_entry_about_another_address_is_found_out() -> None:
    entries = classify_body(json.dumps(bounce("anna@example.com"))).entries
    assert _not_named(json.dumps(bounce("anna@example.com")), entries) == []
    assert _not_named(json.dumps(bounce("bo@example.com", destination=["anna@example.com"])), entries) == entries


def test_what_raises_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(*_: object, **__: object) -> None:
        raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(mutate, "classify_body", raising)
    assert try_all(0, 2).problems == ["0: UnicodeEncodeError", "1: UnicodeEncodeError"]
