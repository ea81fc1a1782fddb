-- Close the open rows of the Email Bounce List whose kind is no longer that of touched_state. Answered: its last bounce
-- was the reply to a mail that is known to have been delivered now.
-- Locks: the rows closed.
-- Parameters:
--   at: timestamptz  the time of the state
UPDATE ses_bounces.bounce_list b
SET closed_at = CASE
        WHEN s.kind = 'permanent' AND b.kind = 'transient' AND s.since_permanent_bounce IS NULL
            THEN s.since_expired_transient
        WHEN s.kind IS NULL AND last.occurred_at >= b.first_bounced_at THEN last.occurred_at
        ELSE %(at)s
    END,
    closed_by = CASE WHEN s.kind IS NULL AND last.occurred_at >= b.first_bounced_at THEN last.actor ELSE 'ses_bounces' END,
    close_reason = CASE
        WHEN s.kind = 'permanent' AND b.kind = 'transient' AND s.since_permanent_bounce IS NULL THEN 'promoted'
        WHEN s.kind IS NOT NULL THEN 'superseded'
        WHEN last.occurred_at >= b.first_bounced_at THEN
            CASE last.kind WHEN 'delivery' THEN 'delivered' WHEN 'unblocked' THEN 'unblocked' ELSE 'deleted' END
        WHEN b.is_reply AND EXISTS (
            SELECT FROM ses_bounces.address_event e
            WHERE e.address_id = s.address_id AND e.is_reply AND e.superseded_at IS NULL
                AND e.occurred_at = b.last_bounced_at
                AND ses_bounces.is_answered(e.address_id, e.ses_message_id, %(at)s, NULL)
        ) THEN 'answered'
        WHEN b.transient_fix_deadline <= %(at)s THEN 'expired'
        ELSE 'superseded'
    END
FROM touched_state s
LEFT JOIN LATERAL (
    SELECT e.kind, e.occurred_at, e.actor
    FROM ses_bounces.address_event e
    WHERE e.address_id = s.address_id AND e.kind IN ('delivery', 'transient_deleted', 'unblocked')
        AND e.superseded_at IS NULL AND e.occurred_at <= %(at)s
    ORDER BY e.occurred_at DESC, e.event_id DESC
    LIMIT 1
) last ON s.kind IS NULL
-- An array, whose addresses are looked up: a plain join may read the whole list, again for each chunk.
WHERE b.address_id = ANY (ARRAY(SELECT t.address_id FROM touched_state t WHERE NOT t.is_new))
    AND b.address_id = s.address_id AND b.closed_at IS NULL AND b.kind IS DISTINCT FROM s.kind
