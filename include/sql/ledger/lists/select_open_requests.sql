-- The lifts that are under way for some addresses. Locks: none.
-- Parameters:
--   ids: bigint[]  the addresses
SELECT r.address_id, r.lifts, r.actor, r.requested_at
FROM ses_bounces.unblock_request r
WHERE r.address_id = ANY (%(ids)s) AND r.finished_at IS NULL
