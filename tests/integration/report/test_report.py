"""The daily Email Blocked Report against histories computed by hand."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import os
import stat
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from ses_bounces.base.database.statements import statement
from ses_bounces.base.spreadsheet import neutral, plain
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.lists.reports import report_days, report_of
from ses_bounces.ledger.writing import writing
from ses_bounces.report import files
from ses_bounces.report.charts import PAGE_INK, ChartName, draw
from ses_bounces.report.csv_file import REPORT_COLUMNS, blocked_csv
from ses_bounces.report.days import due_days
from ses_bounces.report.files import publish_reports
from ses_bounces.report.making import make_report
from tests.kit.days import today

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

UTC_ZONE = ZoneInfo("UTC")


def reported_day() -> date:
    return today() - timedelta(days=3)


def moment(days_after: float) -> datetime:
    return datetime.combine(reported_day(), time(), UTC) + timedelta(days=days_after)


def record(connection: Connection, kind: str, name: str, days_after: float, **fields: Any) -> None:
    lifts = fields.pop("lifts", None)
    key = f"{kind[:4]}{name}{days_after}".encode()[:16].ljust(16)
    address = name if "@" in name else f"{name}@example.com"
    entry = Entry(kind, address, name, moment(days_after), key, **fields)
    with writing(connection) as writer:
        writer.append([(entry, None)], "ses", lifts)


def history(connection: Connection) -> None:
    connection.execute("INSERT INTO ses_bounces.queue VALUES ('q', 'q', %s, now(), now(), NULL)", [moment(-1)])
    record(connection, "permanent_bounce", "before", -0.5)
    record(connection, "complaint", "new", 0.5, source="=cmd", diagnostic_code='"><script>alert(1)</script>')
    record(connection, "permanent_bounce", "lifted", -0.4)
    record(connection, "unblocked", "lifted", 0.6, lifts=["permanent_bounce"])
    record(connection, "transient_bounce", "soon", -0.2, deadline=moment(2.2), policy="age")
    record(connection, "transient_bounce", "later", 0.2, deadline=moment(14.2), policy="age")
    record(connection, "permanent_bounce", "after", 1.5)


def stored(connection: Connection, day: date, column: str) -> bytes:
    row = connection.execute(f"SELECT {column} FROM ses_bounces.report_day WHERE day = %s", [day]).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return gzip.decompress(row[0])


@pytest.mark.parametrize("name", ["history", "domains", "days_left"])
def test_the_page_draws_the_charts_of_the_report(database: Connection, name: ChartName) -> None:
    history(database)
    # The longest name has the most, and one that is short some: jsonb keeps no order of ours.
    for domain, blocked in (("the-longest-name.example", 4), ("b.example", 3), ("middle.example", 2), ("a.example", 3)):
        for n in range(blocked):
            record(database, "permanent_bounce", f"{n}@{domain}", -0.3)
    make_report(database, reported_day(), UTC_ZONE)
    [report] = report_days(database)
    summary = report.summary
    drawn = draw(name, summary, PAGE_INK)
    assert drawn is not None
    assert drawn in stored(database, reported_day(), "html").decode()
    assert draw(name, summary | {"new_by_day": {}, "top_domains": {}, "transients_by_days_left": {}}, "#000") is None


def test_numbers_and_rows_of_a_past_day(database: Connection) -> None:
    history(database)
    summary = make_report(database, reported_day(), UTC_ZONE)
    assert summary.by_reason == {"permanent_bounce": 1, "complaint": 1}
    assert (summary.blocked_addresses, summary.new_addresses, summary.lifted) == (2, 1, 1)
    assert (summary.transients_open, summary.due_within_48_hours) == (2, 1)
    assert summary.transients_by_days_left == {"2": 1, "14": 1}
    assert summary.new_by_day[reported_day().isoformat()] == {"complaint": 1}
    assert (summary.bounces, summary.complaints) == (1, 1)
    rows = list(csv.DictReader(io.StringIO(stored(database, reported_day(), "csv").decode())))
    assert [(row["address"], row["reason"], row["source_identity"]) for row in rows] == [
        ("before@example.com", "permanent_bounce", ""),
        ("new@example.com", "complaint", "'=cmd"),
    ]


def test_the_page_shows_values_as_text_and_holds_no_script(database: Connection) -> None:
    history(database)
    make_report(database, reported_day(), UTC_ZONE)
    html = stored(database, reported_day(), "html").decode()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html
    for address in ("new@example.com", "lifted@example.com", "soon@example.com"):
        assert address in html
    for address in ("after@example.com", "later@example.com"):
        assert address not in html
    assert "<svg" in html


def test_days_are_due_until_made_and_again_when_something_late_comes(database: Connection) -> None:
    assert due_days(database, UTC_ZONE, 45) == []
    history(database)
    days = [reported_day() + timedelta(days=n) for n in (-1, 0, 1, 2)]
    assert due_days(database, UTC_ZONE, 45) == days
    assert due_days(database, UTC_ZONE, 2) == days[2:]
    for day in days:
        assert make_report(database, day, UTC_ZONE).revision == 0
    assert due_days(database, UTC_ZONE, 45) == []
    record(database, "permanent_bounce", "late", 0.9)
    assert due_days(database, UTC_ZONE, 45) == days[1:]
    assert make_report(database, reported_day(), UTC_ZONE).revision == 1
    assert due_days(database, UTC_ZONE, 45) == days[2:]


def test_a_report_is_found_by_its_day_and_by_no_other(database: Connection) -> None:
    make_report(database, reported_day(), UTC_ZONE)
    found = report_of(database, reported_day())
    assert found is not None
    assert found.day == reported_day()
    for day in (date.min, reported_day() - timedelta(days=1), reported_day() + timedelta(days=1), date.max):
        assert report_of(database, day) is None


def test_one_ledger_gives_one_report(database: Connection) -> None:
    history(database)
    make_report(database, reported_day(), UTC_ZONE)
    columns = "csv, html, summary, revision"
    before = database.execute(f"SELECT {columns} FROM ses_bounces.report_day").fetchall()
    record(database, "permanent_bounce", "tomorrow", 1.6)
    make_report(database, reported_day(), UTC_ZONE)
    assert database.execute(f"SELECT {columns} FROM ses_bounces.report_day").fetchall() == before


def test_a_day_without_anything(database: Connection) -> None:
    assert make_report(database, reported_day(), UTC_ZONE).blocked_addresses == 0
    assert "Nobody is blocked." in stored(database, reported_day(), "html").decode()


def test_days_are_those_of_the_zone(database: Connection) -> None:
    database.execute("INSERT INTO ses_bounces.queue VALUES ('q', 'q', now(), now(), now(), NULL)")
    zone = ZoneInfo("America/New_York")
    midnight = datetime(2026, 3, 8, tzinfo=zone)  # clocks go forward that night
    for name, at in (("first", midnight), ("last", midnight + timedelta(hours=22, minutes=59)), ("next", midnight)):
        day_after = timedelta(hours=23) if name == "next" else timedelta(0)
        entry = Entry("complaint", f"{name}@example.com", name, at.astimezone(UTC) + day_after, name.encode().ljust(16))
        with writing(database) as writer:
            writer.append([(entry, None)])
    assert make_report(database, date(2026, 3, 8), zone).new_addresses == 2


ZONES = (
    # Midnight twice, none, and both; half an hour; a day left out; and plain ones.
    "America/Havana", "Atlantic/Azores", "America/Sao_Paulo", "Asia/Beirut", "America/Asuncion", "America/Santiago",
    "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "America/New_York", "Asia/Kolkata", "UTC",
)  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_with_the_first_moment_of_its_date(database: Connection, zone: str) -> None:
    first, last = date(2011, 1, 1), date(2012, 1, 31)
    query = (
        "SELECT d::date, ses_bounces.day_start(d::date, %(zone)s)"
        " FROM generate_series(%(first)s::date, %(last)s::date, '1 day') d"
    )
    moments = dict(database.execute(query, {"zone": zone, "first": first, "last": last}).fetchall())
    local = ZoneInfo(zone)
    at = datetime(2010, 12, 31, tzinfo=UTC)
    for day, begins in moments.items():
        while at.astimezone(local).date() < day:
            at += timedelta(minutes=15)
        assert begins == at, day


def test_what_happens_in_the_first_of_two_midnights_is_of_that_day(database: Connection) -> None:
    """On 1 November 2026 clocks in Havana go back from one o'clock to midnight."""
    database.execute("INSERT INTO ses_bounces.queue VALUES ('q', 'q', now(), now(), now(), NULL)")
    zone = ZoneInfo("America/Havana")
    midnight = datetime(2026, 11, 1, 4, tzinfo=UTC)
    minute = timedelta(minutes=1)
    # The day has 25 hours.
    times = {"day before": midnight - minute, "first": midnight, "second": midnight + 61 * minute,
             "last": midnight + timedelta(hours=25) - minute, "day after": midnight + timedelta(hours=25)}  # fmt: skip
    for name, at in times.items():
        entry = Entry("complaint", f"{name[-3:]}@example.com", name, at, name.encode().ljust(16))
        with writing(database) as writer:
            writer.append([(entry, None)])
    assert make_report(database, date(2026, 10, 31), zone).new_addresses == 1
    made = make_report(database, date(2026, 11, 1), zone)
    assert made.new_addresses == 3
    assert made.new_by_day == {"2026-10-31": {"complaint": 1}, "2026-11-01": {"complaint": 3}}
    # It is finished when it is over, not an hour before.
    assert make_report(database, date(2026, 11, 2), zone).new_addresses == 1


def test_publishing(database: Connection, tmp_path: Path) -> None:
    history(database)
    make_report(database, reported_day(), UTC_ZONE)
    assert publish_reports(database, tmp_path.as_uri(), None) == 1
    folder = tmp_path / reported_day().isoformat()
    assert sorted(path.name for path in folder.iterdir()) == [
        "blocked_report.csv",
        "blocked_report.html",
        "summary.json",
    ]
    assert json.loads((folder / "summary.json").read_text())["blocked_addresses"] == 2
    assert publish_reports(database, tmp_path.as_uri(), None) == 0


def test_published_files_are_for_nobody_else(database: Connection, tmp_path: Path) -> None:
    history(database)
    make_report(database, reported_day(), UTC_ZONE)
    root = tmp_path / "team" / "reports"
    # As version 0.1.0 left it behind, when it was ended.
    folder = tmp_path / "old" / reported_day().isoformat()
    folder.mkdir(0o755, parents=True)
    (folder / ".blocked_report.csv.part").write_text("")
    (folder / "blocked_report.csv").write_text("")
    for place in (root, tmp_path / "old"):
        before = stat.S_IMODE(tmp_path.stat().st_mode)
        umask = os.umask(0)
        try:
            assert publish_reports(database, place.as_uri(), None) == 1
        finally:
            os.umask(umask)
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (place / reported_day().isoformat()).iterdir()}
        assert set(modes.values()) == {0o600}, modes
        assert len(modes) == 3
        assert stat.S_IMODE((place / reported_day().isoformat()).stat().st_mode) == 0o700
        # What was there before is left as it was.
        assert stat.S_IMODE(tmp_path.stat().st_mode) == before
        database.execute("UPDATE ses_bounces.report_day SET published_at = NULL")
    assert [stat.S_IMODE(made.stat().st_mode) for made in (root, root.parent)] == [0o700, 0o700]


def test_half_a_report_has_no_summary(database: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history(database)
    make_report(database, reported_day(), UTC_ZONE)
    folder = tmp_path / reported_day().isoformat()
    folder.mkdir()
    (folder / "summary.json").write_text("of an earlier revision")
    write = files.write_file

    def full(folder: Any, name: str, content: bytes) -> None:
        if name.endswith(".html"):
            raise OSError("the disk is full")
        write(folder, name, content)

    monkeypatch.setattr(files, "write_file", full)
    with pytest.raises(OSError, match="the disk is full"):
        publish_reports(database, tmp_path.as_uri(), None)
    assert [path.name for path in folder.iterdir()] == ["blocked_report.csv"]
    assert database.execute("SELECT published_at FROM ses_bounces.report_day").fetchone() == (None,)


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", " =1", '"=1', "\t1", "＝1", "－1", "﹢1", "\xa0=1", "\u200b@x", "\ufeff=1"]
)
def test_a_formula_at_the_beginning_is_neutralised(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("separator", [*";|\t\r\n\v\f", "\x85", "\u2028", "\r\n", ";;"])
@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@x", " =1", "＝1", "\xa0＋1"])
def test_a_formula_behind_what_another_spreadsheet_takes_for_a_separator_is_neutralised(
    separator: str, formula: str
) -> None:
    assert neutral(f"550 5.1.1{separator}{formula}{separator}{formula}") == (
        f"550 5.1.1{separator}'{formula}{separator}'{formula}"
    )


@pytest.mark.parametrize("cell", ["a@example.com", "smtp; 550", "", "2026-01-01", "a=b+c-d@e", "x; y = z"])
def test_other_cells_stay(cell: str) -> None:
    assert neutral(cell) == cell


def test_what_was_neutralised_is_read_back() -> None:
    cells = [
        "".join(parts)
        for parts in itertools.product(
            (
                "",
                *" '\"=@\t\n;a＝\u200b",
            ),
            repeat=5,
        )
    ]
    assert [plain(neutral(cell)) for cell in cells] == cells


def test_no_cell_of_the_file_is_a_formula_and_each_is_the_one_it_was(database: Connection) -> None:
    """Whatever three characters a cell begins with, Postgres neutralises as Python does, and quotes as it reads."""
    cells = [
        "".join(parts)
        for parts in itertools.product(
            ("", "a", *" '\"=+-@\t\r\n,＝;|\v\f\x85\u2028\xa0\u200b\xad\ufe63", "\\."), repeat=3
        )
    ]
    with database.transaction():
        database.execute(
            'CREATE TEMP TABLE report_block (address text COLLATE "C", reason text, since timestamptz, event_id bigint,'
            " first_bounced_at timestamptz, last_bounced_at timestamptz, bounce_count bigint, weight int) ON COMMIT DROP"
        )
        database.execute(
            "INSERT INTO report_block SELECT c.cell, 'complaint', now(), n, NULL, now(), 1, n"
            " FROM unnest(%s::text[]) WITH ORDINALITY c(cell, n)",
            [cells],
        )
        database.execute(
            "INSERT INTO ses_bounces.address_event (event_id, address_id, kind, occurred_at, dedup_key, actor,"
            " diagnostic_code, source, rules_version) OVERRIDING SYSTEM VALUE SELECT b.event_id, b.event_id, 'complaint',"
            " now(), decode(md5(b.event_id::text), 'hex'), 'ses', b.address, reverse(b.address), 1 FROM report_block b"
        )
        rows = database.execute(statement("report/select_rows")).fetchall()
        table = gzip.decompress(blocked_csv(database))
    read = list(csv.reader(io.StringIO(table.decode(), newline="")))
    assert read == [list(REPORT_COLUMNS), *([neutral(cell) for cell in row] for row in rows)]
    assert len(rows) == len(cells)
    assert sum(cell.startswith("'") for line in read for cell in line) > len(cells)
    # What is empty is as what is missing: without quotes.
    assert b"\n,complaint," in table
