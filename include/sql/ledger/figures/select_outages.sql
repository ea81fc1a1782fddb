-- Suggested outages any of whose blocks are still in force, the largest first; blocks of the same domain and time whose
-- diagnostic says something else are none of them. Locks: none.
SELECT o.domain, o.first, o.last, o.said, o.addresses, o.suggested_outage_id
FROM ses_bounces.suggested_outage o
WHERE EXISTS (
    SELECT FROM ses_bounces.blocked_list b
    JOIN ses_bounces.address_event e ON e.event_id = b.event_id
    WHERE b.is_open AND b.reason = 'permanent_bounce' AND b.blocked_at >= o.first AND b.blocked_at < o.last
        AND split_part(b.address, '@', -1) = o.domain AND strpos(lower(e.diagnostic_code), lower(o.said)) > 0
)
ORDER BY o.addresses DESC, o.domain
