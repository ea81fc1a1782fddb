-- What servers said to the last bounces of a day, the newest first. Locks: none.
-- Parameters:
--   day: date      in UTC
--   upto: bigint   entries up to this one
--   limit: bigint  the most
SELECT f.day, f.provider, left(f.diagnostic_code, 1000), a.address
FROM ses_bounces.figure_entry f
JOIN ses_bounces.address a USING (address_id)
WHERE f.occurred_at >= %(day)s::timestamp AT TIME ZONE 'UTC'
    AND f.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC' AND f.event_id <= %(upto)s
    AND f.kind IN ('permanent_bounce', 'transient_bounce') AND f.diagnostic_code IS NOT NULL
ORDER BY f.occurred_at DESC, f.event_id DESC
LIMIT %(limit)s
