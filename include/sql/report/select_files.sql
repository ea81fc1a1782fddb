-- The files of a report, gzipped, its summary, and when it was made.
-- Locks: none.
-- Parameters:
--   day: date  the report's
SELECT r.made_at, r.csv, r.html, r.summary FROM ses_bounces.report_day r WHERE r.day = %(day)s
