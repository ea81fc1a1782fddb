"""Where SES's suppression lists, as last read, differ from our blocked list."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.files import unpack_file

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

DRIFT_COLUMNS = ("drift", "address", "our_reasons", "our_since", "ses_reasons", "ses_since", "ses_regions")
DRIFTS = {
    "theirs_only": "SES suppresses the address, and we know of no other reason",
    "ours_only": "we block the address, and SES does not",
    "reasons_differ": "SES has a complaint where we have a bounce, or the other way round",
}
_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Drift:
    """A drift report: ``counts`` by kind of difference (see DRIFTS), and its id in ``suppression_drift``."""

    drift_id: int
    counts: dict[str, int]


def report_drift(connection: Connection, days_kept: int) -> Drift:
    """Compare our blocked list with SES's lists as last read, and keep the result in ``suppression_drift``.

    :param days_kept: older reports are deleted.
    """
    packed = io.BytesIO()
    counts: Counter[str] = Counter()
    with quiet():
        with connection.transaction():
            _write_drift(connection, packed, counts)
        kept = {"counts": json.dumps(_all(counts)), "csv": packed.getvalue(), "days_kept": days_kept}
        row = connection.execute(statement("suppression/insert_drift"), kept).fetchone()
    assert row is not None
    return Drift(row[0], _all(counts))


def _all(counts: Counter[str]) -> dict[str, int]:
    return {drift: counts[drift] for drift in DRIFTS}


def _write_drift(connection: Connection, packed: io.BytesIO, counts: Counter[str]) -> None:
    from ses_bounces.base.spreadsheet import neutral

    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0, compresslevel=6) as file,
        io.TextIOWrapper(file, "utf-8", newline="") as text,
        connection.cursor("drift_rows") as cursor,
    ):
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(DRIFT_COLUMNS)
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(statement("suppression/select_drift"))
        for row in cursor:
            counts[row[0]] += 1
            writer.writerow([neutral(cell) for cell in row])


def table_of(counts: Mapping[str, int]) -> list[str]:
    """Return the numbers of a drift report as lines of a table: kind of difference, addresses, meaning."""
    first, second = max(map(len, DRIFTS)), max(9, *(len(f"{count:,}") for count in counts.values()))
    lines = [f"{'drift':{first}}  {'addresses':>{second}}  meaning"]
    return [*lines, *(f"{drift:{first}}  {counts[drift]:{second},}  {meaning}" for drift, meaning in DRIFTS.items())]


def publish_drift(connection: Connection, drift: Drift, url: str, conn_id: str | None, day: date) -> None:
    """Write a drift report as ``suppression_drift.csv`` beside the daily report of a day.

    :param url: the setting ``report_url``.
    :param conn_id: Airflow connection of the storage.
    """
    from ses_bounces.base.report_folder import make_folder, report_folder

    query = "SELECT csv FROM ses_bounces.suppression_drift WHERE suppression_drift_id = %s"
    published = "UPDATE ses_bounces.suppression_drift SET published_at = now() WHERE suppression_drift_id = %s"
    with quiet():
        row = connection.execute(query, [drift.drift_id]).fetchone()
        assert row is not None
        folder = report_folder(url, conn_id) / day.isoformat()
        make_folder(folder)
        unpack_file(folder, "suppression_drift.csv", row[0])
        connection.execute(published, [drift.drift_id])
