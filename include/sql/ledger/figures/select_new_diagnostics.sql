-- What servers said to the last of some new bounces. Locks: none.
-- Parameters:
--   after, upto: bigint  entries behind the first, up to the second
--   limit: bigint        the most
WITH last AS MATERIALIZED (
    SELECT e.event_id
    FROM ses_bounces.address_event e
    WHERE e.event_id > %(after)s AND e.event_id <= %(upto)s AND e.superseded_at IS NULL AND e.actor = 'ses'
        AND e.kind IN ('permanent_bounce', 'transient_bounce') AND e.diagnostic_code IS NOT NULL
    ORDER BY e.event_id DESC
    LIMIT %(limit)s
)
SELECT f.day, f.provider, left(f.diagnostic_code, 1000), a.address
FROM last l
JOIN ses_bounces.figure_entry f USING (event_id)
JOIN ses_bounces.address a USING (address_id)
ORDER BY f.event_id DESC
