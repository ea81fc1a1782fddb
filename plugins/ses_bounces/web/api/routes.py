"""The routes of the JSON API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import TypeAdapter

from ses_bounces.actions.action import Action, Result
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.people import follow_flags
from ses_bounces.actions.stops import request_stops
from ses_bounces.actions.transients import delete_transients, extend_deadlines
from ses_bounces.base.exceptions import SesBouncesError
from ses_bounces.base.settings import Settings
from ses_bounces.ledger.lists.blocked import count_blocked, list_blocked
from ses_bounces.ledger.lists.bounces import count_bounces, list_bounces
from ses_bounces.ledger.lists.guarded import guarded_of
from ses_bounces.ledger.lists.lookup import LookedUp, lookup, lookup_keys, read_keys
from ses_bounces.web.access import EditorDep, ReaderDep, RightsFirst, Viewer
from ses_bounces.web.api import models
from ses_bounces.web.audit import audit
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.in_turn import in_turn
from ses_bounces.web.list_queries import BlockedQuery, BounceQuery
from ses_bounces.web.readers import documented, seen_by, set_name
from ses_bounces.web.render import mask
from ses_bounces.web.routes.searches import check_text, text_of

router = APIRouter(route_class=RightsFirst)

_KNOWN = TypeAdapter(list[models.Known])


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, viewer: ReaderDep) -> JSONResponse:
    """The description of the API, for those who are logged in."""
    schema = request.app.openapi()
    return JSONResponse(schema | {"servers": [{"url": request.scope.get("root_path", "") or "/"}]})


@router.post("/lookup")
def look_up(body: models.Lookup, viewer: ReaderDep, connection: DatabaseDep) -> models.Known:
    """Say whether an address is blocked, and why."""
    return _known(*_seen(connection, viewer, lookup(connection, [body.address])))


async def checked_keys(body: models.Check) -> list[str | None]:
    """Return the keys of the addresses to check."""
    return await in_turn(read_keys, body.addresses)


@router.post("/check", response_model=models.Checked)
async def check(
    viewer: ReaderDep, keys: Annotated[list[str | None], Depends(checked_keys)], connection: DatabaseDep
) -> Response:
    """Say of up to 10,000 addresses which must not be mailed."""
    return Response(await in_turn(_check, connection, viewer, keys), media_type="application/json")


BounceQueryDep = Annotated[BounceQuery, Query()]
BlockedQueryDep = Annotated[BlockedQuery, Query()]


@router.get("/bounces")
def bounces(query: BounceQueryDep, viewer: ReaderDep, connection: DatabaseDep) -> models.ListPage[models.Bounce]:
    """List the Email Bounce List."""
    return _bounces(connection, viewer, query, text_of(connection, viewer, query.filter))


@router.post("/bounces/search")
def search_bounces(
    body: models.Search, query: BounceQueryDep, viewer: ReaderDep, connection: DatabaseDep
) -> models.ListPage[models.Bounce]:
    """List those rows of the Email Bounce List whose address has a text in it."""
    check_text(viewer, body.text)
    return _bounces(connection, viewer, query, body.text)


@router.get("/blocked")
def blocked(query: BlockedQueryDep, viewer: ReaderDep, connection: DatabaseDep) -> models.ListPage[models.Blocked]:
    """List the Email Blocked List: a row for each address and cause."""
    return _blocked(connection, viewer, query, text_of(connection, viewer, query.filter))


@router.post("/blocked/search")
def search_blocked(
    body: models.Search, query: BlockedQueryDep, viewer: ReaderDep, connection: DatabaseDep
) -> models.ListPage[models.Blocked]:
    """List those rows of the Email Blocked List whose address has a text in it."""
    check_text(viewer, body.text)
    return _blocked(connection, viewer, query, body.text)


async def with_keys(body: models.Stops) -> models.Stops:
    """Return the addresses to block; their keys are known from here on."""
    await in_turn(read_keys, body.addresses)
    return body


@router.post("/block")
def block(
    body: Annotated[models.Stops, Depends(with_keys)],
    viewer: EditorDep,
    connection: DatabaseDep,
    settings: SettingsDep,
) -> models.Answers:
    """Block addresses at their owners' wish."""
    action = _action(viewer, body)
    results = request_stops(connection, action, body.addresses)
    return _answer(viewer, "request_stops", action, results, connection, settings)


@router.post("/lift")
def lift(body: models.Lifts, viewer: EditorDep, connection: DatabaseDep, settings: SettingsDep) -> models.Answers:
    """Lift causes of blocks. Where SES's own list comes first, the DAG ses_lift_blocks finishes it."""
    action = _action(viewer, body)
    lifts = dict.fromkeys(body.address_ids, body.causes)
    results = lift_blocks(connection, action, lifts, ses_first=settings.lift_at_ses)
    return _answer(viewer, "lift_blocks", action, results, connection, settings)


@router.post("/transients/delete")
def delete(body: models.Ids, viewer: EditorDep, connection: DatabaseDep, settings: SettingsDep) -> models.Answers:
    """Delete transient records: mail goes on."""
    action = _action(viewer, body)
    results = delete_transients(connection, action, body.address_ids)
    return _answer(viewer, "delete_transients", action, results, connection, settings)


@router.post("/transients/extend")
def extend(body: models.Extension, viewer: EditorDep, connection: DatabaseDep, settings: SettingsDep) -> models.Answers:
    """Give transient records a later deadline."""
    action = _action(viewer, body)
    results = extend_deadlines(connection, action, body.address_ids, body.days)
    return _answer(viewer, "extend_deadlines", action, results, connection, settings)


def _check(connection: DatabaseDep, viewer: Viewer, keys: list[str | None], pause: Callable[[], None]) -> bytes:
    """Return the answer as JSON, which is made of parts as well."""
    blocked, parts = 0, []
    for some in lookup_keys(connection, keys):
        results = [_known(found) for found in _seen(connection, viewer, some)]
        blocked += sum(result.is_blocked for result in results)
        parts.append(_KNOWN.dump_json(results)[1:-1])
        pause()
    return b'{"results":[%s],"blocked":%d}' % (b",".join(parts), blocked)


def _seen(connection: DatabaseDep, viewer: Viewer, found: list[LookedUp]) -> list[LookedUp]:
    """Return what a user may see: an address that bounced and is free is one that never_block guards."""
    free = [one.address_id for one in found if one.address_id is not None and not one.reasons]
    hidden = set() if viewer.may_edit or not free else guarded_of(connection, free)
    return [replace(one, address_id=None) if one.address_id in hidden else one for one in found]


def _known(found: LookedUp) -> models.Known:
    reasons: Any = found.reasons
    return models.Known(
        is_address=found.is_address, address_id=found.address_id, is_blocked=found.is_blocked, reasons=reasons
    )


def _bounces(
    connection: DatabaseDep, viewer: Viewer, query: BounceQuery, text: str | None
) -> models.ListPage[models.Bounce]:
    wanted = seen_by(connection, viewer, query.filtered(text))
    listed = list_bounces(connection, wanted, query.sort, query.direction, query.after, query.limit)
    count = listed.whole(query.after) or count_bounces(connection, wanted)
    rows = [_masked(viewer, models.Bounce.model_validate(row)) for row in listed.rows]
    return models.ListPage(rows=rows, after=listed.after, count=count.number, is_more=count.is_more)


def _blocked(
    connection: DatabaseDep, viewer: Viewer, query: BlockedQuery, text: str | None
) -> models.ListPage[models.Blocked]:
    wanted = seen_by(connection, viewer, query.filtered(text))
    listed = list_blocked(connection, wanted, query.sort, query.direction, query.after, query.limit)
    count = listed.whole(query.after) or count_blocked(connection, wanted)
    rows = [_masked(viewer, models.Blocked.model_validate(row)) for row in listed.rows]
    return models.ListPage(rows=rows, after=listed.after, count=count.number, is_more=count.is_more)


def _masked(viewer: Viewer, row: Any) -> Any:
    if viewer.may_edit:
        return row
    seen: dict[str, Any] = {"address": mask(row.address)}
    if isinstance(row, models.Bounce):
        seen |= {"sub_type": documented(row.sub_type), "configuration_set": set_name(row.configuration_set)}
    return row.model_copy(update=seen)


def _action(viewer: Viewer, body: models.Change) -> Action:
    return Action(viewer.name, body.reason, str(body.action_id))


def _answer(
    viewer: Viewer,
    what: str,
    action: Action,
    results: Sequence[Result],
    connection: DatabaseDep,
    settings: Settings,
) -> models.Answers:
    audit(viewer, what, results, action_id=action.action_id)
    done = [r.target_id for r in results if r.outcome == "done" and r.target_id is not None]
    try:
        flags = follow_flags(connection, settings, done).message if done else ""
    except SesBouncesError as error:
        # The action is done; the flags follow with the hourly run.
        flags = f"{error} Allow Group Email follows with the hourly run."
    answers = [
        models.Answer(address_id=r.target_id, outcome=r.outcome, message=r.message, line=r.line, is_busy=r.busy)
        for r in results
    ]
    return models.Answers(action_id=action.action_id, results=answers, allow_group_email=flags)  # type: ignore[arg-type]
