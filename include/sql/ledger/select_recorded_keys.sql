-- Which of these events are in the ledger already. Locks: none.
-- Parameters:
--   keys: bytea[]  the dedup_key of each
SELECT e.dedup_key
FROM ses_bounces.address_event e
WHERE e.dedup_key = ANY (%(keys)s::bytea[]) AND e.superseded_at IS NULL
