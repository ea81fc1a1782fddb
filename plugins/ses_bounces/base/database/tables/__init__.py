"""The tables of Postgres schema ``ses_bounces``: the one definition; migrations must lead to it (a test compares).

Each of these modules adds its tables to ``metadata``. Times are ``timestamptz``. Functions and views are in
include/sql, and every upgrade makes them again.
"""

from __future__ import annotations

from ses_bounces.base.database.tables import (  # noqa: F401
    brake,
    doctor,
    erasure,
    feed,
    figures,
    ledger,
    pages,
    people,
    report,
    runs,
    suppression,
)
from ses_bounces.base.database.tables.columns import metadata as metadata
