-- The files of a report, gzipped, its summary, and when it was made.
--   day  the day. Locks: none.
SELECT r.made_at, r.csv, r.html, r.summary FROM ses_bounces.report_day r WHERE r.day = %(day)s
