-- Begin a reading of one of SES's lists unless one is open: of a date range where one is given, of everything where
-- the last full reading is older than full_every, else of what changed since a day before the last one.
-- Locks: the row inserted.
-- Parameters:
--   account, region: text      the list
--   since, until: timestamptz  the range of dates; null: none
--   full: boolean              everything, whatever was read before
--   full_every: interval       the longest time between two full readings
INSERT INTO ses_bounces.suppression_pass (account, region, since, until)
SELECT %(account)s, %(region)s,
    CASE
        WHEN %(since)s::timestamptz IS NOT NULL OR %(until)s::timestamptz IS NOT NULL THEN %(since)s::timestamptz
        WHEN last.full_at > now() - %(full_every)s::interval AND NOT %(full)s THEN last.started_at - interval '1 day'
    END,
    %(until)s::timestamptz
FROM (
    SELECT max(p.started_at) AS started_at,
        max(p.started_at) FILTER (WHERE p.since IS NULL AND p.until IS NULL) AS full_at
    FROM ses_bounces.suppression_pass p
    WHERE p.account = %(account)s AND p.region = %(region)s AND p.finished_at IS NOT NULL AND p.until IS NULL
) last
ON CONFLICT (account, region) WHERE finished_at IS NULL DO NOTHING
