-- Addresses whose open bounce block (never a wish) stands on an entry that matches, by id. Locks: none.
-- Parameters:
--   first, last: timestamptz                         of when the block began; from inclusive, to exclusive
--   domain, text, configuration_set, sub_type: text  null: any. text: a pattern for the reported diagnostic
--   limit: bigint                                   the most addresses
SELECT DISTINCT b.address_id
FROM unnest(ARRAY['permanent_bounce', 'ses_suppression', 'expired_transient']) k(reason)
CROSS JOIN LATERAL (
    SELECT l.address_id, l.address, l.event_id
    FROM ses_bounces.blocked_list l
    WHERE l.is_open AND l.reason = k.reason AND l.blocked_at >= %(first)s AND l.blocked_at < %(last)s
) b
JOIN ses_bounces.address_event e ON e.event_id = b.event_id
WHERE (%(domain)s::text IS NULL OR split_part(b.address, '@', -1) = %(domain)s)
    AND (%(text)s::text IS NULL OR e.diagnostic_code ILIKE %(text)s)
    AND (%(configuration_set)s::text IS NULL OR e.configuration_set = %(configuration_set)s)
    AND (%(sub_type)s::text IS NULL OR e.bounce_sub_type = %(sub_type)s)
ORDER BY b.address_id
LIMIT %(limit)s
