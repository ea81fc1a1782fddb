-- What an action that lifted blocks did to some addresses: each with its live entries of that action, by their keys,
-- and with its last request that the same person made then for the same reason. Locks: none.
-- Parameters:
--   ids: bigint[]          the addresses
--   keys: bytea[]          the dedup_keys of the action's own entries
--   actor, reason: text    of the action
--   acted_at: timestamptz  when it was done
SELECT a.address_id,
    ARRAY(
        SELECT e.event_id FROM ses_bounces.address_event e
        WHERE e.dedup_key = ANY (%(keys)s::bytea[]) AND e.superseded_at IS NULL AND e.address_id = a.address_id
    ),
    r.unblock_request_id, r.finished_at IS NOT NULL
FROM ses_bounces.address a
LEFT JOIN LATERAL (
    SELECT q.unblock_request_id, q.finished_at
    FROM ses_bounces.unblock_request q
    WHERE q.address_id = a.address_id AND q.actor = %(actor)s AND q.reason = %(reason)s
        AND q.requested_at >= %(acted_at)s
    ORDER BY q.requested_at
    LIMIT 1
) r ON true
WHERE a.address_id = ANY (%(ids)s)
