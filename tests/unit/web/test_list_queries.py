"""The way through the pages of a list: each link knows which rows it leads to, and how to come back."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ses_bounces.web.list_queries import BounceForm


def follow(parameters: dict[str, Any] | None) -> BounceForm:
    """The query that a link's parameters lead to."""
    assert parameters is not None
    return BounceForm.model_validate({name: value for name, value in parameters.items() if value not in (None, "")})


def test_the_way_back_leads_through_the_same_pages() -> None:
    places = [None, *(f"{number}.5,{number}" for number in range(1, 60))]
    places = [None if place is None else place.replace(",", "-") for place in places]
    query = BounceForm(kind="permanent", limit=50)
    for place in places[1:]:
        query = follow(query.next(place or ""))
    assert (query.page, query.after, query.kind) == (60, places[-1], "permanent")
    assert query.rows(7) == "2,951–2,957"
    back = []
    while (link := query.previous()) is not None:
        query = follow(link)
        back.append(query.after)
    # Forty pages are remembered, and the first one always is where the way is that short.
    assert back == places[-2:18:-1]
    assert query.page == 20


def test_a_short_way_ends_at_the_first_page() -> None:
    second = follow(BounceForm(kind="permanent").next("1-2"))
    third = follow(second.next("3-4"))
    assert (third.page, third.after) == (3, "3-4")
    again = follow(third.previous())
    assert (again.page, again.after, again.trail) == (2, "1-2", "")
    first = follow(again.previous())
    assert (first.page, first.after, first.trail, first.kind) == (1, None, "", "permanent")
    assert first.previous() is None


def test_another_order_begins_at_the_first_page() -> None:
    third = follow(follow(BounceForm().next("1-2")).next("3-4"))
    other = follow(third.link(sort="address", after=None))
    assert (other.page, other.after, other.trail, other.sort) == (1, None, "", "address")


@pytest.mark.parametrize("wrong", [{"page": 0}, {"trail": "anna@example.com"}, {"trail": "1" * 3000}])
def test_a_place_is_nothing_else(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BounceForm.model_validate(wrong)


def test_the_place_is_no_part_of_what_is_audited() -> None:
    assert follow(BounceForm(kind="permanent").next("1-2")).audited() == {"kind": "permanent"}
