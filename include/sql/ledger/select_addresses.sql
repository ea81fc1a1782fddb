-- The keys of some addresses. Locks: none.
-- Parameters:
--   ids: bigint[]  the addresses
SELECT a.address_id, a.address FROM ses_bounces.address a WHERE a.address_id = ANY (%(ids)s)
