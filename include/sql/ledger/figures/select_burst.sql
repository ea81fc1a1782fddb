-- What the servers of some domains said of the addresses that were blocked lately, of each the newest. Locks: none.
-- Parameters:
--   domains: text[]  of the addresses
--   hours: bigint    how long ago at most
--   limit: bigint    the most addresses of each
SELECT r.domain, left(e.diagnostic_code, 1000), r.address
FROM (
    SELECT b.address, b.event_id, d.domain,
        row_number() OVER (PARTITION BY d.domain ORDER BY b.blocked_at DESC, b.blocked_list_id DESC) AS place
    FROM ses_bounces.blocked_list b
    JOIN unnest(%(domains)s::text[]) d(domain) ON d.domain = split_part(b.address, '@', -1)
    WHERE b.is_open AND b.reason = 'permanent_bounce'
        AND b.blocked_at >= now() - make_interval(hours => %(hours)s::integer) AND b.blocked_at <= now()
) r
JOIN ses_bounces.address_event e USING (event_id)
WHERE r.place <= %(limit)s AND e.diagnostic_code IS NOT NULL
