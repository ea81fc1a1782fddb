-- Bring the Email Bounce List to touched_state: one open row per address that has an episode or a bounce or complaint
-- cause.
-- due_at is when time alone may change the state next.
--   at, expire_before  see address_state.sql. Locks: the rows written.
INSERT INTO ses_bounces.bounce_list AS b (
    address_id, address, kind, details, first_bounced_at, last_bounced_at, bounce_count, transient_fix_deadline,
    due_at, opened_at, bounce_sub_type, configuration_set
)
SELECT s.address_id, s.address, s.kind,
    concat_ws(' ', nullif(concat_ws('/', last.bounce_type, last.bounce_sub_type), ''), last.feedback_type,
        last.status, last.diagnostic_code),
    CASE s.kind WHEN 'transient' THEN s.episode_first_at ELSE s.first_bounced_at END,
    CASE s.kind WHEN 'transient' THEN s.episode_last_at ELSE s.last_bounced_at END,
    CASE s.kind WHEN 'transient' THEN s.episode_bounces ELSE s.bounce_count END,
    CASE s.kind WHEN 'transient' THEN s.episode_deadline END,
    CASE WHEN s.episode_deadline > %(expire_before)s THEN s.episode_deadline END,
    CASE s.kind
        WHEN 'complaint' THEN s.since_complaint
        WHEN 'suppressed' THEN s.since_ses_suppression
        WHEN 'permanent' THEN coalesce(s.since_permanent_bounce, s.since_expired_transient)
        ELSE s.episode_first_at
    END,
    last.bounce_sub_type, last.configuration_set
FROM touched_state s
LEFT JOIN LATERAL (
    SELECT e.bounce_type, e.bounce_sub_type, e.feedback_type, e.status, e.diagnostic_code, e.configuration_set
    FROM ses_bounces.address_event e
    WHERE e.address_id = s.address_id AND e.superseded_at IS NULL AND e.occurred_at <= %(at)s
        AND e.kind IN ('transient_bounce', 'permanent_bounce', 'complaint', 'ses_suppression')
    ORDER BY e.occurred_at DESC, (e.kind = 'ses_suppression'), e.dedup_key
    LIMIT 1
) last ON true
WHERE s.kind IS NOT NULL
ORDER BY s.address_id
ON CONFLICT (address_id) WHERE closed_at IS NULL DO UPDATE
SET details = excluded.details, first_bounced_at = excluded.first_bounced_at,
    last_bounced_at = excluded.last_bounced_at, bounce_count = excluded.bounce_count,
    transient_fix_deadline = excluded.transient_fix_deadline, due_at = excluded.due_at, opened_at = excluded.opened_at,
    bounce_sub_type = excluded.bounce_sub_type, configuration_set = excluded.configuration_set
WHERE (b.details, b.first_bounced_at, b.last_bounced_at, b.bounce_count, b.transient_fix_deadline, b.due_at, b.opened_at,
        b.bounce_sub_type, b.configuration_set)
    IS DISTINCT FROM (excluded.details, excluded.first_bounced_at, excluded.last_bounced_at, excluded.bounce_count,
        excluded.transient_fix_deadline, excluded.due_at, excluded.opened_at,
        excluded.bounce_sub_type, excluded.configuration_set)
