"""The daily reports that are kept, and the charts of the newest one."""

from __future__ import annotations

import functools
import gzip
import io
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from ses_bounces.base.database.connection import database_time
from ses_bounces.ledger.lists.blocked import count_causes
from ses_bounces.ledger.lists.engine.query import reading
from ses_bounces.ledger.lists.reports import ReportDay, neighbours, report_days, report_of
from ses_bounces.report.charts import ChartName, draw
from ses_bounces.report.kept import ReportFiles, report_files
from ses_bounces.web.access import EditorDep, ReaderDep, Viewer
from ses_bounces.web.audit import audit
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.missing_reports import missing
from ses_bounces.web.our_dags import OurDags, OurDagsDep
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.render import page

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings

router = APIRouter(route_class=OwnThreads)

# The document of a day has its style in it, and nothing else that acts.
# Its page may look into it, for its height and its theme: nothing in it can look out.
DOCUMENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox allow-same-origin"
)
DAYS_SHOWN = 60
INK = {"light": "#1a2133", "dark": "#e8ecf4"}


@router.get("/reports", response_class=HTMLResponse)
def show_all(
    request: Request,
    viewer: ReaderDep,
    connection: DatabaseDep,
    before: Annotated[date | None, Query(description="Only the reports of earlier days")] = None,
) -> HTMLResponse:
    """The Email Blocked Report: totals, charts, and the reports of past days."""
    found = report_days(connection, before, DAYS_SHOWN + 1)
    return page(
        request, viewer, "reports.html", section="reports", totals=count_causes(connection), before=before,
        reports=found[:DAYS_SHOWN], are_more=len(found) > DAYS_SHOWN,
    )  # fmt: skip


@router.get("/reports/yesterday", response_class=HTMLResponse)
def show_yesterday(
    request: Request, viewer: ReaderDep, settings: SettingsDep, ours: OurDagsDep, connection: DatabaseDep
) -> HTMLResponse:
    """Yesterday's report, or why there is none; only its numbers for those who may not see addresses."""
    return _report(request, viewer, settings, connection, ours, None)


@router.get("/reports/{day}", response_class=HTMLResponse)
def show(
    request: Request, day: date, viewer: EditorDep, settings: SettingsDep, ours: OurDagsDep, connection: DatabaseDep
) -> HTMLResponse:
    """The report of a day, within our navigation; 404 with the reason where there is none."""
    return _report(request, viewer, settings, connection, ours, day)


def _report(
    request: Request, viewer: Viewer, settings: Settings, connection: Connection, ours: OurDags, wanted: date | None
) -> HTMLResponse:
    """Show the report of a day.

    :param wanted: None: yesterday, which is always answered.
    """
    day = wanted or database_time(connection).astimezone(settings.report_zone).date() - timedelta(days=1)
    found, around = report_of(connection, day), neighbours(connection, day)
    why = missing(connection, settings, ours, day) if found is None else None
    return page(
        request, viewer, "report.html", status=200 if found or wanted is None else 404, section="reports", day=day,
        report=found, why=why, newest=around.newest, later=around.later, earlier=around.earlier,
    )  # fmt: skip


@router.get("/reports/{day}/document", response_class=HTMLResponse)
def document(day: date, viewer: EditorDep, connection: DatabaseDep) -> Response:
    """The page of a day as it was made."""
    html = _files(connection, day).html
    audit(viewer, "read_report", day=str(day), file="blocked_report.html")
    # It was made to stand alone, maybe by an earlier version.
    within = gzip.decompress(html).replace(b"</head>", b"<style>%s</style></head>" % _style(), 1)
    return HTMLResponse(within, headers={"Content-Security-Policy": DOCUMENT_POLICY})


@router.get("/reports/{day}/blocked_report.csv", response_class=StreamingResponse)
def table(day: date, viewer: EditorDep, connection: DatabaseDep) -> StreamingResponse:
    """The CSV file of a day as it was made."""
    packed = _files(connection, day).csv
    audit(viewer, "read_report", day=str(day), file="blocked_report.csv")
    headers = {"Content-Disposition": f'attachment; filename="blocked_report_{day}.csv"'}
    return StreamingResponse(_unpacked(packed), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/charts/{name}.svg", response_class=Response)
def chart(
    name: ChartName,
    viewer: ReaderDep,
    connection: DatabaseDep,
    theme: Annotated[Literal["light", "dark"], Query()] = "light",
) -> Response:
    """A chart of the newest daily report."""
    days: list[ReportDay] = report_days(connection, limit=1)
    svg = draw(name, days[0].summary, INK[theme]) if days else None
    if svg is None:
        raise HTTPException(404, "There is nothing to draw yet: the first daily report is made after the first day.")
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"}
    return Response(svg, media_type="image/svg+xml", headers=policy | {"Cache-Control": "private, max-age=300"})


@functools.cache
def _style() -> bytes:
    return (files("ses_bounces.web") / "static" / "document.css").read_bytes()


def _unpacked(packed: bytes) -> Iterator[bytes]:
    with gzip.open(io.BytesIO(packed)) as file:
        # A quarter of a megabyte at a time: the file of a long list has tens of them.
        while part := file.read(262_144):
            yield part


def _files(connection: DatabaseDep, day: date) -> ReportFiles:
    with reading(connection):
        kept = report_files(connection, day)
    if kept is None:
        raise HTTPException(404, f"There is no report of {day}: it is not made yet, or no longer kept.")
    return kept
