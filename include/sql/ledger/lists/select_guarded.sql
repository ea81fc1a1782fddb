-- Those of some addresses that never_block guards. Locks: none.
-- Parameters:
--   ids: bigint[]  the addresses
SELECT a.address_id
FROM ses_bounces.address a
WHERE a.address_id = ANY (%(ids)s::bigint[])
    AND EXISTS (SELECT FROM ses_bounces.protected t WHERE t.pattern IN (a.address, '@' || a.domain))
