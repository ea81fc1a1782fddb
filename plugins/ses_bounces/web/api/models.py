"""What the JSON API takes and answers. No address is ever in a URL."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID, uuid4

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ses_bounces.actions.action import MAX_REASON_CHARACTERS
from ses_bounces.actions.transients import MAX_EXTENSION_DAYS
from ses_bounces.classify.causes import Cause
from ses_bounces.ledger.lists.lookup import MAX_ADDRESSES

Row = TypeVar("Row")
MAX_IDS = 10_000
# No table comes near it, and every program that reads JSON, or the description, has this number as it is.
MAX_ID = 2**53 - 1


def _no_other(value: Any) -> Any:
    # Pydantic takes false for 0, and "7" for 7: nobody means the address with the id 0 by it.
    if isinstance(value, bool | str):
        raise ValueError("it must be a whole number")
    return value


STRICT = BeforeValidator(_no_other)


class Strict(BaseModel):
    """A body: what it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid")


class Lookup(Strict):
    """One address, as people write it."""

    address: Annotated[str, Field(max_length=1_000, examples=["someone@example.com"])]


class Check(Strict):
    """Addresses to check before a mailing."""

    addresses: Annotated[list[Annotated[str, Field(max_length=1_000)]], Field(max_length=MAX_ADDRESSES)]


class Search(Strict):
    """What to search a list for."""

    text: Annotated[str, Field(min_length=1, description="Part of an address (edit access), or `@domain`")]


class Change(Strict):
    """What every change says. Sent again with the same ``action_id``, it does nothing further, and answers the same."""

    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON_CHARACTERS)]
    action_id: UUID = Field(default_factory=uuid4, description="Of your own, to be able to repeat the request")


class Stops(Change):
    """Addresses to block at their owners' wish."""

    addresses: Annotated[list[Annotated[str, Field(max_length=1_000)]], Field(min_length=1, max_length=MAX_ADDRESSES)]


class Ids(Change):
    """Addresses by their ids."""

    address_ids: Annotated[
        list[Annotated[int, Field(ge=0, le=MAX_ID), STRICT]], Field(min_length=1, max_length=MAX_IDS)
    ]


class Lifts(Ids):
    """Causes to lift of some addresses. A wish (complaint, unsubscribed, stop_request) is lifted only where named."""

    causes: Annotated[list[Cause], Field(min_length=1)]


class Extension(Ids):
    """A later deadline, counted from now."""

    days: Annotated[int, Field(ge=1, le=MAX_EXTENSION_DAYS), STRICT]


class Known(BaseModel):
    """What is known of one address."""

    is_address: bool = Field(description="False: the text is no e-mail address")
    address_id: int | None = Field(description="null: it is not on record")
    is_blocked: bool = Field(description="Whether mail must not be sent to it; false in observe mode")
    reasons: dict[Cause, datetime] = Field(description="What blocks it, and since when; the weightiest first")


class Checked(BaseModel):
    """What is known of each address, in the order of the request, and how many must not be mailed."""

    results: list[Known]
    blocked: int


class Bounce(BaseModel):
    """A row of the Email Bounce List."""

    model_config = ConfigDict(from_attributes=True)

    address_id: int
    address: str = Field(description="Masked without edit access")
    kind: Literal["transient", "permanent", "complaint", "suppressed"]
    sub_type: str | None
    configuration_set: str | None
    is_reply: bool = Field(description="Whether its last bounce is probably an auto-reply")
    first_bounced_at: datetime | None
    last_bounced_at: datetime | None
    bounce_count: int
    fix_deadline: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    close_reason: str | None
    causes: list[Cause]


class Blocked(BaseModel):
    """A row of the Email Blocked List: an address and one of the causes that block it."""

    model_config = ConfigDict(from_attributes=True)

    address_id: int
    address: str = Field(description="Masked without edit access")
    reason: Cause
    blocked_at: datetime
    recorded_at: datetime
    unblocked_at: datetime | None
    unblocked_by: str | None
    causes: list[Cause]
    is_lifting: bool = Field(description="Whether it waits for SES's own list to be lifted")


class ListPage(BaseModel, Generic[Row]):
    """A page of a list. ``after`` begins the next one; null: this is the last."""

    rows: list[Row]
    after: str | None
    count: int = Field(description="How many rows fit, counted to 10,000; of a text in many addresses, to 1,000")
    is_more: bool = Field(description="Whether there are more than were counted")


class Answer(BaseModel):
    """What became of one target."""

    address_id: int | None
    outcome: Literal["done", "already", "refused"]
    message: str
    line: int | None = Field(None, description="The place in the request's list, from 1")
    is_busy: bool = Field(False, description="Nothing was tried: send the same request again")


class Answers(BaseModel):
    """What became of each target, and of Allow Group Email of the people there."""

    action_id: UUID
    results: list[Answer]
    allow_group_email: str = Field("", description="What became of the flags, in words")


class Problem(BaseModel):
    """Problem details, RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text, "content": {"application/problem+json": {}}}
    for status, text in {
        400: "It can't be done as asked",
        401: "Nobody is logged in",
        403: "Not allowed",
        413: "The body is too large",
        415: "The body is not application/json",
        422: "The request is not as described",
        503: "The settings, a connection or the database are not ready",
    }.items()
}
