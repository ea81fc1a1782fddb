-- Which of some addresses have another set of causes in the blocked list than their state says (blocks), or another row
-- of the bounce list (bounces). Those whose deadline has passed, or whose later entry has come about, are
-- to be acted upon by the next run and are not compared.
-- Locks: none.
-- Parameters:
--   ids: bigint[]                   the addresses
--   at, expire_before: timestamptz  see functions/address_state.sql
WITH chosen AS (
    SELECT p.address_id
    FROM unnest(%(ids)s::bigint[]) p(address_id)
    WHERE NOT EXISTS (
            SELECT FROM ses_bounces.bounce_list b
            WHERE b.address_id = p.address_id AND b.closed_at IS NULL AND b.due_at <= %(expire_before)s
        )
        AND NOT EXISTS (
            SELECT FROM ses_bounces.later_entry l WHERE l.address_id = p.address_id AND l.occurred_at <= %(at)s
        )
), state AS (
    SELECT s.*,
        CASE
            WHEN s.since_complaint IS NOT NULL THEN 'complaint'
            WHEN s.since_permanent_bounce IS NOT NULL THEN 'permanent'
            WHEN s.since_ses_suppression IS NOT NULL THEN 'suppressed'
            WHEN s.since_expired_transient IS NOT NULL THEN 'permanent'
            WHEN s.episode_bounces > 0 THEN 'transient'
        END AS kind
    FROM ses_bounces.address_state(ARRAY(SELECT p.address_id FROM chosen p), %(at)s, %(expire_before)s) s
), wanted AS (
    SELECT s.address_id, array_agg((c.reason, c.since) ORDER BY c.reason) AS causes
    FROM state s
    CROSS JOIN LATERAL ses_bounces.blocking_causes(
        s.is_protected, s.since_stop_request, s.since_complaint, s.since_unsubscribed,
        s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient
    ) c
    GROUP BY s.address_id
), listed AS (
    SELECT b.address_id, array_agg((b.reason, b.blocked_at) ORDER BY b.reason) AS causes
    FROM ses_bounces.blocked_list b
    JOIN chosen p ON p.address_id = b.address_id
    WHERE b.unblocked_at IS NULL
    GROUP BY b.address_id
)
SELECT d.address_id, d.blocks, d.bounces
FROM (
    SELECT p.address_id, w.causes IS DISTINCT FROM l.causes AS blocks,
        s.kind IS DISTINCT FROM b.kind
            OR s.kind = 'transient' AND s.episode_deadline IS DISTINCT FROM b.transient_fix_deadline AS bounces
    FROM chosen p
    LEFT JOIN state s ON s.address_id = p.address_id
    LEFT JOIN wanted w ON w.address_id = p.address_id
    LEFT JOIN listed l ON l.address_id = p.address_id
    LEFT JOIN ses_bounces.bounce_list b ON b.address_id = p.address_id AND b.closed_at IS NULL
) d
WHERE d.blocks OR d.bounces
ORDER BY d.address_id
