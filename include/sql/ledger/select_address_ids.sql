-- The ids of some addresses. Locks: none.
-- Parameters:
--   addresses: text[]  keys
SELECT a.address, a.address_id
FROM ses_bounces.address a
WHERE a.address = ANY (%(addresses)s)
