-- Braked domains of which anything waits, or that nobody decided about: with counts to 10,001, the span of what is
-- held, and what the servers said most often. Locks: none.
-- Parameters:
--   ids: bigint[]  only these; null: all
SELECT b.brake_id, b.domain, b.day, b.max_new_blocks, b.braked_at, b.decision, b.actor, b.decided_at,
    h.messages, h.bounces, h.listings, h.first_at, h.last_at, coalesce(said.most, '[]')
FROM ses_bounces.brake b
CROSS JOIN LATERAL (
    SELECT count(DISTINCT nullif(x.message_id, 0)) AS messages, count(DISTINCT x.dedup_key) AS bounces,
        count(*) FILTER (WHERE x.message_id = 0) AS listings, min(x.occurred_at) AS first_at,
        max(x.occurred_at) AS last_at
    FROM (
        SELECT e.message_id, e.dedup_key, e.occurred_at
        FROM ses_bounces.held_entry e
        WHERE e.brake_id = b.brake_id AND e.decision IS NULL
        LIMIT 10001
    ) x
) h
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(t.diagnostic, t.number) ORDER BY t.number DESC, t.diagnostic) AS most
    FROM (
        SELECT x.diagnostic, count(*) AS number
        FROM (
            SELECT e.diagnostic
            FROM ses_bounces.held_entry e
            WHERE e.brake_id = b.brake_id AND e.decision IS NULL
            LIMIT 10001
        ) x
        WHERE x.diagnostic <> ''
        GROUP BY x.diagnostic
        ORDER BY 2 DESC, 1
        LIMIT 3
    ) t
) said ON true
WHERE b.settled_at IS NULL AND (%(ids)s::bigint[] IS NULL OR b.brake_id = ANY (%(ids)s))
ORDER BY h.bounces DESC, b.domain
