-- The live entries with some dedup_keys. Locks: none.
-- Parameters:
--   keys: bytea[]  the dedup_keys
SELECT e.event_id FROM ses_bounces.address_event e
WHERE e.dedup_key = ANY (%(keys)s::bytea[]) AND e.superseded_at IS NULL
