-- Some rows of the Email Blocked List, in the order of their ids, with the last request to lift each address and what
-- the server said when the block began. Locks: none.
-- Parameters:
--   ids: bigint[]  of the rows
SELECT b.blocked_list_id, b.address_id, b.address, b.reason, b.blocked_at, b.recorded_at, b.unblocked_at,
    b.unblocked_by, b.unblock_reason,
    ARRAY(
        SELECT x.reason FROM ses_bounces.blocked_list x
        WHERE x.address_id = b.address_id AND x.unblocked_at IS NULL
        ORDER BY x.reason
    ),
    r.requested_at, r.actor, r.finished_at, r.result,
    (SELECT e.diagnostic_code FROM ses_bounces.address_event e WHERE e.event_id = b.event_id)
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY i(id, place)
JOIN ses_bounces.blocked_list b ON b.blocked_list_id = i.id
LEFT JOIN LATERAL (
    SELECT x.requested_at, x.actor, x.finished_at, x.result
    FROM ses_bounces.unblock_request x
    WHERE x.address_id = b.address_id
    ORDER BY x.requested_at DESC
    LIMIT 1
) r ON true
ORDER BY i.place
