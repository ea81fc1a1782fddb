-- Addresses with people whose flag we switched off and whose row was touched since, by id. Locks: none.
-- Parameters:
--   limit: bigint  the most addresses
SELECT DISTINCT c.address_id
FROM ses_bounces.flag_change c
WHERE c.settlement = 'touched'
ORDER BY c.address_id
LIMIT %(limit)s
