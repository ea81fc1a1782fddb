-- Reports of days that new ledger entries reach into are to be made again.
-- Locks: the rows updated.
-- Parameters:
--   since: timestamptz  the earliest time of the new entries
UPDATE ses_bounces.report_day r
SET stale = true
WHERE NOT r.stale AND ((r.day + 1)::timestamp AT TIME ZONE r.timezone) > %(since)s
