-- The domains with the most addresses that enforcing would block, and how many domains there are. Locks: none.
-- Parameters:
--   limit: bigint  the most domains
SELECT d.domain, d.addresses, count(*) OVER ()
FROM (
    -- The list has each address itself: to join the million rows of the registry costs most of the time.
    SELECT split_part(a.address, '@', -1) AS domain, count(*) AS addresses
    FROM (SELECT DISTINCT b.address FROM ses_bounces.blocked_list b WHERE b.unblocked_at IS NULL) a
    GROUP BY 1
) d
ORDER BY d.addresses DESC, d.domain
LIMIT %(limit)s
