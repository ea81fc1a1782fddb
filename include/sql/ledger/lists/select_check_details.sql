-- Those of some addresses with an open transient problem or a lift under way: until when, and since when.
-- Locks: none.
-- Parameters:
--   ids: bigint[]  the addresses
SELECT i.id, t.bounce_list_id IS NOT NULL, t.transient_fix_deadline, r.requested_at, r.lifts
FROM unnest(%(ids)s::bigint[]) i(id)
LEFT JOIN LATERAL (
    SELECT b.bounce_list_id, b.transient_fix_deadline
    FROM ses_bounces.bounce_list b
    WHERE b.address_id = i.id AND b.closed_at IS NULL AND b.kind = 'transient'
    OFFSET 0
) t ON true
LEFT JOIN LATERAL (
    SELECT u.requested_at, u.lifts
    FROM ses_bounces.unblock_request u
    WHERE u.address_id = i.id AND u.finished_at IS NULL
    ORDER BY u.requested_at
    LIMIT 1
) r ON true
WHERE t.bounce_list_id IS NOT NULL OR r.requested_at IS NOT NULL
