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
        set_ = self.model_dump(exclude_defaults=True, mode="json", exclude={"after", "limit"})
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


class BounceForm(BounceQuery):
    """The same of a page's form, which sends every field: blank ones say nothing."""

    _blanks = model_validator(mode="before")(_without_blanks)


class BlockedForm(BlockedQuery):
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
