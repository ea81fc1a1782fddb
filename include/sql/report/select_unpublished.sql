-- The days whose report is still to be written as files. Locks: none.
SELECT r.day FROM ses_bounces.report_day r WHERE r.published_at IS NULL ORDER BY r.day
