"""How many rows Postgres has read, by table: what a plan looked up, and what it read through."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# What the statistics of Postgres 14 may be behind, and a margin.
COLLECTOR_SECONDS = 0.7
_READ = """
SELECT t.relname, t.seq_tup_read + coalesce(sum(i.idx_tup_read), 0)::bigint
FROM pg_stat_user_tables t
LEFT JOIN pg_stat_user_indexes i USING (relid)
WHERE t.relname = ANY (%(tables)s) OR %(tables)s = '{}'
GROUP BY t.relid, t.relname, t.seq_tup_read
"""


def rows_read(connection: Connection, *tables: str) -> Counter[str]:
    """Return the rows that this connection, and those that are closed, have read of each table, by scans and by indexes.

    :param tables: their names; none: all.
    """
    flush_statistics(connection)
    return Counter(dict(connection.execute(_READ, {"tables": list(tables)}).fetchall()))


def flush_statistics(connection: Connection) -> None:
    """Have the statistics say what this session has read and written so far."""
    if connection.info.server_version >= 150000:
        connection.execute("SELECT pg_stat_force_next_flush()")
        return
    # Before Postgres 15 a session reports at the end of a statement, if half a second has passed, to another process.
    for query in ("SELECT 1", "SELECT pg_stat_clear_snapshot()"):
        time.sleep(COLLECTOR_SECONDS)
        connection.execute(query)
