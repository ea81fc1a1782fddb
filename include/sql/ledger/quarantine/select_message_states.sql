-- What became of some messages, and the last thing that an administrator did to each. Locks: none.
-- Parameters:
--   ids: bigint[]  the messages
SELECT i.message_id, m.outcome, a.action, a.actor, a.acted_at
FROM unnest(%(ids)s::bigint[]) i(message_id)
LEFT JOIN LATERAL (
    SELECT x.outcome FROM ses_bounces.message x WHERE x.message_id = i.message_id
    UNION ALL
    SELECT q.outcome FROM ses_bounces.quarantine q WHERE q.message_id = i.message_id
    LIMIT 1
) m ON true
LEFT JOIN LATERAL (
    SELECT x.action, x.actor, x.acted_at
    FROM ses_bounces.message_action x
    WHERE x.message_id = i.message_id
    ORDER BY x.acted_at DESC
    LIMIT 1
) a ON true
