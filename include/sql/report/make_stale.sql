-- Have a report that is about to be replaced count as stale: writers of state then don't wait for its row.
--   day  the day. Locks: its row.
UPDATE ses_bounces.report_day r SET stale = true WHERE r.day = %(day)s AND NOT r.stale
