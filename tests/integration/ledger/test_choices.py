"""What the lists can be filtered by, and all of what a filter shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg.pq import TransactionStatus

from ses_bounces.base.exceptions import ActionError
from ses_bounces.ledger.lists import choices
from ses_bounces.ledger.lists.blocked import BlockedFilter, blocked_ids
from ses_bounces.ledger.lists.bounces import BounceFilter, bounced_ids
from ses_bounces.ledger.lists.choices import Choice, bounce_choices
from ses_bounces.ledger.lists.engine import paging
from ses_bounces.ledger.lists.quarantine import some_quarantined
from ses_bounces.ledger.protection import mirror_settings
from tests.kit.builders import bounce, complaint
from tests.kit.seeding import address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def seed(connection: Connection, *sets: tuple[str, str, str]) -> None:
    """Bounces, each with an address, a subtype and a configuration set."""
    for address, sub_type, name in sets:
        tags = {"ses:configuration-set": [name]} if name else {}
        receive(connection, dated(bounce(address, "Transient", sub_type, mail_fields={"tags": tags}), 1))


def test_the_values_of_the_list_with_the_number_of_their_rows(database: Connection) -> None:
    seed(database, ("a@x.example", "MailboxFull", "news"), ("b@x.example", "MailboxFull", "bills"),
         ("c@x.example", "General", "news"), ("d@x.example", "General", ""))  # fmt: skip
    found = bounce_choices(database, "open", without_guarded=False)
    assert found.sub_types == [Choice("General", "2"), Choice("MailboxFull", "2")]
    assert found.configuration_sets == [Choice("bills", "1"), Choice("news", "2")]
    assert bounce_choices(database, "closed", without_guarded=False).sub_types == []
    # Who only reads learns neither numbers nor what only guarded addresses have.
    mirror_settings(database, enforce=True, never_block=["b@x.example"])
    found = bounce_choices(database, "open", without_guarded=True)
    assert found.sub_types == [Choice("General", ""), Choice("MailboxFull", "")]
    assert found.configuration_sets == [Choice("news", "")]


def test_no_more_names_than_a_person_can_choose_from(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(database, *((f"{name}@x.example", "General", name) for name in ("one", "two", "three")))
    monkeypatch.setattr(choices, "MOST_NAMES", 2)
    found = bounce_choices(database, "open", without_guarded=False)
    assert [choice.value for choice in found.configuration_sets] == ["one", "three"]


@pytest.mark.parametrize(
    ("number", "about", "words"),
    [
        (0, None, "0"),
        (1_000, 3_000, "1,000"),
        (1_001, None, "over 1,000"),
        (1_001, 800, "over 1,000"),
        (1_001, 45_600, "about 46,000"),
        (1_001, 1_234_567, "about 1,200,000"),
    ],
)
def test_what_was_not_counted_to_its_end_is_said_so(number: int, about: int | None, words: str) -> None:
    assert choices._words(number, about) == words


def test_all_that_a_filter_shows_each_once(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two reasons: two rows of the Email Blocked List, one address.
    receive(database, dated(bounce("both@x.example"), 2), dated(complaint("both@x.example"), 1))
    receive(database, dated(bounce("a@x.example"), 2), dated(bounce("b@y.example"), 2))
    ids = {name: address_id(database, name) for name in ("both@x.example", "a@x.example", "b@y.example")}
    assert sorted(blocked_ids(database, BlockedFilter(domain="x.example"))) == sorted(
        [ids["both@x.example"], ids["a@x.example"]]
    )
    assert sorted(bounced_ids(database, BounceFilter(kind="permanent"))) == sorted(
        [ids["a@x.example"], ids["b@y.example"]]
    )
    monkeypatch.setattr(paging, "COUNTED", 2)
    assert len(blocked_ids(database, BlockedFilter(domain="x.example"))) == 2
    with pytest.raises(ActionError, match=r"more than 2 addresses\. Narrow it") as raised:
        blocked_ids(database, BlockedFilter())
    # While the error is told, with what was called in its traceback, the connection is free.
    assert raised.tb is not None
    assert database.info.transaction_status == TransactionStatus.IDLE


def test_some_messages_of_the_quarantine(database: Connection) -> None:
    receive(database, "no JSON", "<html>", dated(bounce("a@x.example"), 1))
    ids = dict(database.execute("SELECT body, message_id FROM ses_bounces.message").fetchall())
    found = some_quarantined(database, [*ids.values(), 10**9])
    assert {row.message_id for row in found} == {ids["no JSON"], ids["<html>"]}
    assert {row.reason for row in found} == {"not JSON"}
