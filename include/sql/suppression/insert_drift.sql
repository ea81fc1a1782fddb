-- Keep a drift report, and forget those whose time has come. Yields its id. Locks: the rows written.
WITH forgotten AS (
    DELETE FROM ses_bounces.suppression_drift d WHERE d.made_at < now() - make_interval(days => %(days_kept)s)
)
INSERT INTO ses_bounces.suppression_drift (counts, csv) VALUES (%(counts)s, %(csv)s)
RETURNING suppression_drift_id
