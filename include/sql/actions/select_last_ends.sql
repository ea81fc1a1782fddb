-- The entry that last ended an episode of some addresses, extended it or lifted causes: what an administrator who
-- comes too late is told. Locks: none.
-- Parameters:
--   ids: bigint[]   the addresses
--   kinds: text[]   of entries
--   causes: text[]  of unblocked entries, those that named one of these; NULL: all
SELECT i.address_id, e.kind, e.actor, e.occurred_at, e.lifts, e.deadline
FROM unnest(%(ids)s::bigint[]) i(address_id)
CROSS JOIN LATERAL (
    SELECT x.kind, x.actor, x.occurred_at, x.lifts, x.deadline
    FROM ses_bounces.address_event x
    WHERE x.address_id = i.address_id AND x.superseded_at IS NULL AND x.kind = ANY (%(kinds)s)
        AND (x.kind <> 'unblocked' OR %(causes)s::text[] IS NULL OR x.lifts && %(causes)s::text[])
    ORDER BY x.occurred_at DESC, x.event_id DESC
    LIMIT 1
) e
