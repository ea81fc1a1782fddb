-- The state of the touched addresses, into touched_state.
-- Locks: none.
-- Parameters:
--   ids: bigint[]                   the addresses, as a constant: the planner then knows how many there are
--   first_new: bigint               those from this id on were registered in this transaction: no list has them
--   at, expire_before: timestamptz  see functions/address_state.sql
INSERT INTO touched_state
SELECT t.address_id, a.address, t.address_id >= %(first_new)s, coalesce(s.is_protected, false),
    s.since_stop_request, s.since_complaint, s.since_unsubscribed,
    s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient,
    s.episode_first_at, s.episode_last_at, coalesce(s.episode_bounces, 0), s.episode_deadline,
    s.first_bounced_at, s.last_bounced_at, coalesce(s.bounce_count, 0),
    CASE
        WHEN s.since_complaint IS NOT NULL THEN 'complaint'
        WHEN s.since_permanent_bounce IS NOT NULL THEN 'permanent'
        WHEN s.since_ses_suppression IS NOT NULL THEN 'suppressed'
        WHEN s.since_expired_transient IS NOT NULL THEN 'permanent'
        WHEN s.episode_bounces > 0 THEN 'transient'
    END
FROM unnest(%(ids)s::bigint[]) t(address_id)
-- Looked up for each: a join read the whole registry for each chunk of a backlog.
CROSS JOIN LATERAL (
    SELECT r.address FROM ses_bounces.address r WHERE r.address_id = t.address_id OFFSET 0
) a
LEFT JOIN ses_bounces.address_state(
    %(ids)s::bigint[], %(at)s, %(expire_before)s
) s USING (address_id)
