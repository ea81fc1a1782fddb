-- The daily reports that are kept, without their files, the newest first. Locks: none.
-- Parameters:
--   day: date      only this day; null: all
--   before: date   only earlier days; null: all
--   limit: bigint  the most reports; null: all
SELECT r.day, r.made_at, r.revision, r.stale,
    r.made_at >= ses_bounces.day_start(r.day + 1, r.timezone),
    r.summary
FROM ses_bounces.report_day r
WHERE (%(day)s::date IS NULL OR r.day = %(day)s::date) AND (%(before)s::date IS NULL OR r.day < %(before)s::date)
ORDER BY r.day DESC
LIMIT %(limit)s
