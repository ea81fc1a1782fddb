-- Delete the reports of days before the retention.
-- Locks: the rows deleted.
-- Parameters:
--   days_kept: integer  days back from today, each in its report's time zone
DELETE FROM ses_bounces.report_day r
WHERE r.day < (now() AT TIME ZONE r.timezone)::date - %(days_kept)s::int
