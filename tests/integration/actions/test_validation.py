"""SES is asked about an address over HTTP: the answer is kept with who asked, shown, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from dev.ses import FakeSes
from ses_bounces.actions.action import Action
from ses_bounces.actions.validation import MOST, ask_ses, opinions
from ses_bounces.base.exceptions import ActionError, AwsError, AwsRefusedError
from ses_bounces.base.settings import parse
from ses_bounces.suppression.ses_list import BadAddressError
from ses_bounces.suppression.validation import Insights, insights
from tests.kit.builders import bounce
from tests.kit.seeding import address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

OPERATION = "GetEmailAddressInsights"
SETTINGS = parse({"queue_urls": ["http://127.0.0.1/000000000000/queue"], "ses_regions": ["eu-west-1"],
                  "ask_ses_validation": True})  # fmt: skip


@pytest.fixture
def ses(server: FakeSes, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSes]:
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", server.connection_json(region=None))
    yield server
    server.region("eu-west-1").confidence.clear()
    server.refuse.clear()
    server.calls.clear()


@pytest.fixture
def ids(database: Connection) -> list[int]:
    """Two addresses that bounced."""
    names = ("anna@example.com", "bo@example.com")
    receive(database, *(dated(bounce(name), 1) for name in names))
    return [address_id(database, name) for name in names]


def action(actor: str = "anna") -> Action:
    return Action(actor, "before a lift", str(uuid4()))


def blocked(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT * FROM ses_bounces.blocked_list ORDER BY 1").fetchall()


def test_the_answer_is_kept_with_who_asked_and_decides_nothing(
    database: Connection, ses: FakeSes, ids: list[int]
) -> None:
    ses.region("eu-west-1").confidence["bo@example.com"] = "LOW"
    before = blocked(database)
    ask_ses(database, SETTINGS, action("anna"), ids)
    found = opinions(database, ids)
    assert [(found[id_].actor, found[id_].is_valid) for id_ in ids] == [("anna", "HIGH"), ("anna", "LOW")]
    assert found[ids[1]].evaluations == {
        "valid syntax": "HIGH", "its domain takes mail": "HIGH", "the mailbox exists": "LOW",
        "an address of a role": "LOW", "a disposable address": "LOW", "typed at random": "LOW",
    }  # fmt: skip
    assert blocked(database) == before
    # The newest answer is shown, of the addresses that are asked for.
    ses.region("eu-west-1").confidence["bo@example.com"] = "MEDIUM"
    ask_ses(database, SETTINGS, action("otto"), ids[1:])
    found = opinions(database, ids[1:])
    assert {id_: (one.actor, one.is_valid) for id_, one in found.items()} == {ids[1]: ("otto", "MEDIUM")}
    assert opinions(database, [ids[1] + 1000]) == {}


def test_a_form_that_is_sent_twice_asks_once(database: Connection, ses: FakeSes, ids: list[int]) -> None:
    once = action()
    for _ in range(2):
        ask_ses(database, SETTINGS, once, ids)
    assert ses.calls[OPERATION] == 2


def test_ses_is_not_asked_where_it_must_not_be(database: Connection, ses: FakeSes, ids: list[int]) -> None:
    off = SETTINGS.model_copy(update={"ask_ses_validation": False})
    for settings, asked, said in (
        (off, ids, "the setting ask_ses_validation is false"),
        (SETTINGS, range(1, MOST + 2), "it may be 5 at a time"),
        (SETTINGS, [ids[0], 10**6], "no address with the id 1000000"),
    ):
        with pytest.raises(ActionError, match=said):
            ask_ses(database, settings, action(), list(asked))
    # Nobody knows any more whom a pseudonym stands for.
    erased = "UPDATE ses_bounces.address SET address = repeat('0', 64) || '@erased.invalid' WHERE address_id = %s"
    database.execute(erased, [ids[0]])
    with pytest.raises(ActionError, match=f"no address with the id {ids[0]} any more"):
        ask_ses(database, SETTINGS, action(), ids)
    assert ses.calls[OPERATION] == 0


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        ("AccessDeniedException", AwsRefusedError, "docs/iam.md"),
        ("TooManyRequestsException", AwsError, "GetEmailAddressInsights"),
        ("BadRequestException", BadAddressError, "does not take this for an address"),
    ],
)
def test_a_refusal_is_said_and_keeps_the_answers_before_it(
    database: Connection, ses: FakeSes, ids: list[int], code: str, error: type[Exception], said: str
) -> None:
    ses.refuse[OPERATION] = (code, None)
    with pytest.raises(error, match=said) as caught:
        ask_ses(database, SETTINGS, action(), ids)
    assert "example.com" not in str(caught.value)
    assert ses.calls[OPERATION] == 1
    assert opinions(database, ids) == {}


def test_an_answer_may_lack_anything(ses: FakeSes, monkeypatch: pytest.MonkeyPatch) -> None:
    from dev.ses_protocol import json_answer

    for content, found in (
        ({}, Insights("")),
        ({"MailboxValidation": {}}, Insights("")),
        ({"MailboxValidation": {"IsValid": {}, "Evaluations": {"MailboxExists": {}}}}, Insights("")),
        (
            {"MailboxValidation": {"IsValid": {"ConfidenceVerdict": "LOW"}, "Evaluations": None}},
            Insights("LOW"),
        ),
    ):
        monkeypatch.setattr(FakeSes, f"_on_{OPERATION}", lambda *_, content=content: json_answer(content))
        assert insights(SETTINGS, "anna@example.com") == found
