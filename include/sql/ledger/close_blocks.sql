-- Close the open rows of the Email Blocked List whose cause is no longer there, and note the people in flag_due.
-- Yields reason and count of what was closed.
-- Locks: the rows written.
-- Parameters:
--   at: timestamptz  the time of the state
WITH closed AS (
    UPDATE ses_bounces.blocked_list b
    SET unblocked_at = CASE WHEN last.occurred_at >= b.blocked_at THEN last.occurred_at ELSE %(at)s END,
        unblocked_by = CASE WHEN last.occurred_at >= b.blocked_at THEN last.actor ELSE 'ses_bounces' END,
        unblock_reason = CASE
            WHEN last.occurred_at >= b.blocked_at THEN coalesce(last.reason, last.kind)
            WHEN s.is_protected THEN 'protected by never_block'
            WHEN b.reason = 'expired_transient' AND EXISTS (
                SELECT FROM ses_bounces.address_event e
                WHERE e.event_id = b.event_id AND e.is_reply AND e.superseded_at IS NULL
                    AND ses_bounces.is_answered(e.address_id, e.ses_message_id, %(at)s, NULL)
            ) THEN 'the reply to a mail that was delivered'
            ELSE 'superseded'
        END
    FROM touched_state s
    CROSS JOIN LATERAL (
        SELECT array_agg(c.reason) AS reasons
        FROM ses_bounces.blocking_causes(
            s.is_protected, s.since_stop_request, s.since_complaint, s.since_unsubscribed,
            s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient
        ) c
    ) wanted
    LEFT JOIN LATERAL (
        SELECT e.kind, e.occurred_at, e.actor, e.reason
        FROM ses_bounces.address_event e
        WHERE e.address_id = s.address_id AND e.kind IN ('delivery', 'transient_deleted', 'unblocked')
            AND e.superseded_at IS NULL AND e.occurred_at <= %(at)s
        ORDER BY e.occurred_at DESC, e.event_id DESC
        LIMIT 1
    ) last ON true
    -- An array, whose addresses are looked up: a plain join may read the whole list, again for each chunk.
    WHERE b.address_id = ANY (ARRAY(SELECT t.address_id FROM touched_state t WHERE NOT t.is_new))
        AND b.address_id = s.address_id AND b.unblocked_at IS NULL
        AND b.reason <> ALL (coalesce(wanted.reasons, '{}'))
    RETURNING b.address_id, b.reason
), due AS (
    INSERT INTO ses_bounces.flag_due AS f (address_id, due_since)
    SELECT c.address_id, clock_timestamp() FROM (SELECT DISTINCT x.address_id FROM closed x) c
    ON CONFLICT (address_id) DO UPDATE SET due_since = excluded.due_since
)
SELECT c.reason, count(*) FROM closed c GROUP BY c.reason
