-- The rows of the Email Blocked List about one address, open and lifted, the newest first. Locks: none.
-- Parameters:
--   address_id: bigint  the address
SELECT b.blocked_list_id, b.address_id, b.address, b.reason, b.blocked_at, b.recorded_at, b.unblocked_at,
    b.unblocked_by, b.unblock_reason, '{}'::text[], NULL, NULL, NULL, NULL
FROM (
    SELECT x.* FROM ses_bounces.blocked_list x WHERE x.unblocked_at IS NULL
    UNION ALL
    SELECT x.* FROM ses_bounces.blocked_list x WHERE x.unblocked_at IS NOT NULL
) b
WHERE b.address = (SELECT a.address FROM ses_bounces.address a WHERE a.address_id = %(address_id)s)
ORDER BY b.blocked_list_id DESC
LIMIT 200
