"""How the hot tables are stored and vacuumed, where Postgres's defaults are for tables that stay small.

Migrations set these; a test compares. `Storage parameters
<https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-STORAGE-PARAMETERS>`_.
"""

from __future__ import annotations

# Rows come and stay: a fifth of them, the default, would be millions without statistics, and read from the table
# where their index would do.
_GROWS = {"autovacuum_vacuum_insert_scale_factor": "0.02", "autovacuum_analyze_scale_factor": "0.02"}
# Rows also change or go, and each change is an entry in each of many indexes.
_CHANGES = {"autovacuum_vacuum_scale_factor": "0.05", **_GROWS}

STORAGE: dict[str, dict[str, str]] = {
    "address": _GROWS,
    "address_event": _GROWS,
    # Its GIN index collects what is new in a list that every search reads, until a vacuum.
    "address_search": _GROWS,
    "bounce_list": _CHANGES,
    "blocked_list": _CHANGES,
    # A queue: whatever it once held, what is gone must not be read over and over.
    "flag_due": {"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "5000"},
    # Each mailing updates all of it, neighbours together. With half of a page left free, the new row is beside the old
    # one and its index is left alone.
    "last_delivery": {"fillfactor": "50"},
}
"""Storage parameters by table of schema ``ses_bounces``; tables not named here have the defaults."""
