"""The parameters of the lists, of the pages and of the JSON API. No text to search for is among them: it is POSTed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ses_bounces.base.exceptions import ActionError
from ses_bounces.ledger.lists.blocked import BlockedFilter, BlockedSort
from ses_bounces.ledger.lists.bounces import BounceFilter, BounceSort
from ses_bounces.ledger.lists.engine.paging import MAX_ROWS
from ses_bounces.ledger.lists.engine.query import Direction


class ListQuery(BaseModel):
    """What both lists have. Forms send every field: blank ones say nothing."""

    model_config = ConfigDict(extra="ignore")

    filter: str | None = Field(None, description="The id that the text of a search was kept under")
    direction: Direction = "descending"
    after: str | None = Field(None, description="Where the page before ended")
    limit: int = Field(50, ge=1, le=MAX_ROWS, description="Rows of a page")

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if not (isinstance(value, str) and not value.strip())}

    def link(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of a link to the same list with some changes; what is as by default is left out."""
        return self.model_dump(exclude_defaults=True, mode="json") | changes


class BounceQuery(ListQuery):
    """Of the Email Bounce List; dates are days in UTC, both included."""

    state: Literal["open", "closed"] = "open"
    kind: str | None = None
    sub_type: str | None = None
    configuration_set: str | None = None
    is_reply: bool = Field(False, description="Only those whose last bounce is probably an auto-reply")
    days_left_min: int | None = None
    days_left_max: int | None = None
    bounced_from: date | None = None
    bounced_to: date | None = None
    sort: BounceSort = "date"

    def filtered(self, text: str | None) -> BounceFilter:
        """Return the filter. :raises ActionError: the days are the wrong way round."""
        since, until = day_range(self.bounced_from, self.bounced_to)
        return BounceFilter(
            self.state, self.kind, self.sub_type, self.configuration_set, self.days_left_min, self.days_left_max,
            since, until, text, self.is_reply,
        )  # fmt: skip


class BlockedQuery(ListQuery):
    """Of the Email Blocked List; dates are days in UTC, both included."""

    state: Literal["open", "lifted"] = "open"
    reason: str | None = None
    since_from: date | None = None
    since_to: date | None = None
    domain: str | None = None
    sort: BlockedSort = "date"

    def filtered(self, text: str | None) -> BlockedFilter:
        """Return the filter. :raises ActionError: the days are the wrong way round."""
        since, until = day_range(self.since_from, self.since_to)
        return BlockedFilter(self.state, self.reason, since, until, self.domain, text)


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
