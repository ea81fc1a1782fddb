-- Have the days counted once more whose bounces were lifted: those that new lifts are of, and those of new bounces that
-- come late, at addresses which may have been lifted before. Locks: the rows inserted.
-- Parameters:
--   after, upto: bigint   entries behind the first, up to the second
--   last_address: bigint  addresses behind it were not on record when the first of them was counted
WITH new AS MATERIALIZED (
    SELECT e.address_id, e.kind, e.occurred_at
    FROM ses_bounces.address_event e
    WHERE e.event_id > %(after)s AND e.event_id <= %(upto)s AND e.superseded_at IS NULL
        AND (e.kind = 'unblocked' OR e.kind = 'permanent_bounce' AND e.address_id <= %(last_address)s)
)
INSERT INTO ses_bounces.figure_due (day)
SELECT (b.occurred_at AT TIME ZONE 'UTC')::date
FROM new u
JOIN ses_bounces.address_event b ON b.address_id = u.address_id
WHERE u.kind = 'unblocked' AND b.event_id <= %(upto)s AND b.kind = 'permanent_bounce' AND b.superseded_at IS NULL
    AND b.occurred_at <= u.occurred_at
UNION
SELECT (b.occurred_at AT TIME ZONE 'UTC')::date
FROM new b
JOIN ses_bounces.address_event u ON u.address_id = b.address_id
WHERE b.kind = 'permanent_bounce' AND u.event_id <= %(after)s AND u.kind = 'unblocked' AND u.superseded_at IS NULL
    AND u.occurred_at >= b.occurred_at
