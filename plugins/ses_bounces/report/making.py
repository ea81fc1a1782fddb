"""The daily Email Blocked Report: which days need one, making it, and writing its files."""

from __future__ import annotations

import gzip
import json
import logging
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.writing import lock_state
from ses_bounces.report.charts import HISTORY_DAYS
from ses_bounces.report.csv_file import blocked_csv
from ses_bounces.report.days import _MOMENT
from ses_bounces.report.page import ReportPage, ShownRows, render
from ses_bounces.report.summary import Summary
from ses_bounces.report.where import read_where

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)

ROWS_SHOWN = 500
DOMAINS_SHOWN = 10
DUE_SOON = timedelta(hours=48)


def make_report(connection: Connection, day: date, zone: ZoneInfo) -> Summary:
    """Make the report of a day as of its end, or as of now where it is not over, and store it in ``report_day``.

    One ledger gives one report, byte for byte. A report whose content changed gets the next revision.

    :raises DatabaseError: nothing is stored; repeat.
    """
    with quiet():
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            page, moments, table = _read(connection, day, zone)
        return _store(connection, page, moments, table)


def _compute_states(connection: Connection, at: datetime) -> None:
    """Fill the temporary tables with what each address and block was at a time."""
    connection.execute(statement("report/create_states"), {"at": at, "known_at": None})
    connection.execute("ANALYZE report_state")
    connection.execute(statement("report/create_blocks"), {"at": at, "known_at": None})
    connection.execute("ANALYZE report_block")


def _read(connection: Connection, day: date, zone: ZoneInfo) -> tuple[ReportPage, dict[str, Any], bytes]:
    execute = connection.execute
    moments = _moments(connection, day, zone)
    at = moments["as_of"] - _MOMENT
    starts_at: datetime = moments["starts_at"]
    until = moments["as_of"] + DUE_SOON
    _compute_states(connection, at)
    reasons = execute(statement("report/select_reasons"), {"since": starts_at}).fetchall()
    blocked, new = next(((total, fresh) for reason, total, fresh in reasons if reason is None), (0, 0))
    span = {"since": starts_at, "at": at}
    ids = [id_ for (id_,) in execute(statement("report/select_unblocked"), span)]
    again = {"ids": ids, "before": starts_at - _MOMENT, "at": at, "limit": ROWS_SHOWN}
    lifted = _listed(execute(statement("report/select_lifted"), again).fetchall())
    entries: dict[str, int] = dict(execute(statement("report/select_entries"), span).fetchall())
    near = {"as_of": moments["as_of"], "until": until}
    due = _listed(execute(statement("report/select_due"), near | {"limit": ROWS_SHOWN}).fetchall())
    transients = execute(statement("report/select_transients"), {"as_of": moments["as_of"]}).fetchall()
    domains = {"since": datetime.min.replace(tzinfo=starts_at.tzinfo), "limit": DOMAINS_SHOWN}
    history_since = starts_at.astimezone(zone) - timedelta(days=HISTORY_DAYS - 1)
    history = execute(statement("report/select_history"), {"since": history_since, "zone": zone.key}).fetchall()
    new_rows = execute(statement("report/select_new"), {"since": starts_at, "limit": ROWS_SHOWN}).fetchall()
    gaps = execute(statement("report/select_gaps"), {"starts_at": starts_at, "ends_at": moments["as_of"]}).fetchall()
    where = read_where(connection, day, starts_at, at)
    summary = Summary(
        day=day.isoformat(),
        timezone=zone.key,
        enforce=moments["enforce"],
        revision=0,
        ledger_position=moments["position"],
        blocked_addresses=blocked,
        by_reason={reason: total for reason, total, _ in reasons if reason},
        new_addresses=new,
        new_by_reason={reason: fresh for reason, _, fresh in reasons if reason and fresh},
        new_by_day=_by_day(history),
        lifted=lifted.total,
        transients_open=sum(count for _, count in transients),
        transients_by_days_left={str(days): count for days, count in sorted(transients, key=_days) if days is not None},
        due_within_48_hours=due.total,
        bounces=entries.get("permanent_bounce", 0) + entries.get("transient_bounce", 0),
        complaints=entries.get("complaint", 0),
        top_domains=dict(execute(statement("report/select_domains"), domains).fetchall()),
        may_lack=[_gap(zone, *gap) for gap in gaps],
        where=where.summary(),
    )
    page = ReportPage(
        day=day,
        zone=zone.key,
        is_over=moments["as_of"] == moments["ends_at"],
        summary=summary,
        new=ShownRows(sum(fresh for reason, _, fresh in reasons if reason), new_rows),
        lifted=lifted,
        due=due,
        due_domains=execute(statement("report/select_due_domains"), near | {"limit": DOMAINS_SHOWN}).fetchall(),
        history=history,
        days_left=transients,
        where=where,
    )
    return page, moments, blocked_csv(connection)


def _moments(connection: Connection, day: date, zone: ZoneInfo) -> dict[str, Any]:
    """Return when the day begins and ends, up to when it is reported, and what was on record then."""
    cursor = connection.execute(statement("report/select_moments"), {"day": day, "zone": zone.key})
    row = cursor.fetchone()
    assert row is not None
    return dict(zip((column.name for column in cursor.description or ()), row, strict=True))


def _gap(zone: ZoneInfo, queue: str, first: datetime, last: datetime, cause: str) -> dict[str, str]:
    return {
        "queue": queue,
        "first": first.astimezone(zone).isoformat(timespec="minutes"),
        "last": last.astimezone(zone).isoformat(timespec="minutes"),
        "cause": cause,
    }


def _by_day(history: list[tuple[date, str, int]]) -> dict[str, dict[str, int]]:
    days: dict[str, dict[str, int]] = {}
    for day, reason, count in history:
        days.setdefault(day.isoformat(), {})[reason] = count
    return days


def _days(transient: tuple[int | None, int]) -> int:
    return transient[0] or 0


def _listed(rows: list[tuple[Any, ...]]) -> ShownRows:
    return ShownRows(rows[0][0] if rows else 0, [row[1:] for row in rows])


def _store(connection: Connection, page: ReportPage, moments: dict[str, Any], table: bytes) -> Summary:
    """Store the report unless the day has the same one, and say whether it was overtaken by new entries meanwhile."""
    from dataclasses import replace
    from hashlib import sha256

    day, made_at = page.day, moments["read_at"]
    with connection.transaction():
        connection.execute(statement("report/lock"))
        connection.execute(statement("report/make_stale"), {"day": day})
        row = connection.execute(statement("report/select_made"), {"day": day}).fetchone()
        revision = row[0] if row else 0
        summary = replace(page.summary, revision=revision)
        html = _page(replace(page, summary=summary))
        is_same = row is not None and (row[2], bytes(row[3]), bytes(row[4])) == (
            asdict(summary), sha256(table).digest(), sha256(html).digest(),
        )  # fmt: skip
        if is_same:
            connection.execute(statement("report/keep"), {"day": day, "made_at": made_at})
        else:
            if row is not None and row[2] is not None:
                summary = replace(summary, revision=revision + 1)
                html = _page(replace(page, summary=summary))
            connection.execute(
                statement("report/store"),
                {
                    "day": day,
                    "timezone": page.zone,
                    "made_at": made_at,
                    "ledger_position": summary.ledger_position,
                    "revision": summary.revision,
                    "summary": json.dumps(asdict(summary)),
                    "html": html,
                    "csv": table,
                },
            )
    with connection.transaction():
        lock_state(connection)
        settled = {"day": day, "made_at": made_at, "seen": moments["seen"], "ends_at": moments["ends_at"]}
        connection.execute(statement("report/settle"), settled)
    return summary


def _page(page: ReportPage) -> bytes:
    return gzip.compress(render(page).encode(), compresslevel=6, mtime=0)
