-- Keep a drift report, and forget those whose time has come. Yields its id. Locks: the rows written.
-- Parameters:
--   counts: jsonb       how many addresses differ, by kind
--   csv: bytea          the table, gzipped
--   days_kept: integer  how long a report is kept
WITH forgotten AS (
    DELETE FROM ses_bounces.suppression_drift d WHERE d.made_at < now() - make_interval(days => %(days_kept)s)
)
INSERT INTO ses_bounces.suppression_drift (counts, csv) VALUES (%(counts)s, %(csv)s)
RETURNING suppression_drift_id
