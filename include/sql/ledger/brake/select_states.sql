-- What became of some brakes. Locks: none.
-- Parameters:
--   ids: bigint[]  the brakes
SELECT b.brake_id, b.decision, b.actor, b.decided_at FROM ses_bounces.brake b WHERE b.brake_id = ANY (%(ids)s)
