-- A report made again came out the same: note when; it counts as stale until report_settle.
--   day, made_at  the day and the time. Locks: its row.
UPDATE ses_bounces.report_day r SET made_at = %(made_at)s, stale = true WHERE r.day = %(day)s
