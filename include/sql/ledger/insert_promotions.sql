-- The trail of promotions: one entry per address and deadline, dated at the deadline. The state doesn't need it.
-- Yields the number of new ones. Locks: the rows inserted.
-- Parameters:
--   rules_version: smallint  what is noted on the entries
WITH inserted AS (
    INSERT INTO ses_bounces.address_event (
        address_id, kind, occurred_at, dedup_key, actor, reason, deadline, rules_version
    )
    SELECT s.address_id, 'promotion', s.episode_deadline,
        decode(md5('promotion ' || s.address_id || ' ' || extract(epoch FROM s.episode_deadline)), 'hex'),
        'ses_bounces', 'the transient problem is older than the grace period', s.episode_deadline, %(rules_version)s
    FROM touched_state s
    WHERE s.since_expired_transient IS NOT NULL
    ORDER BY s.address_id
    ON CONFLICT (dedup_key) WHERE superseded_at IS NULL DO NOTHING
    RETURNING occurred_at
)
SELECT count(*), min(n.occurred_at) FROM inserted n
