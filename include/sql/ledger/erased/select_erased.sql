-- Which of some names stand in the place of erased addresses. Locks: none.
-- Parameters:
--   addresses: text[]  the names
SELECT a.address
FROM ses_bounces.address a
JOIN ses_bounces.erased_address e ON e.address_id = a.address_id
WHERE a.address = ANY (%(addresses)s)
