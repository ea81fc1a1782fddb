-- A brake whose messages did not all get what was decided. Locks: none.
SELECT b.brake_id, b.decision, b.actor, b.reason
FROM ses_bounces.brake b
WHERE b.settled_at IS NULL AND b.decided_at IS NOT NULL
ORDER BY b.brake_id
LIMIT 1
