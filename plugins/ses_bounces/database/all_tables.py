"""The metadata of the whole schema: each of these modules adds its tables to it."""

from __future__ import annotations

from ses_bounces.database import (  # noqa: F401
    aws_tables,
    brake_tables,
    feed_tables,
    flag_tables,
    keeping_tables,
    notice_tables,
    page_tables,
    run_tables,
)
from ses_bounces.database.tables import metadata as metadata
