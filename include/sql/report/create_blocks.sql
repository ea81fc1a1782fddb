-- Who is blocked, one row per address and cause with the entry that caused it, into temp table report_block, gone at
-- commit. Reads report_state. Locks: none that others see.
-- Parameters:
--   at: timestamptz        as of create_states
--   known_at: timestamptz  as of create_states
CREATE TEMP TABLE report_block ON COMMIT DROP AS
SELECT s.address_id, s.address, s.domain, s.first_bounced_at, s.last_bounced_at, s.bounce_count, c.reason, c.since,
    array_position(
        ARRAY['stop_request', 'complaint', 'unsubscribed', 'permanent_bounce', 'ses_suppression', 'expired_transient'],
        c.reason
    ) AS weight,
    CASE WHEN c.reason = 'expired_transient' THEN (
        SELECT e.event_id
        FROM ses_bounces.entries_known(%(known_at)s::timestamptz) e
        WHERE e.address_id = s.address_id AND e.kind = 'transient_bounce'
            AND e.occurred_at BETWEEN s.episode_first_at AND s.episode_last_at
            AND NOT (e.is_reply AND ses_bounces.is_answered(
                e.address_id, e.ses_message_id, %(at)s::timestamptz, %(known_at)s::timestamptz
            ))
        ORDER BY e.deadline, e.occurred_at, e.dedup_key
        LIMIT 1
    ) ELSE (
        SELECT e.event_id
        FROM ses_bounces.entries_known(%(known_at)s::timestamptz) e
        WHERE e.address_id = s.address_id AND e.kind = c.reason
            AND e.occurred_at = c.since
        ORDER BY e.dedup_key
        LIMIT 1
    ) END AS event_id
FROM report_state s
CROSS JOIN LATERAL ses_bounces.blocking_causes(
    s.is_protected, s.since_stop_request, s.since_complaint, s.since_unsubscribed,
    s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient
) c
