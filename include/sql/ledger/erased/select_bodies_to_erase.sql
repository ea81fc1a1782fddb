-- Bodies that name an erased address, of messages received at any time, and of those that were kept (without
-- received_at). Locks: none.
-- Parameters:
--   ids: bigint[]  the addresses
SELECT m.message_id, m.received_at, m.outcome, m.body
FROM ses_bounces.message m
WHERE m.message_id = ANY (%(ids)s) AND m.body IS NOT NULL
UNION ALL
SELECT q.message_id, NULL, q.outcome, q.body
FROM ses_bounces.quarantine q
WHERE q.message_id = ANY (%(ids)s) AND q.body IS NOT NULL
