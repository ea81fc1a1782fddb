-- Some rows of the Email Bounce List, in the order of their ids, and what the server said at the last bounce.
-- Locks: none.
-- Parameters:
--   ids: bigint[]  of the rows
SELECT b.bounce_list_id, b.address_id, b.address, b.kind, b.details, b.bounce_sub_type, b.configuration_set, b.is_reply,
    b.first_bounced_at, b.last_bounced_at, b.bounce_count, b.transient_fix_deadline, b.opened_at, b.closed_at,
    b.closed_by, b.close_reason,
    ARRAY(
        SELECT x.reason FROM ses_bounces.blocked_list x
        WHERE x.address_id = b.address_id AND x.unblocked_at IS NULL
        ORDER BY x.reason
    ),
    (
        SELECT e.diagnostic_code
        FROM ses_bounces.address_event e
        WHERE e.address_id = b.address_id AND e.occurred_at = b.last_bounced_at AND e.superseded_at IS NULL
            AND e.diagnostic_code IS NOT NULL
        LIMIT 1
    )
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY i(id, place)
JOIN ses_bounces.bounce_list b ON b.bounce_list_id = i.id
ORDER BY i.place
