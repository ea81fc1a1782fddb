-- The requests to take one address off SES's own list, the newest first. Locks: none.
-- Parameters:
--   address_id: bigint  the address
SELECT r.lifts, r.actor, r.reason, r.requested_at, r.finished_at, r.result
FROM ses_bounces.unblock_request r
WHERE r.address_id = %(address_id)s
ORDER BY r.requested_at DESC
LIMIT 200
