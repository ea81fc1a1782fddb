-- Store a report whose content is new; it counts as stale until report_settle.
--   day, timezone, made_at, ledger_position, revision, summary, html, csv  its columns. Locks: its row.
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
