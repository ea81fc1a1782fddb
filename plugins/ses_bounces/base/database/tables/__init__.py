"""The metadata of the whole schema: each of these modules adds its tables to it."""

from __future__ import annotations

from ses_bounces.base.database.tables import brake, erasure, feed, pages, people, report, runs, suppression  # noqa: F401
from ses_bounces.base.database.tables.ledger import metadata as metadata
