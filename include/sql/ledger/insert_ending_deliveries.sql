-- Keep in the ledger the deliveries that states are computed from: of each transient bounce the next one at or after
-- it, and of each reply one of its own mail. Of incoming_delivery, and of the latest ones kept from earlier where a
-- bounce arrived late. Runs before last_delivery moves on.
-- Notes touched_address; yields kind, count and earliest time of what is new. Locks: the rows inserted.
-- Parameters:
--   ids: bigint[]            the addresses with bounces that arrived late
--   rules_version: smallint  what is noted on the entries
WITH candidate AS (
    SELECT i.address_id, i.occurred_at, i.dedup_key, i.reason, i.mail_sent_at, i.ses_message_id, i.message_id
    FROM incoming_delivery i
    UNION ALL
    SELECT d.address_id, d.occurred_at, d.dedup_key, NULL, NULL, d.ses_message_id, NULL
    FROM ses_bounces.last_delivery d
    WHERE d.address_id = ANY (%(ids)s::bigint[])
    UNION ALL
    SELECT d.address_id, k.occurred_at, k.dedup_key, NULL, NULL, k.ses_message_id, NULL
    FROM ses_bounces.last_delivery d
    CROSS JOIN LATERAL (
        VALUES (d.second_at, d.second_mail, d.second_key), (d.third_at, d.third_mail, d.third_key),
            (d.fourth_at, d.fourth_mail, d.fourth_key)
    ) k(occurred_at, ses_message_id, dedup_key)
    WHERE d.address_id = ANY (%(ids)s::bigint[]) AND k.dedup_key IS NOT NULL
), concerned AS MATERIALIZED (
    -- Nearly all addresses never had a bounce.
    SELECT c.*
    FROM candidate c
    CROSS JOIN LATERAL (
        SELECT FROM ses_bounces.address_event e
        WHERE e.address_id = c.address_id AND e.kind = 'transient_bounce' AND e.superseded_at IS NULL
        LIMIT 1
    ) has_bounced
), ending AS (
    SELECT DISTINCT ON (c.address_id, bounce.occurred_at) c.*
    FROM concerned c
    CROSS JOIN LATERAL (
        SELECT e.occurred_at
        FROM ses_bounces.address_event e
        WHERE e.address_id = c.address_id AND e.kind = 'transient_bounce' AND e.superseded_at IS NULL
            AND e.occurred_at <= c.occurred_at
        ORDER BY e.occurred_at DESC
        LIMIT 1
    ) bounce
    -- Whatever a person did in between may be taken back.
    WHERE NOT EXISTS (
        SELECT FROM ses_bounces.address_event e
        WHERE e.address_id = c.address_id AND e.kind = 'delivery' AND e.superseded_at IS NULL
            AND e.occurred_at >= bounce.occurred_at AND e.occurred_at <= c.occurred_at
    )
    ORDER BY c.address_id, bounce.occurred_at, c.occurred_at, c.dedup_key
), answering AS (
    SELECT DISTINCT ON (c.address_id, c.ses_message_id) c.*
    FROM concerned c
    WHERE EXISTS (
            SELECT FROM ses_bounces.address_event r
            WHERE r.address_id = c.address_id AND r.ses_message_id = c.ses_message_id AND r.is_reply
                AND r.superseded_at IS NULL
        )
        AND NOT EXISTS (
            SELECT FROM ses_bounces.address_event e
            WHERE e.address_id = c.address_id AND e.ses_message_id = c.ses_message_id AND e.kind = 'delivery'
                AND e.superseded_at IS NULL AND e.occurred_at <= c.occurred_at
        )
    ORDER BY c.address_id, c.ses_message_id, c.occurred_at, c.dedup_key
), inserted AS (
    INSERT INTO ses_bounces.address_event (
        address_id, kind, occurred_at, dedup_key, actor, reason, mail_sent_at, ses_message_id, rules_version, message_id
    )
    SELECT n.address_id, 'delivery', n.occurred_at, n.dedup_key, 'ses', n.reason, n.mail_sent_at, n.ses_message_id,
        %(rules_version)s, n.message_id
    FROM (SELECT e.* FROM ending e UNION ALL SELECT a.* FROM answering a) n
    ORDER BY n.occurred_at, n.dedup_key
    ON CONFLICT (dedup_key) WHERE superseded_at IS NULL DO NOTHING
    RETURNING address_id, kind, occurred_at
), touched AS (
    INSERT INTO touched_address SELECT DISTINCT n.address_id FROM inserted n
)
SELECT n.kind, count(*), min(n.occurred_at) FROM inserted n GROUP BY n.kind
