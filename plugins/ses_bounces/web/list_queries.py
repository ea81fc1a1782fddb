"""The parameters of the lists, of the pages and of the JSON API. No text to search for is among them: it is POSTed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.causes import Cause
from ses_bounces.ledger.lists.blocked import BlockedFilter, BlockedSort
from ses_bounces.ledger.lists.bounces import MAX_DAYS_LEFT, BounceFilter, BounceSort
from ses_bounces.ledger.lists.engine.paging import MAX_ROWS
from ses_bounces.ledger.lists.engine.query import Direction


def _day(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("it must be a day, like 2026-11-30")
    return value


# Pydantic takes a number for a day as well: seconds since 1970.
Day = Annotated[date | None, BeforeValidator(_day)]
# Pages that the way back goes over; each is a position in the URL.
_TRAIL = 40
DaysLeft = Annotated[int | None, Field(ge=-MAX_DAYS_LEFT, le=MAX_DAYS_LEFT)]


def _without_blanks(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not (isinstance(value, str) and not value.strip())}


class ListQuery(BaseModel):
    """What both lists have."""

    model_config = ConfigDict(extra="ignore")

    filter: str | None = Field(None, description="The id that the text of a search was kept under")
    direction: Direction = "descending"
    after: str | None = Field(None, description="Where the page before ended")
    limit: int = Field(50, ge=1, le=MAX_ROWS, description="Rows of a page")

    def link(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of a link to the same list with some changes; what is as by default is left out."""
        return self.model_dump(exclude_defaults=True, mode="json") | changes

    def audited(self) -> dict[str, Any]:
        """Return what an audit entry says of the filter: a text may hold an address, so its value is left out."""
        texts = {"filter", "sub_type", "configuration_set", "domain"}
        set_ = self.model_dump(exclude_defaults=True, mode="json", exclude={"after", "limit", "page", "trail"})
        return {name: True if name in texts else value for name, value in set_.items()}


class BounceQuery(ListQuery):
    """The query of the Email Bounce List; dates are days in UTC, both included."""

    state: Literal["open", "closed"] = "open"
    kind: Literal["transient", "permanent", "complaint", "suppressed"] | None = None
    sub_type: str | None = None
    configuration_set: str | None = None
    is_reply: bool = Field(False, description="Only those whose last bounce is probably an auto-reply")
    days_left_min: DaysLeft = None
    days_left_max: DaysLeft = None
    bounced_from: Day = None
    bounced_to: Day = None
    sort: BounceSort = "date"

    def filtered(self, text: str | None) -> BounceFilter:
        """Return the filter. :raises ActionError: the days are the wrong way round."""
        since, until = day_range(self.bounced_from, self.bounced_to)
        return BounceFilter(
            self.state, self.kind, self.sub_type, self.configuration_set, self.days_left_min, self.days_left_max,
            since, until, text, self.is_reply,
        )  # fmt: skip


class BlockedQuery(ListQuery):
    """The query of the Email Blocked List; dates are days in UTC, both included."""

    state: Literal["open", "lifted"] = "open"
    reason: Cause | None = None
    since_from: Day = None
    since_to: Day = None
    domain: str | None = None
    sort: BlockedSort = "date"

    def filtered(self, text: str | None) -> BlockedFilter:
        """Return the filter. :raises ActionError: the days are the wrong way round."""
        since, until = day_range(self.since_from, self.since_to)
        return BlockedFilter(self.state, self.reason, since, until, self.domain, text)


class _Shown(ListQuery):
    """Where a page of a list is: its number, and where the pages before it began, for the way back."""

    page: int = Field(1, ge=1, le=10_000_000)
    trail: str = Field("", max_length=_TRAIL * 64, pattern=r"^[0-9.,-]*$")

    def link(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of a link; one to the first page (``after=None``) says nothing of the place."""
        start = {"page": None, "trail": None} if changes.get("after", "") is None else {}
        return super().link(**start, **changes)

    def next(self, after: str) -> dict[str, Any]:
        """Return the parameters of the page behind this one."""
        trail = [*self._before(), self.after] if self.after else []
        return self.link(after=after, page=self.page + 1, trail=",".join(trail[-_TRAIL:]))

    def previous(self) -> dict[str, Any] | None:
        """Return the parameters of the page before this one; None: there is none, or it is no longer known."""
        before = self._before()
        if self.page == 1 or (self.page > 2 and not before):
            return None
        if self.page == 2:
            return self.link(after=None)
        return self.link(after=before[-1], page=self.page - 1, trail=",".join(before[:-1]))

    def rows(self, listed: int) -> str:
        """Return which rows of the list a page shows, like ``51–100``."""
        first = (self.page - 1) * self.limit + 1
        return f"{first:,}–{first + listed - 1:,}"

    def _before(self) -> list[str]:
        return [place for place in self.trail.split(",") if place]


class BounceForm(BounceQuery, _Shown):
    """The same of a page's form, which sends every field: blank ones say nothing."""

    _blanks = model_validator(mode="before")(_without_blanks)


class BlockedForm(BlockedQuery, _Shown):
    """The same of a page's form, which sends every field: blank ones say nothing."""

    _blanks = model_validator(mode="before")(_without_blanks)


def day_range(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """Return the time from the beginning of the first day to the end of the last one, in UTC.

    :raises ActionError: the first comes after the last.
    """
    if first and last and first > last:
        raise ActionError(f"The days are {first} to {last}; the first must not come after the last.")
    try:
        until = datetime.combine(last + timedelta(days=1), time(), UTC) if last else None
    except OverflowError:
        until = None
    return (datetime.combine(first, time(), UTC) if first else None), until
