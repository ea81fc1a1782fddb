-- What a domain's server said of the addresses that were blocked lately, the newest first. Locks: none.
-- Parameters:
--   domain: text   of the addresses
--   hours: bigint  how long ago at most
--   limit: bigint  the most
SELECT left(e.diagnostic_code, 1000), b.address
FROM ses_bounces.blocked_list b
JOIN ses_bounces.address_event e ON e.event_id = b.event_id
WHERE b.is_open AND b.reason = 'permanent_bounce'
    AND b.blocked_at >= now() - make_interval(hours => %(hours)s::integer) AND b.blocked_at <= now()
    AND split_part(b.address, '@', -1) = %(domain)s AND e.diagnostic_code IS NOT NULL
ORDER BY b.blocked_at DESC, b.blocked_list_id DESC
LIMIT %(limit)s
