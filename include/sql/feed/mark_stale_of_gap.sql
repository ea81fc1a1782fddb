-- Reports of the days that a gap of the feed reaches into are to be made again. Locks: the rows updated.
-- Parameters:
--   first, last: timestamptz  of the gap
UPDATE ses_bounces.report_day r
SET stale = true
WHERE NOT r.stale AND r.day::timestamp AT TIME ZONE r.timezone < %(last)s
    AND (r.day + 1)::timestamp AT TIME ZONE r.timezone > %(first)s
