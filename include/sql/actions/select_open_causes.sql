-- The open causes of some addresses' blocks, and since when and by whom. Locks: none.
-- Parameters:
--   ids: bigint[]  the addresses
SELECT b.address_id, b.reason, b.blocked_at, e.actor
FROM ses_bounces.blocked_list b
LEFT JOIN ses_bounces.address_event e ON e.event_id = b.event_id
WHERE b.address_id = ANY (%(ids)s) AND b.unblocked_at IS NULL
ORDER BY b.address_id, b.reason
