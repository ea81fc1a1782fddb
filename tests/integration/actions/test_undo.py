"""Blocks of an outage found and lifted together, and a lift taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from ses_bounces.actions.action import Action, Result
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.undo import BlocksOf, find_blocks, retract_lift
from ses_bounces.base.exceptions import ActionError
from ses_bounces.ledger.rebuild import verify
from tests.kit.builders import bounce, complaint
from tests.kit.seeding import address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
BROKEN = "smtp; 550 5.1.1 User Unknown at broken.example (100%_sure)"


@pytest.fixture
def outage(database: Connection) -> dict[str, int]:
    """Bounces of two days, at two domains; one address complained too."""

    def bounced(name: str, days_ago: float, text: str = BROKEN, **fields: Any) -> dict[str, Any]:
        return dated(bounce(name, recipient={"diagnosticCode": text}, **fields), days_ago)

    receive(
        database,
        bounced("a@broken.example", 2),
        bounced("b@broken.example", 2),
        dated(complaint("b@broken.example"), 1.9),
        bounced("c@broken.example", 2, "smtp; 550 5.7.1 blocked"),
        bounced("d@other.example", 2, mail_fields={"tags": {"ses:configuration-set": ["news"]}}),
        bounced("e@broken.example", 5),
        dated(complaint("f@broken.example"), 2),
        dated(bounce("g@broken.example", "Transient", "MailboxFull"), 2),
    )
    rows = database.execute("SELECT split_part(address, '@', 1), address_id FROM ses_bounces.address").fetchall()
    return dict(rows)


def act(reason: str = "their outage") -> Action:
    return Action("anna", reason, str(uuid4()))


def window(**wanted: Any) -> BlocksOf:
    return BlocksOf(NOW - 3 * DAY, NOW - 1.5 * DAY, **wanted)


def causes(connection: Connection, id_: int) -> set[str]:
    query = "SELECT reason FROM ses_bounces.blocked_list WHERE address_id = %s AND is_open"
    return {reason for (reason,) in connection.execute(query, [id_])}


def lifts(ids: list[int]) -> dict[int, list[str]]:
    return {id_: ["permanent_bounce"] for id_ in ids}


def told(results: list[Result]) -> list[str]:
    return [result.outcome for result in results]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, "abcd"),
        ({"domain": "@Broken.Example"}, "abc"),
        ({"text": "user unknown"}, "abd"),
        ({"text": "(100%_"}, "abd"),
        ({"text": "100_%"}, ""),
        ({"domain": "broken.example", "text": "5.7.1"}, "c"),
        ({"configuration_set": "news"}, "d"),
        ({"sub_type": "NoEmail"}, ""),
    ],
)
def test_which_blocks_are_meant(
    database: Connection, outage: dict[str, int], wanted: dict[str, Any], names: str
) -> None:
    assert find_blocks(database, window(**wanted)) == sorted(outage[name] for name in names)


def test_a_window_must_have_a_length(database: Connection) -> None:
    with pytest.raises(ActionError, match="it must end later"):
        find_blocks(database, BlocksOf(NOW, NOW))


def test_a_lift_is_taken_back_and_lifted_again(database: Connection, outage: dict[str, int]) -> None:
    ids = find_blocks(database, window(domain="broken.example"))
    before = {id_: causes(database, id_) for id_ in ids}
    lift = act()
    assert told(lift_blocks(database, lift, lifts(ids))) == ["done"] * 3
    # A wish stays.
    assert [causes(database, id_) for id_ in ids] == [set(), {"complaint"}, set()]

    back = act("the wrong window")
    assert told(retract_lift(database, back, lift.action_id)) == ["done"] * 3
    assert {id_: causes(database, id_) for id_ in ids} == before
    assert not verify(database).differ
    superseded = "SELECT kind FROM ses_bounces.address_event WHERE superseded_at IS NOT NULL AND superseded_by IS NULL"
    assert database.execute(superseded).fetchall() == [("unblocked",)] * 3
    trail = "SELECT actor, reason FROM ses_bounces.admin_action WHERE kind = 'retract_lift'"
    assert database.execute(trail).fetchall() == [("anna", "the wrong window")]

    # The same form once more, and another one.
    assert told(retract_lift(database, back, lift.action_id)) == ["done"] * 3
    assert told(retract_lift(database, act(), lift.action_id)) == ["already"] * 3
    assert told(lift_blocks(database, act(), lifts(ids))) == ["done"] * 3
    assert causes(database, ids[0]) == set()


def test_a_lift_that_waits_for_ses_is_taken_back(database: Connection, outage: dict[str, int]) -> None:
    id_ = outage["a"]
    lift = act()
    lift_blocks(database, lift, {id_: ["permanent_bounce"]}, ses_first=True)
    assert told(retract_lift(database, act(), lift.action_id)) == ["done"]
    assert causes(database, id_) == {"permanent_bounce"}
    rows = database.execute("SELECT finished_at IS NOT NULL, result FROM ses_bounces.unblock_request").fetchall()
    assert rows == [(True, "taken back by anna")]


def test_what_is_no_lift_can_not_be_taken_back(database: Connection, outage: dict[str, int]) -> None:
    for lift_id in ("nonsense", str(uuid4())):
        with pytest.raises(ActionError, match=r"no UUID|no such lift"):
            retract_lift(database, act(), lift_id)
    nothing = act()
    lift_blocks(database, nothing, {outage["g"]: ["permanent_bounce"]})
    with pytest.raises(ActionError, match="lifted nothing"):
        retract_lift(database, act(), nothing.action_id)


def test_an_episode_that_the_lift_ended_goes_on(database: Connection) -> None:
    address = "h@example.com"
    receive(database, dated(bounce(address, "Transient", "MailboxFull"), 20), dated(bounce(address), 2))
    id_ = address_id(database, address)
    assert causes(database, id_) == {"permanent_bounce", "expired_transient"}
    lift = act()
    lift_blocks(database, lift, {id_: ["permanent_bounce", "expired_transient"]})
    assert causes(database, id_) == set()
    retract_lift(database, act(), lift.action_id)
    assert causes(database, id_) == {"permanent_bounce", "expired_transient"}
