-- How many addresses of some domains were blocked lately, how many of those with a text of its own in the diagnostic,
-- and when the first and last of these began. Locks: none.
-- Parameters:
--   domains: text[]  of the addresses
--   texts: text[]    of each domain, a pattern for the reported diagnostic
--   hours: bigint    how long ago at most
SELECT d.domain, count(*), count(*) FILTER (WHERE m.is_one), min(b.blocked_at) FILTER (WHERE m.is_one),
    max(b.blocked_at) FILTER (WHERE m.is_one)
FROM ses_bounces.blocked_list b
JOIN unnest(%(domains)s::text[], %(texts)s::text[]) d(domain, text) ON d.domain = split_part(b.address, '@', -1)
JOIN ses_bounces.address_event e ON e.event_id = b.event_id
CROSS JOIN LATERAL (SELECT (e.diagnostic_code ILIKE d.text) IS TRUE AS is_one) m
WHERE b.is_open AND b.reason = 'permanent_bounce'
    AND b.blocked_at >= now() - make_interval(hours => %(hours)s::integer) AND b.blocked_at <= now()
GROUP BY d.domain
