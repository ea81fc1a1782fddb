-- Decide about braked domains; yields the ids of those that nobody had decided about. What counted so far counts no
-- more where it is confirmed. Locks: the rows written.
-- Parameters:
--   ids: bigint[]         the brakes
--   decision: text        confirmed or dismissed
--   actor, reason: text   who decided, and why
WITH decided AS (
    UPDATE ses_bounces.brake b
    SET decided_at = clock_timestamp(), decision = %(decision)s, actor = %(actor)s, reason = %(reason)s
    WHERE b.brake_id = ANY (%(ids)s) AND b.decided_at IS NULL
    RETURNING b.brake_id, b.domain
), forgotten AS (
    DELETE FROM ses_bounces.brake_day d
    USING decided x
    WHERE d.domain = x.domain AND %(decision)s = 'confirmed'
)
SELECT d.brake_id FROM decided d
