-- The ledger's entries about one address, superseded ones too, the oldest first, and what each did to the lists:
-- a block names the entry that began it, and the end of a row has the time of the entry that ended it. Locks: none.
-- Parameters:
--   address_id: bigint               the address
--   since: timestamptz               the time of the entry to begin behind
--   id: bigint                       its id
--   limit: bigint                    the most entries
WITH address AS MATERIALIZED (
    SELECT a.address FROM ses_bounces.address a WHERE a.address_id = %(address_id)s
), block AS MATERIALIZED (
    SELECT b.event_id, b.reason, b.blocked_at, b.unblocked_at
    FROM (
        SELECT x.* FROM ses_bounces.blocked_list x WHERE x.unblocked_at IS NULL
        UNION ALL
        SELECT x.* FROM ses_bounces.blocked_list x WHERE x.unblocked_at IS NOT NULL
    ) b
    WHERE b.address = (SELECT a.address FROM address a)
), bounce AS MATERIALIZED (
    SELECT b.kind, b.opened_at, b.closed_at, b.close_reason
    FROM ses_bounces.bounce_list b
    WHERE b.is_open IN (true, false) AND b.address = (SELECT a.address FROM address a)
)
SELECT e.event_id, e.kind, e.occurred_at, e.recorded_at, e.actor, e.reason, e.lifts, e.deadline, e.policy,
    e.mail_sent_at, e.feedback_id, e.ses_message_id, e.bounce_type, e.bounce_sub_type, e.feedback_type, e.status,
    e.diagnostic_code, e.source, e.configuration_set, e.is_reply,
    e.is_reply AND ses_bounces.is_answered(e.address_id, e.ses_message_id, clock_timestamp(), NULL) AS is_answered, e.tags, e.rules_version, e.message_id, e.superseded_at,
    e.superseded_by,
    ARRAY(
        SELECT b.reason FROM block b
        WHERE e.superseded_at IS NULL AND CASE
            -- With policy age_and_rebounce it begins with the second bounce, after the deadline.
            WHEN b.reason = 'expired_transient' THEN e.kind = 'promotion' AND e.occurred_at = (
                SELECT max(p.occurred_at) FROM ses_bounces.address_event p
                WHERE p.address_id = e.address_id AND p.superseded_at IS NULL AND p.kind = 'promotion'
                    AND p.occurred_at <= b.blocked_at
            )
            ELSE e.event_id = b.event_id
        END
        ORDER BY b.reason
    ) AS opened,
    ARRAY(
        SELECT b.reason FROM block b
        WHERE e.superseded_at IS NULL AND e.kind IN ('delivery', 'transient_deleted', 'unblocked')
            AND e.occurred_at = b.unblocked_at
        ORDER BY b.reason
    ) AS closed,
    ARRAY(
        SELECT 'opened as ' || b.kind FROM bounce b
        WHERE e.superseded_at IS NULL AND b.opened_at = e.occurred_at AND CASE b.kind
            WHEN 'transient' THEN e.kind = 'transient_bounce'
            WHEN 'permanent' THEN e.kind IN ('permanent_bounce', 'promotion')
            WHEN 'complaint' THEN e.kind = 'complaint'
            ELSE e.kind = 'ses_suppression'
        END
        UNION ALL
        SELECT b.kind || ' closed: ' || b.close_reason FROM bounce b
        WHERE e.superseded_at IS NULL AND b.closed_at = e.occurred_at
            AND e.kind IN ('delivery', 'transient_deleted', 'unblocked', 'promotion')
    ) AS bounces
FROM (
    (
        SELECT x.* FROM ses_bounces.address_event x
        WHERE x.address_id = %(address_id)s AND x.superseded_at IS NULL
            AND (x.occurred_at, x.event_id) > (coalesce(%(since)s, '-infinity'::timestamptz), coalesce(%(id)s, 0))
        ORDER BY x.occurred_at, x.event_id
        LIMIT %(limit)s
    )
    UNION ALL
    (
        SELECT x.* FROM ses_bounces.address_event x
        WHERE x.address_id = %(address_id)s AND x.superseded_at IS NOT NULL
            AND (x.occurred_at, x.event_id) > (coalesce(%(since)s, '-infinity'::timestamptz), coalesce(%(id)s, 0))
        ORDER BY x.occurred_at, x.event_id
        LIMIT %(limit)s
    )
) e
ORDER BY e.occurred_at, e.event_id
LIMIT %(limit)s
