-- The moments of a report, and what it can see of the ledger.
-- Yields start and end of the day, the time that the report is as of, the time of reading, the last entry seen, the
-- last one that happened by then (promotions are but a trail), and whether blocks are enforced. A day has its start and
-- not its end, so state is asked for a microsecond before as_of. Locks: none.
-- Parameters:
--   day: date   the day
--   zone: text  its time zone
WITH bounds AS (
    SELECT ses_bounces.day_start(%(day)s::date, %(zone)s) AS starts_at,
        ses_bounces.day_start(%(day)s::date + 1, %(zone)s) AS ends_at
)
SELECT b.starts_at, b.ends_at, least(b.ends_at, now()) AS as_of, now() AS read_at,
    coalesce((SELECT max(e.event_id) FROM ses_bounces.address_event e), 0) AS seen,
    coalesce((
        SELECT max(e.event_id) FROM ses_bounces.address_event e
        WHERE e.occurred_at < least(b.ends_at, now()) AND e.kind <> 'promotion'
    ), 0) AS position,
    ses_bounces.enforced() AS enforce
FROM bounds b
