-- What an administrator's action has to know of some addresses: the episode of transients, the open causes of their
-- blocks, a lift that is under way, and whether a list of SES is known to have it. Locks: none.
-- Parameters:
--   ids: bigint[]                   the addresses
--   at, expire_before: timestamptz  see functions/address_state.sql
SELECT a.address_id, a.address, coalesce(s.episode_bounces, 0), s.episode_deadline,
    ARRAY(
        SELECT b.reason FROM ses_bounces.blocked_list b
        WHERE b.address_id = a.address_id AND b.unblocked_at IS NULL
        ORDER BY b.reason
    ),
    r.actor, r.requested_at,
    EXISTS (SELECT FROM ses_bounces.ses_listed l WHERE l.address = a.address)
FROM ses_bounces.address a
LEFT JOIN ses_bounces.address_state(%(ids)s::bigint[], %(at)s, %(expire_before)s) s ON s.address_id = a.address_id
LEFT JOIN ses_bounces.unblock_request r ON r.address_id = a.address_id AND r.finished_at IS NULL
WHERE a.address_id = ANY (%(ids)s)
