-- Bring the Email Bounce List to touched_state: one open row per address that has an episode or a bounce or complaint
-- cause.
-- due_at is when time alone may change the state next. All who write here hold the lock of ledger/lock_state.sql: no
-- conflict to look for.
-- Locks: the rows written.
-- Parameters:
--   at, expire_before: timestamptz  see functions/address_state.sql
WITH shown AS MATERIALIZED (
    SELECT s.address_id, s.address, s.kind,
        concat_ws(' ', nullif(concat_ws('/', last.bounce_type, last.bounce_sub_type), ''), last.feedback_type,
            last.status, last.diagnostic_code) AS details,
        CASE s.kind WHEN 'transient' THEN s.episode_first_at ELSE s.first_bounced_at END AS first_bounced_at,
        CASE s.kind WHEN 'transient' THEN s.episode_last_at ELSE s.last_bounced_at END AS last_bounced_at,
        CASE s.kind WHEN 'transient' THEN s.episode_bounces ELSE s.bounce_count END AS bounce_count,
        CASE s.kind WHEN 'transient' THEN s.episode_deadline END AS transient_fix_deadline,
        CASE WHEN s.episode_deadline > %(expire_before)s THEN s.episode_deadline END AS due_at,
        CASE s.kind
            WHEN 'complaint' THEN s.since_complaint
            WHEN 'suppressed' THEN s.since_ses_suppression
            WHEN 'permanent' THEN coalesce(s.since_permanent_bounce, s.since_expired_transient)
            ELSE s.episode_first_at
        END AS opened_at,
        last.bounce_sub_type, last.configuration_set, coalesce(last.is_reply, false) AS is_reply, open.bounce_list_id
    FROM touched_state s
    -- Looked up for each: a plain join may read the whole list, again for each chunk.
    LEFT JOIN LATERAL (
        SELECT b.bounce_list_id FROM ses_bounces.bounce_list b
        WHERE b.address_id = s.address_id AND b.closed_at IS NULL AND NOT s.is_new OFFSET 0
    ) open ON true
    LEFT JOIN LATERAL (
        SELECT e.bounce_type, e.bounce_sub_type, e.feedback_type, e.status, e.diagnostic_code, e.configuration_set,
            e.is_reply
        FROM ses_bounces.address_event e
        WHERE e.address_id = s.address_id AND e.superseded_at IS NULL AND e.occurred_at <= %(at)s
            AND e.kind IN ('transient_bounce', 'permanent_bounce', 'complaint', 'ses_suppression')
            AND NOT (e.is_reply AND ses_bounces.is_answered(e.address_id, e.ses_message_id, %(at)s, NULL))
        ORDER BY e.occurred_at DESC, (e.kind = 'ses_suppression'), e.dedup_key
        LIMIT 1
    ) last ON true
    WHERE s.kind IS NOT NULL
), changed AS (
    UPDATE ses_bounces.bounce_list b
    SET details = n.details, first_bounced_at = n.first_bounced_at, last_bounced_at = n.last_bounced_at,
        bounce_count = n.bounce_count, transient_fix_deadline = n.transient_fix_deadline, due_at = n.due_at,
        opened_at = n.opened_at, bounce_sub_type = n.bounce_sub_type, configuration_set = n.configuration_set,
        is_reply = n.is_reply
    FROM shown n
    WHERE b.bounce_list_id = ANY (ARRAY(SELECT x.bounce_list_id FROM shown x WHERE x.bounce_list_id IS NOT NULL))
        AND b.bounce_list_id = n.bounce_list_id
        AND (b.details, b.first_bounced_at, b.last_bounced_at, b.bounce_count, b.transient_fix_deadline,
            b.due_at, b.opened_at, b.bounce_sub_type, b.configuration_set, b.is_reply)
        IS DISTINCT FROM (n.details, n.first_bounced_at, n.last_bounced_at, n.bounce_count, n.transient_fix_deadline,
            n.due_at, n.opened_at, n.bounce_sub_type, n.configuration_set, n.is_reply)
)
INSERT INTO ses_bounces.bounce_list (
    address_id, address, kind, details, first_bounced_at, last_bounced_at, bounce_count, transient_fix_deadline,
    due_at, opened_at, bounce_sub_type, configuration_set, is_reply
)
SELECT n.address_id, n.address, n.kind, n.details, n.first_bounced_at, n.last_bounced_at, n.bounce_count,
    n.transient_fix_deadline, n.due_at, n.opened_at, n.bounce_sub_type, n.configuration_set, n.is_reply
FROM shown n
WHERE n.bounce_list_id IS NULL
ORDER BY n.address_id
