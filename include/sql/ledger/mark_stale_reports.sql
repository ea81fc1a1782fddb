-- Mark the reports of days that new ledger entries reach into, to be made again.
-- Locks: the rows updated.
-- Parameters:
--   since: timestamptz  the earliest time of the new entries
UPDATE ses_bounces.report_day r
SET stale = true
WHERE NOT r.stale
    -- No zone is a day from UTC: few are looked at closely.
    AND r.day >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date - 2
    AND ses_bounces.day_start(r.day + 1, r.timezone) > %(since)s
