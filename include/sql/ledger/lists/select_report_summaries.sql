-- The daily reports that are kept, without their files, the newest first. Locks: none.
SELECT r.day, r.made_at, r.revision, r.stale,
    r.made_at >= ses_bounces.day_start(r.day + 1, r.timezone),
    r.summary
FROM ses_bounces.report_day r
ORDER BY r.day DESC
