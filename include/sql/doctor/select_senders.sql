-- The domains that mail was sent from, of the newest bounces and complaints. Locks: none.
-- Parameters:
--   limit: bigint  ledger entries to look at
SELECT DISTINCT lower(substring(e.source FROM '@([^@>]+)>?$')) AS domain
FROM (
    SELECT x.source FROM ses_bounces.address_event x ORDER BY x.event_id DESC LIMIT %(limit)s
) e
WHERE e.source LIKE '%%@%%'
