-- The open rows of the Email Bounce List of some addresses, by address. Locks: none.
-- Parameters:
--   ids: bigint[]  the addresses
SELECT b.bounce_list_id, b.address_id, b.address, b.kind, b.details, b.bounce_sub_type, b.configuration_set, b.is_reply,
    b.first_bounced_at, b.last_bounced_at, b.bounce_count, b.transient_fix_deadline, b.opened_at, b.closed_at,
    b.closed_by, b.close_reason,
    ARRAY(
        SELECT x.reason FROM ses_bounces.blocked_list x
        WHERE x.address_id = b.address_id AND x.unblocked_at IS NULL
        ORDER BY x.reason
    )
FROM ses_bounces.bounce_list b
WHERE b.address_id = ANY (%(ids)s) AND b.closed_at IS NULL
ORDER BY b.address
