"""The daily reports that are kept, and the charts of the newest one."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from ses_bounces.ledger.lists.blocked import count_causes
from ses_bounces.ledger.lists.engine.query import reading
from ses_bounces.ledger.lists.reports import ReportDay, report_days
from ses_bounces.report.charts import ChartName, draw
from ses_bounces.report.kept import ReportFiles, report_files
from ses_bounces.web.access import EditorDep, ReaderDep
from ses_bounces.web.audit import audit
from ses_bounces.web.dependencies import DatabaseDep
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.render import page

router = APIRouter(route_class=OwnThreads)

# The document of a day has its style in it, and nothing else that acts.
DOCUMENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
INK = {"light": "#1a2133", "dark": "#e8ecf4"}


@router.get("/reports", response_class=HTMLResponse)
def show_all(request: Request, viewer: ReaderDep, connection: DatabaseDep) -> HTMLResponse:
    """The Email Blocked Report: totals, charts, and the reports of past days."""
    return page(
        request, viewer, "reports.html", section="reports", totals=count_causes(connection),
        reports=report_days(connection),
    )  # fmt: skip


@router.get("/reports/{day}", response_class=HTMLResponse)
def show(request: Request, day: date, viewer: EditorDep, connection: DatabaseDep) -> HTMLResponse:
    """The report of a day, within our navigation."""
    days = report_days(connection)
    found = next((report for report in days if report.day == day), None)
    if found is None:
        raise HTTPException(404, f"There is no report of {day}: it is not made yet, or no longer kept.")
    place = days.index(found)
    return page(
        request, viewer, "report.html", section="reports", report=found,
        later=days[place - 1] if place else None, earlier=days[place + 1] if place + 1 < len(days) else None,
    )  # fmt: skip


@router.get("/reports/{day}/document", response_class=HTMLResponse)
def document(day: date, viewer: EditorDep, connection: DatabaseDep) -> Response:
    """The page of a day as it was made."""
    html = _files(connection, day).html
    audit(viewer, "read_report", day=str(day), file="blocked_report.html")
    return HTMLResponse(gzip.decompress(html), headers={"Content-Security-Policy": DOCUMENT_POLICY})


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
    days: list[ReportDay] = report_days(connection)
    svg = draw(name, days[0].summary, INK[theme]) if days else None
    if svg is None:
        raise HTTPException(404, "There is nothing to draw yet: the first daily report is made after the first day.")
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"}
    return Response(svg, media_type="image/svg+xml", headers=policy | {"Cache-Control": "private, max-age=300"})


def _unpacked(packed: bytes) -> Iterator[bytes]:
    with gzip.open(io.BytesIO(packed)) as file:
        # A quarter of a megabyte at a time: the file of a long list has tens of them.
        while part := file.read(262_144):
            yield part


def _files(connection: DatabaseDep, day: date) -> ReportFiles:
    with reading(connection):
        files = report_files(connection, day)
    if files is None:
        raise HTTPException(404, f"There is no report of {day}: it is not made yet, or no longer kept.")
    return files
