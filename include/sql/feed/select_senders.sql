-- The FROM addresses of mail, in lower case and without names, and the configuration sets that it named (NULL: none),
-- of the newest entries. Locks: none.
-- Parameters:
--   limit: bigint  ledger entries to look at
SELECT DISTINCT lower(substring(e.source FROM '([^<\s]+@[^@>\s]+)>?\s*$')) AS source, e.configuration_set
FROM (
    SELECT x.source, x.configuration_set FROM ses_bounces.address_event x ORDER BY x.event_id DESC LIMIT %(limit)s
) e
WHERE e.source LIKE '%%@%%'
