-- Mark the reports of the days that a gap of the feed reaches into, to be made again. Locks: the rows updated.
-- Parameters:
--   first, last: timestamptz  of the gap
UPDATE ses_bounces.report_day r
SET stale = true
WHERE NOT r.stale AND ses_bounces.day_start(r.day, r.timezone) < %(last)s
    AND ses_bounces.day_start(r.day + 1, r.timezone) > %(first)s
