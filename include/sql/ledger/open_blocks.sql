-- Bring the Email Blocked List to touched_state: one open row per address and cause; note the people in flag_due.
-- All who write here hold the lock of ledger/lock_state.sql: no conflict to look for.
-- BETWEEN says nothing new: the planner then takes what is looked up for little, whatever the statistics are.
-- Yields reason and count of what is new. Locks: the rows written.
-- Parameters:
--   at: timestamptz    the time of the state
--   first_new: bigint  addresses from this id on were registered in this transaction
WITH wanted AS MATERIALIZED (
    SELECT s.address_id, s.address, c.reason, c.since, open.blocked_list_id,
        CASE WHEN c.reason = 'expired_transient' THEN (
            SELECT e.event_id
            FROM ses_bounces.address_event e
            WHERE e.address_id = s.address_id AND e.address_id BETWEEN s.address_id AND s.address_id
                AND e.kind = 'transient_bounce' AND e.superseded_at IS NULL
                AND e.occurred_at BETWEEN s.episode_first_at AND s.episode_last_at
                AND NOT (e.is_reply AND ses_bounces.is_answered(e.address_id, e.ses_message_id, %(at)s, NULL))
            ORDER BY e.deadline, e.occurred_at, e.dedup_key
            LIMIT 1
        ) ELSE (
            SELECT e.event_id
            FROM ses_bounces.address_event e
            WHERE e.address_id = s.address_id AND e.address_id BETWEEN s.address_id AND s.address_id
                AND e.kind = c.reason AND e.superseded_at IS NULL
                AND e.occurred_at = c.since
            ORDER BY e.dedup_key
            LIMIT 1
        ) END AS event_id
    FROM touched_state s
    CROSS JOIN LATERAL ses_bounces.blocking_causes(
        s.is_protected, s.since_stop_request, s.since_complaint, s.since_unsubscribed,
        s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient
    ) c
    -- Looked up for each: a plain join may read the whole list, again for each chunk.
    LEFT JOIN LATERAL (
        SELECT b.blocked_list_id FROM ses_bounces.blocked_list b
        WHERE b.address_id = s.address_id AND b.reason = c.reason AND b.unblocked_at IS NULL AND NOT s.is_new OFFSET 0
    ) open ON true
    WHERE coalesce(s.since_stop_request, s.since_complaint, s.since_unsubscribed,
        s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient) IS NOT NULL
), changed AS (
    UPDATE ses_bounces.blocked_list b
    SET blocked_at = w.since, event_id = w.event_id
    FROM wanted w
    WHERE b.blocked_list_id = ANY (ARRAY(SELECT x.blocked_list_id FROM wanted x WHERE x.blocked_list_id IS NOT NULL))
        AND b.blocked_list_id = w.blocked_list_id
        AND (b.blocked_at, b.event_id) IS DISTINCT FROM (w.since, w.event_id)
), opened AS (
    INSERT INTO ses_bounces.blocked_list (address_id, address, reason, blocked_at, event_id)
    SELECT w.address_id, w.address, w.reason, w.since, w.event_id
    FROM wanted w
    WHERE w.blocked_list_id IS NULL
    ORDER BY w.address_id, w.reason
    RETURNING address_id, reason
), due AS (
    -- Others than writers of state take rows away here, and may hold one: of known addresses there may be a conflict.
    INSERT INTO ses_bounces.flag_due AS f (address_id, due_since)
    SELECT o.address_id, clock_timestamp()
    FROM (SELECT DISTINCT x.address_id FROM opened x WHERE x.address_id < %(first_new)s) o
    ON CONFLICT (address_id) DO UPDATE SET due_since = excluded.due_since
), new_due AS (
    INSERT INTO ses_bounces.flag_due (address_id, due_since)
    SELECT o.address_id, clock_timestamp()
    FROM (SELECT DISTINCT x.address_id FROM opened x WHERE x.address_id >= %(first_new)s) o
)
SELECT o.reason, count(*) FROM opened o GROUP BY o.reason
