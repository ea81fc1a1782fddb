-- The days around a daily report that have one: the last before it, the first after it, and the newest of all.
-- Locks: none.
-- Parameters:
--   day: date  of the report; it need not have one
SELECT max(r.day) FILTER (WHERE r.day < %(day)s), min(r.day) FILTER (WHERE r.day > %(day)s), max(r.day)
FROM ses_bounces.report_day r
