-- The days that need no new report: it is of this zone, was made when the day was over, and nothing came in since.
-- Locks: none.
-- Parameters:
--   zone: text  time zone
SELECT r.day
FROM ses_bounces.report_day r
WHERE NOT r.stale AND r.timezone = %(zone)s AND r.made_at >= ses_bounces.day_start(r.day + 1, r.timezone)
