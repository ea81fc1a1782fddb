-- Delete the reports of days before the retention.
--   days_kept  days back from today, each in its report's time zone. Locks: the rows deleted.
DELETE FROM ses_bounces.report_day r
WHERE r.day < (now() AT TIME ZONE r.timezone)::date - %(days_kept)s::int
