-- Note that the files of a report were written, unless it was made again meanwhile.
-- Locks: its row.
-- Parameters:
--   day: date             the report's
--   made_at: timestamptz  when it was made
UPDATE ses_bounces.report_day r SET published_at = clock_timestamp() WHERE r.day = %(day)s AND r.made_at = %(made_at)s
