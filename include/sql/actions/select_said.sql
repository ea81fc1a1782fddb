-- What servers said of the bounces that block some addresses, of the newest block of each. Locks: none.
-- Parameters:
--   ids: bigint[]  the addresses
SELECT DISTINCT ON (b.address_id) b.address_id, left(e.diagnostic_code, 300)
FROM ses_bounces.blocked_list b
JOIN ses_bounces.address_event e ON e.event_id = b.event_id
WHERE b.address_id = ANY (%(ids)s::bigint[]) AND b.is_open AND e.diagnostic_code IS NOT NULL
ORDER BY b.address_id, b.blocked_at DESC, b.blocked_list_id DESC
