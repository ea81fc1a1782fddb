-- Release braked domains of which nothing waits any more: dismissed where anything of them was. Locks: the rows
-- written.
-- Parameters:
--   ids: bigint[]        the brakes
--   actor, reason: text  who decided, and why
WITH released AS (
    UPDATE ses_bounces.brake b
    SET decided_at = clock_timestamp(), settled_at = clock_timestamp(), actor = %(actor)s, reason = %(reason)s,
        decision = CASE WHEN EXISTS (
            SELECT FROM ses_bounces.held_entry h WHERE h.brake_id = b.brake_id AND h.decision = 'dismissed'
        ) THEN 'dismissed' ELSE 'confirmed' END
    WHERE b.brake_id = ANY (%(ids)s) AND b.decided_at IS NULL AND NOT EXISTS (
        SELECT FROM ses_bounces.held_entry h WHERE h.brake_id = b.brake_id AND h.decision IS NULL
    )
    RETURNING b.domain, b.decision
)
DELETE FROM ses_bounces.brake_day d
USING released r
WHERE d.domain = r.domain AND r.decision = 'confirmed'
