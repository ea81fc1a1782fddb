-- Bring the Email Blocked List to touched_state: one open row per address and cause; note the people in flag_due.
--   at  the time of the state. Yields reason and count of what is new. Locks: the rows written.
WITH wanted AS (
    SELECT s.address_id, s.address, c.reason, c.since,
        CASE WHEN c.reason = 'expired_transient' THEN (
            SELECT e.event_id
            FROM ses_bounces.address_event e
            WHERE e.address_id = s.address_id AND e.kind = 'transient_bounce' AND e.superseded_at IS NULL
                AND e.occurred_at BETWEEN s.episode_first_at AND s.episode_last_at
            ORDER BY e.deadline, e.occurred_at, e.dedup_key
            LIMIT 1
        ) ELSE (
            SELECT e.event_id
            FROM ses_bounces.address_event e
            WHERE e.address_id = s.address_id AND e.kind = c.reason AND e.superseded_at IS NULL
                AND e.occurred_at = c.since
            ORDER BY e.dedup_key
            LIMIT 1
        ) END AS event_id
    FROM touched_state s
    CROSS JOIN LATERAL ses_bounces.blocking_causes(
        s.is_protected, s.since_stop_request, s.since_complaint, s.since_unsubscribed,
        s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient
    ) c
), written AS (
    INSERT INTO ses_bounces.blocked_list AS b (address_id, address, reason, blocked_at, event_id)
    SELECT w.address_id, w.address, w.reason, w.since, w.event_id FROM wanted w ORDER BY w.address_id, w.reason
    ON CONFLICT (address_id, reason) WHERE unblocked_at IS NULL DO UPDATE
    SET blocked_at = excluded.blocked_at, event_id = excluded.event_id
    WHERE (b.blocked_at, b.event_id) IS DISTINCT FROM (excluded.blocked_at, excluded.event_id)
    -- xmax tells an insert from an update.
    RETURNING b.address_id, b.reason, (b.xmax = 0) AS is_new
), due AS (
    INSERT INTO ses_bounces.flag_due AS f (address_id, due_since)
    SELECT w.address_id, clock_timestamp() FROM (SELECT DISTINCT x.address_id FROM written x WHERE x.is_new) w
    ON CONFLICT (address_id) DO UPDATE SET due_since = excluded.due_since
)
SELECT w.reason, count(*) FROM written w WHERE w.is_new GROUP BY w.reason
