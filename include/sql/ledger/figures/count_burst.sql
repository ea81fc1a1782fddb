-- How many addresses of a domain were blocked lately, how many of those with a text in the diagnostic, and when the
-- first and last of these began. Locks: none.
-- Parameters:
--   domain: text   of the addresses
--   hours: bigint  how long ago at most
--   text: text     a pattern for the reported diagnostic
SELECT count(DISTINCT b.address_id), count(DISTINCT b.address_id) FILTER (WHERE m.is_one),
    min(b.blocked_at) FILTER (WHERE m.is_one), max(b.blocked_at) FILTER (WHERE m.is_one)
FROM ses_bounces.blocked_list b
JOIN ses_bounces.address_event e ON e.event_id = b.event_id
CROSS JOIN LATERAL (SELECT (e.diagnostic_code ILIKE %(text)s) IS TRUE AS is_one) m
WHERE b.is_open AND b.reason = 'permanent_bounce'
    AND b.blocked_at >= now() - make_interval(hours => %(hours)s::integer) AND b.blocked_at <= now()
    AND split_part(b.address, '@', -1) = %(domain)s
