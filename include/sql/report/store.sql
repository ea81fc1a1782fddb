-- Store a report whose content is new; it counts as stale until settle.
-- Locks: its row.
-- Parameters:
--   day: date                the report's
--   timezone: text           whose day it is
--   made_at: timestamptz     when it was made
--   ledger_position: bigint  the last entry that it saw
--   revision: integer        how often the day was reported, this time included
--   summary: jsonb           its figures
--   html, csv: bytea         its files, gzipped
INSERT INTO ses_bounces.report_day AS r (
    day, timezone, made_at, ledger_position, revision, stale, summary, html, csv
)
VALUES (
    %(day)s, %(timezone)s, %(made_at)s, %(ledger_position)s, %(revision)s, true, %(summary)s, %(html)s, %(csv)s
)
ON CONFLICT (day) DO UPDATE
SET timezone = excluded.timezone, made_at = excluded.made_at, ledger_position = excluded.ledger_position,
    revision = excluded.revision, stale = true, published_at = NULL, summary = excluded.summary,
    html = excluded.html, csv = excluded.csv
