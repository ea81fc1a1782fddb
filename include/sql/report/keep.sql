-- A report made again came out the same: note when; it counts as stale until settle.
-- Locks: its row.
-- Parameters:
--   day: date             the report's
--   made_at: timestamptz  when it was made now
UPDATE ses_bounces.report_day r SET made_at = %(made_at)s, stale = true WHERE r.day = %(day)s
