-- Note that the files of a report were written, unless it was made again meanwhile.
--   day, made_at  the report. Locks: its row.
UPDATE ses_bounces.report_day r SET published_at = clock_timestamp() WHERE r.day = %(day)s AND r.made_at = %(made_at)s
