"""Figures: what is counted on which day and in which group, and that whatever changes the ledger moves them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from ses_bounces.actions.action import Action
from ses_bounces.actions.erase import erase
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.undo import BlocksOf, find_blocks, retract_lift
from ses_bounces.base.erasure_secret import Secret
from ses_bounces.classify.providers import provider, stream
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.figures.counting import count_figures
from ses_bounces.ledger.figures.outages import Outage, find_outages, outages
from ses_bounces.ledger.figures.reading import groups, rates, series, texts
from ses_bounces.ledger.figures.saying import said
from ses_bounces.ledger.lists.guarded import guarded_providers
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.ledger.writing import writing
from tests.kit.builders import bounce, complaint, delivery
from tests.kit.seeding import address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SECRET = Secret("a secret that is long enough for tests")
TAGS = {"ses:configuration-set": ["news"], "campaign": ["spring"]}


# Figures keep 100 characters of a name.
LONG_DOMAIN = f"{'a' * 60}.{'b' * 60}.example"


def today() -> date:
    return datetime.now(UTC).date()


def tagged(event: dict[str, Any], source: str = "News <news@Acme.example>", **tags: Any) -> dict[str, Any]:
    event["mail"] |= {"source": source, "tags": TAGS | tags}
    return event


def counted(database: Connection, dimension: str) -> dict[tuple[str, str], tuple[int, ...]]:
    """Each day and name with bounces, lifted, transients, complaints and what was not sent."""
    count_figures(database)
    query = (
        "SELECT f.day::text, f.name, f.bounces, f.lifted, f.transients, f.complaints, f.not_sent"
        " FROM ses_bounces.figure_day f WHERE f.dimension = %s"
        " AND f.bounces + f.transients + f.complaints + f.not_sent > 0"
    )
    return {(day, name): tuple(counts) for day, name, *counts in database.execute(query, [dimension])}


def delivered(database: Connection, dimension: str = "all") -> dict[str, int]:
    count_figures(database)
    query = "SELECT d.name, sum(d.deliveries) FROM ses_bounces.delivery_day d WHERE d.dimension = %s GROUP BY d.name"
    return {name: int(count) for name, count in database.execute(query, [dimension])}


def test_a_bounce_is_counted_in_each_of_its_groups(database: Connection) -> None:
    receive(
        database,
        dated(tagged(bounce("a@googlemail.com")), 0),
        dated(tagged(bounce("b@northwind.example", "Transient", "MailboxFull")), 0),
        dated(complaint("c@gmail.com"), 0),
        dated(bounce("d@gmail.com", sub_type="OnAccountSuppressionList"), 0),
    )
    day = today().isoformat()
    assert counted(database, "all") == {(day, ""): (1, 0, 1, 1, 1)}
    assert counted(database, "provider") == {
        (day, "gmail"): (1, 0, 0, 1, 1),
        (day, "northwind.example"): (0, 0, 1, 0, 0),
    }
    assert counted(database, "configuration_set") == {(day, "news"): (1, 0, 1, 0, 0), (day, ""): (0, 0, 0, 1, 1)}
    assert counted(database, "identity") == {
        (day, "acme.example"): (1, 0, 1, 0, 0),
        (day, "example.com"): (0, 0, 0, 1, 1),
    }
    assert counted(database, "campaign") == {(day, "spring"): (1, 0, 1, 0, 0), (day, ""): (0, 0, 0, 1, 1)}


def test_the_names_that_never_block_hides_are_those_of_figures(database: Connection) -> None:
    domains = ("northwind.example", "one-person.example", LONG_DOMAIN, "hotmail.co.uk")
    receive(database, *(dated(bounce(f"a@{domain}"), 0) for domain in (*domains, "gmail.com")))
    mirror_settings(
        database,
        enforce=True,
        never_block=["@northwind.example", "a@one-person.example", f"@{LONG_DOMAIN}", "@hotmail.co.uk", "a@gmail.com"],
    )
    assert guarded_providers(database) == {name for _, name in counted(database, "provider")} - {"gmail"}


def test_a_copy_counts_once_and_a_late_one_on_its_day(database: Connection) -> None:
    event = dated(bounce("a@gmail.com"), 40)
    receive(database, event, event)
    count_figures(database)
    receive(database, event, dated(bounce("b@gmail.com"), 40))
    day = (today() - timedelta(days=40)).isoformat()
    assert counted(database, "all") == {(day, ""): (2, 0, 0, 0, 0)}


def test_a_lift_and_its_retraction_move_them(database: Connection) -> None:
    receive(database, dated(bounce("a@gmail.com"), 3), dated(bounce("b@gmail.com"), 3))
    day = (today() - timedelta(days=3)).isoformat()
    assert counted(database, "all") == {(day, ""): (2, 0, 0, 0, 0)}
    action = Action("anna", "an outage", str(uuid4()))
    lift_blocks(database, action, {address_id(database, "a@gmail.com"): ["permanent_bounce"]}, ses_first=False)
    assert counted(database, "provider") == {(day, "gmail"): (2, 1, 0, 0, 0)}
    assert [(g.name, g.bounces, g.lifted) for g in groups(database, "provider", 30)] == [("gmail", 1, 1)]
    retract_lift(database, Action("anna", "it was none", str(uuid4())), action.action_id)
    assert counted(database, "provider") == {(day, "gmail"): (2, 0, 0, 0, 0)}


def test_a_bounce_that_comes_after_the_lift_of_its_address_counts_as_lifted(database: Connection) -> None:
    receive(database, dated(bounce("a@gmail.com"), 3))
    count_figures(database)
    action = Action("anna", "an outage", str(uuid4()))
    lift_blocks(database, action, {address_id(database, "a@gmail.com"): ["permanent_bounce"]}, ses_first=False)
    count_figures(database)
    receive(database, dated(bounce("a@gmail.com"), 5), dated(bounce("new@gmail.com"), 5))
    earlier, day = ((today() - timedelta(days=days)).isoformat() for days in (5, 3))
    assert counted(database, "all") == {(earlier, ""): (2, 1, 0, 0, 0), (day, ""): (1, 1, 0, 0, 0)}


def test_a_trend_compares_a_span_with_the_one_before(database: Connection) -> None:
    receive(database, *(dated(bounce(f"p{days}@gmail.com"), days) for days in (0, 6, 7, 13, 14)))
    receive(database, dated(complaint("c@gmail.com"), 6), dated(complaint("d@gmail.com"), 7))
    receive(database, *(dated(complaint(f"e{number}@gmail.com"), 0) for number in range(4)))
    count_figures(database)
    [group] = groups(database, "provider", 7)
    assert (group.bounces, group.complaints, group.bounces_before, group.complaints_before) == (2, 5, 2, 1)
    assert group.trend == 7 / 3


def test_what_is_superseded_is_not_counted(database: Connection) -> None:
    receive(database, dated(bounce("a@gmail.com"), 3), dated(bounce("b@gmail.com"), 3))
    count_figures(database)
    found = database.execute("SELECT min(e.event_id) FROM ses_bounces.address_event e").fetchone()
    assert found is not None
    with writing(database) as writer:
        writer.supersede([found[0]])
    assert list(counted(database, "all").values()) == [(1, 0, 0, 0, 0)]


def test_an_erased_address_leaves_its_groups(database: Connection) -> None:
    receive(database, dated(tagged(bounce("a@one-person.example")), 3))
    assert [name for _, name in counted(database, "provider")] == ["one-person.example"]
    erase(database, Action("anna", "on request", str(uuid4())), ["a@one-person.example"], secret=SECRET)
    assert [name for _, name in counted(database, "provider")] == ["erased"]
    assert [name for _, name in counted(database, "campaign")] == [""]


def test_a_delivery_counts_once_for_each_mail_and_address(database: Connection) -> None:
    first = dated(tagged(delivery(["a@gmail.com", "b@gmail.com", "c@northwind.example"])), 2)
    # Another event about the same mail and address.
    again = dated(tagged(delivery("a@gmail.com")), 1)
    again["mail"]["messageId"] = first["mail"]["messageId"]
    receive(database, first, first)
    receive(database, first, again)
    assert delivered(database) == {"": 3}
    assert delivered(database, "provider") == {"gmail": 2, "northwind.example": 1}
    assert delivered(database, "configuration_set") == {"news": 3}
    assert delivered(database, "identity") == {"acme.example": 3}
    assert delivered(database, "campaign") == {"spring": 3}


def test_no_delivery_counts_twice_however_late_its_copy_comes(database: Connection) -> None:
    mails = [dated(delivery("busy@example.com"), days) for days in range(9, 0, -1)]
    receive(database, *mails[:6])
    receive(database, *mails[6:])
    receive(database, *mails)
    for mail in mails:
        receive(database, mail)
    assert delivered(database) == {"": 9}


def test_a_killed_count_goes_on_and_counts_nothing_twice(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ses_bounces.ledger.figures.counting.ENTRIES_PER_CHUNK", 2)
    receive(database, *(dated(bounce(f"p{number}@gmail.com"), 1) for number in range(7)))
    assert not count_figures(database, seconds=0).is_whole
    assert count_figures(database).is_whole
    assert [count[0] for count in counted(database, "all").values()] == [7]


def test_a_rate_names_what_it_stands_on(database: Connection) -> None:
    receive(database, dated(bounce("a@gmail.com"), 1))
    count_figures(database)
    assert [(rate.source, rate.value, bool(rate.why)) for rate in rates(database, 30)] == [
        ("deliveries", None, True)
    ] * 2
    receive(database, *(dated(delivery(f"p{number}@gmail.com"), 0) for number in range(9)))
    count_figures(database)
    by_deliveries, complaints = rates(database, 30)
    assert (by_deliveries.numerator, by_deliveries.denominator, by_deliveries.level) == (1, 10, "pause")
    assert (complaints.value, complaints.level) == (0.0, "ok")
    database.execute(
        "INSERT INTO ses_bounces.sent_day (account, region, source, dimension, day, name, sent, bounces, complaints)"
        " VALUES ('1', 'eu-west-1', 'statistics', 'all', %s, '', 100, 3, 0),"
        # While a day is not over, nobody knows how much was sent on it.
        " ('1', 'eu-west-1', 'statistics', 'all', %s, '', 5, 5, 5)",
        [today() - timedelta(days=1), today()],
    )
    ses, ours = rates(database, 30)[:2]
    assert (ses.source, ses.value, ses.level) == ("ses", 0.03, "ok")
    assert (ours.source, ours.value) == ("ours", 0.01)
    days = series(database, 30)
    assert (len(days), days[-1].sent, days[-2].sent, days[-3].sent) == (30, 5, 100, None)
    assert [day.is_whole for day in days[-3:]] == [False, True, False]


def test_the_view_names_groups_as_the_code_does(database: Connection) -> None:
    sources = ["News <News@Acme.example>", "news@acme.example", "acme", "<a@b.example>", "a=b.example@c.example"]
    campaigns: list[dict[str, Any]] = [
        {"campaign": ["x"]}, {"utm_campaign": ["u"], "Campaign": ["C"]}, {"campaign": ["a@b.example"]}, {"other": ["o"]},
        {"ses:configuration-set": ["news"]}, {"ses:configuration-set": ["a@b.example"]},
    ]  # fmt: skip
    events = [dated(bounce(f"p{number}@hotmail.co.uk"), 0) for number in range(len(sources) * len(campaigns))]
    pairs = [(source, tags) for source in sources for tags in campaigns]
    for event, (source, tags) in zip(events, pairs, strict=True):
        event["mail"] |= {"source": source, "tags": tags}
    receive(database, *events, rules=Rules())
    expected = [stream(source, tags.get("ses:configuration-set", [None])[0], tags) for source, tags in pairs]
    assert {name for _, name in counted(database, "provider")} == {provider("hotmail.co.uk")} == {"outlook"}
    for place, dimension in ((0, "identity"), (1, "configuration_set"), (2, "campaign")):
        found = {name: counts[0] for (_, name), counts in counted(database, dimension).items()}
        assert found == Counter(one[place] for one in expected)


def refused(address: str, text: str, days_ago: float = 0.1) -> dict[str, Any]:
    return dated(bounce(address, recipient={"diagnosticCode": text}), days_ago)


@pytest.mark.parametrize(
    ("diagnostic", "expected"),
    [
        ("smtp; 550 5.1.1 user unknown", "550 5.1.1 user unknown"),
        (
            "smtp; 550-5.1.1 <anna@example.com>: no such user, id 12345abcdef",
            "550-5.1.1 <‹address›>: no such user, id …",
        ),
        ("550 4.7.1 Blocked 192.0.2.17 after 3 tries", "550 4.7.1 Blocked … after … tries"),
        ("anna@example.com is gone", "‹address› is gone"),
        ("", ""),
    ],
)
def test_what_differs_in_every_answer_is_left_out(diagnostic: str, expected: str) -> None:
    assert said(diagnostic) == expected


def test_what_was_said_most_is_kept_by_provider(database: Connection) -> None:
    events = [refused(f"p{number}@gmail.com", f"smtp; 550 5.1.1 no mailbox {number}") for number in range(5)]
    receive(database, *events, refused("x@gmail.com", "smtp; 552 5.2.2 full"), refused("y@gmx.de", "smtp; 554 spam"))
    count_figures(database)
    assert texts(database, ["gmail", "gmx"], 30) == {
        "gmail": [("550 5.1.1 no mailbox …", 5), ("552 5.2.2 full", 1)],
        "gmx": [("554 spam", 1)],
    }


def test_the_texts_said_most_are_kept_of_each_provider_and_day(
    database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ses_bounces.ledger.figures.saying.TEXTS_OF_PROVIDER", 2)
    monkeypatch.setattr("ses_bounces.ledger.figures.saying.TEXTS_OF_DAY", 3)
    often = {"gmail.com": ["alpha", "beta", "gamma"], "gmx.de": ["delta", "epsilon"], "web.de": ["zeta"]}
    times = {"alpha": 5, "beta": 4, "gamma": 3, "delta": 3, "epsilon": 1, "zeta": 2}
    receive(
        database,
        *(
            refused(f"{word[0]}{number}@{domain}", f"smtp; 550 {word}", 1)
            for domain, words in often.items()
            for word in words
            for number in range(times[word])
        ),
    )
    # A day that has room for more.
    receive(database, *(refused(f"q{word}@gmail.com", f"smtp; 550 {word}", 2) for word in ("eta", "iota", "theta")))
    count_figures(database)
    query = "SELECT t.day, t.said, t.bounces FROM ses_bounces.figure_text t ORDER BY t.day, t.bounces DESC, t.said"
    yesterday, before = today() - timedelta(days=1), today() - timedelta(days=2)
    assert database.execute(query).fetchall() == [
        (before, "550 eta", 1),
        (before, "550 iota", 1),
        (yesterday, "550 alpha", 5),
        (yesterday, "550 beta", 4),
        (yesterday, "550 delta", 3),
    ]


def test_what_an_erased_address_was_told_is_gone(database: Connection) -> None:
    receive(database, refused("anna@one-person.example", "smtp; 550 Anna has left"))
    count_figures(database)
    erase(database, Action("anna", "on request", str(uuid4())), ["anna@one-person.example"], secret=SECRET)
    count_figures(database)
    assert database.execute("SELECT t.said FROM ses_bounces.figure_text t").fetchall() == []


def test_an_outage_is_suggested_and_finds_its_blocks(database: Connection) -> None:
    events = [
        refused(
            f"p{number}@northwind.example",
            f"smtp; 550 5.1.1 <p{number}@northwind.example> recipient rejected, q{number}",
        )
        for number in range(38)
    ]
    others = [refused(f"p{number}@gmail.com", f"smtp; 550 different {'abcdefghij' * number}") for number in range(19)]
    # What the domain refuses for other reasons is no part of it.
    others += [refused(f"full{number}@northwind.example", "smtp; 552 5.2.2 mailbox full") for number in range(5)]
    receive(database, *events, *others)
    count_figures(database)
    (found,) = find_outages(database)
    assert outages(database) == [found]
    assert (found.domain, found.said, found.addresses) == ("northwind.example", "recipient rejected, q", 38)
    wanted = BlocksOf(found.first, found.last, found.domain, found.said)
    ids = find_blocks(database, wanted)
    assert len(ids) == 38
    lift_blocks(
        database, Action("anna", "it was", str(uuid4())), {key: ["permanent_bounce"] for key in ids}, ses_first=False
    )
    assert outages(database) == []
    assert find_outages(database) == []


def test_no_outage_where_it_is_as_on_any_day_or_the_words_differ(database: Connection) -> None:
    usual = [
        refused(f"u{day}x{number}@often.example", "smtp; 550 no such user here", day + 2)
        for day in range(30)
        for number in range(5)
    ]
    today_too = [refused(f"t{number}@often.example", "smtp; 550 no such user here") for number in range(22)]
    words = ["alpha", "beta", "gamma", "delta", "epsilon"]
    mixed = [
        refused(f"m{number}@mixed.example", f"smtp; 550 {words[number % 5]} was the reason") for number in range(40)
    ]
    receive(database, *usual, *today_too, *mixed)
    count_figures(database)
    assert find_outages(database) == []
    outage: list[Outage] = outages(database)
    assert outage == []
