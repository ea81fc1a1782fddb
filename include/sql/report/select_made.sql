-- The report that a day has: revision, when it was made, summary, and digests of its files.
-- Locks: none.
-- Parameters:
--   day: date  the report's
SELECT r.revision, r.made_at, r.summary, sha256(r.csv), sha256(r.html)
FROM ses_bounces.report_day r
WHERE r.day = %(day)s
