-- Note when time alone may change the state of the addresses in touched_state next.
--   at, expire_before  see address_state.sql. Locks: the rows updated.
UPDATE ses_bounces.address a
SET due_at = next.due_at
FROM touched_state s
CROSS JOIN LATERAL (
    SELECT least(
        CASE WHEN s.episode_deadline > %(expire_before)s THEN s.episode_deadline END,
        (
            SELECT min(e.occurred_at) FROM ses_bounces.address_event e
            WHERE e.address_id = s.address_id AND e.occurred_at > %(at)s AND e.superseded_at IS NULL
        )
    ) AS due_at
) next
WHERE a.address_id = s.address_id AND a.due_at IS DISTINCT FROM next.due_at
