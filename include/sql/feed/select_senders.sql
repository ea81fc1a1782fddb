-- The FROM addresses of mail, in lower case and without names, the configuration sets that it named (NULL: none), and
-- when the last such mail was sent, or reported where its time is not known; of the newest entries. Locks: none.
-- Parameters:
--   limit: bigint  ledger entries to look at
SELECT
    lower(substring(e.source FROM '([^<\s]+@[^@>\s]+)>?\s*$')) AS source,
    e.configuration_set,
    max(coalesce(e.mail_sent_at, e.occurred_at)) AS last_sent_at
FROM (
    SELECT x.source, x.configuration_set, x.mail_sent_at, x.occurred_at
    FROM ses_bounces.address_event x
    ORDER BY x.event_id DESC
    LIMIT %(limit)s
) e
WHERE e.source LIKE '%%@%%'
GROUP BY 1, 2
