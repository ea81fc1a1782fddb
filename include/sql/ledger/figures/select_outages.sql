-- Suggested outages any of whose blocks are still in force, the largest first. Locks: none.
SELECT o.domain, o.first, o.last, o.said, o.addresses, o.suggested_outage_id
FROM ses_bounces.suggested_outage o
WHERE EXISTS (
    SELECT FROM ses_bounces.blocked_list b
    WHERE b.is_open AND b.reason = 'permanent_bounce' AND b.blocked_at >= o.first AND b.blocked_at < o.last
        AND split_part(b.address, '@', -1) = o.domain
)
ORDER BY o.addresses DESC, o.domain
