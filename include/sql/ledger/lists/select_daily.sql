-- What the daily reports counted, the oldest day first. Locks: none.
-- Parameters:
--   days: integer  how many days back from today
SELECT r.day,
    (r.summary ->> 'bounces')::bigint,
    (r.summary ->> 'complaints')::bigint,
    (r.summary ->> 'new_addresses')::bigint,
    (r.summary ->> 'lifted')::bigint,
    (r.summary ->> 'blocked_addresses')::bigint,
    r.made_at >= ses_bounces.day_start(r.day + 1, r.timezone)
FROM ses_bounces.report_day r
WHERE r.day > (now() AT TIME ZONE r.timezone)::date - %(days)s::integer
ORDER BY r.day
