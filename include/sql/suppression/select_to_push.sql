-- The next addresses that we block for good and that one of SES's lists lacks, sorted. Locks: none.
-- Parameters:
--   account, region: text  the list
--   after: text            the address to begin behind
--   limit: bigint          the most addresses
SELECT b.address, bool_or(b.reason <> 'permanent_bounce') AS is_wish
FROM ses_bounces.blocked_list b
WHERE b.unblocked_at IS NULL AND b.address > %(after)s
    AND b.reason IN ('permanent_bounce', 'complaint', 'unsubscribed', 'stop_request')
    AND NOT EXISTS (
        SELECT FROM ses_bounces.ses_listed l
        WHERE l.account = %(account)s AND l.region = %(region)s AND l.address = b.address
    )
    AND NOT EXISTS (SELECT FROM ses_bounces.erased_address x WHERE x.address_id = b.address_id)
    AND NOT EXISTS (
        SELECT FROM ses_bounces.unblock_request r WHERE r.address_id = b.address_id AND r.finished_at IS NULL
    )
GROUP BY b.address
ORDER BY b.address
LIMIT %(limit)s
