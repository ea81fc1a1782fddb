-- Have a report that is about to be replaced count as stale: writers of state then don't wait for its row.
-- Locks: its row.
-- Parameters:
--   day: date  the report's
UPDATE ses_bounces.report_day r SET stale = true WHERE r.day = %(day)s AND NOT r.stale
