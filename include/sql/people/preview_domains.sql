-- The domains with the most addresses that enforcing would block, and how many domains there are. Locks: none.
-- Parameters:
--   limit: bigint  the most domains
SELECT d.domain, d.addresses, count(*) OVER ()
FROM (
    SELECT a.domain, count(DISTINCT b.address_id) AS addresses
    FROM ses_bounces.blocked_list b
    JOIN ses_bounces.address a USING (address_id)
    WHERE b.unblocked_at IS NULL
    GROUP BY a.domain
) d
ORDER BY d.addresses DESC, d.domain
LIMIT %(limit)s
