-- The days that can have a report: today in the zone, and the day of the first drain, NULL before it.
-- What was received before the first noted drain is looked for only where its day can still be reported. Locks: none.
-- Parameters:
--   zone: text          time zone
--   days_kept: integer  how many days back from today are looked at
WITH known AS (
    SELECT (now() AT TIME ZONE %(zone)s)::date AS today,
        (SELECT min(q.first_drained_at) FROM ses_bounces.queue q) AS drained_at
)
SELECT k.today, (least(k.drained_at, (
    SELECT m.received_at
    FROM ses_bounces.message m
    WHERE m.received_at < coalesce(k.drained_at, 'infinity')
        AND m.received_at >= ses_bounces.day_start(k.today - %(days_kept)s::int, %(zone)s)
    ORDER BY m.received_at
    LIMIT 1
)) AT TIME ZONE %(zone)s)::date
FROM known k
