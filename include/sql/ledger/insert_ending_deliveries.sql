-- Keep in the ledger the deliveries that end an episode of transients: those of incoming_delivery, and the newest one
-- known from earlier where a bounce from before it arrived late. Runs before last_delivery moves on.
-- Notes touched_address; yields kind, count and earliest time of what is new. Locks: the rows inserted.
WITH candidate AS (
    SELECT i.address_id, i.occurred_at, i.dedup_key, i.reason, i.mail_sent_at, i.ses_message_id, i.message_id
    FROM incoming_delivery i
    UNION ALL
    SELECT d.address_id, d.occurred_at, d.dedup_key, NULL, NULL, d.ses_message_id, NULL
    FROM ses_bounces.last_delivery d
    WHERE d.address_id = ANY (%(ids)s::bigint[])
), ending AS (
    SELECT c.*
    FROM candidate c
    CROSS JOIN LATERAL (
        SELECT e.occurred_at
        FROM ses_bounces.address_event e
        WHERE e.address_id = c.address_id AND e.kind = 'transient_bounce' AND e.superseded_at IS NULL
            AND e.occurred_at <= c.occurred_at
        ORDER BY e.occurred_at DESC
        LIMIT 1
    ) bounce
    WHERE NOT EXISTS (
        SELECT FROM ses_bounces.address_event e
        WHERE e.address_id = c.address_id AND e.kind IN ('delivery', 'transient_deleted', 'unblocked')
            AND e.superseded_at IS NULL AND e.occurred_at >= bounce.occurred_at AND e.occurred_at <= c.occurred_at
    )
), inserted AS (
    INSERT INTO ses_bounces.address_event (
        address_id, kind, occurred_at, dedup_key, actor, reason, mail_sent_at, ses_message_id, rules_version, message_id
    )
    SELECT n.address_id, 'delivery', n.occurred_at, n.dedup_key, 'ses', n.reason, n.mail_sent_at, n.ses_message_id,
        %(rules_version)s, n.message_id
    FROM ending n
    ORDER BY n.occurred_at, n.dedup_key
    ON CONFLICT (dedup_key) WHERE superseded_at IS NULL DO NOTHING
    RETURNING address_id, kind, occurred_at
), touched AS (
    INSERT INTO touched_address SELECT DISTINCT n.address_id FROM inserted n
)
SELECT n.kind, count(*), min(n.occurred_at) FROM inserted n GROUP BY n.kind
