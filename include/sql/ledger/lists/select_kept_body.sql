-- A raw message whose day is gone, and which was kept. Locks: none.
-- Parameters:
--   message_id: bigint  the message
SELECT q.received_at, q.outcome, q.body FROM ses_bounces.quarantine q WHERE q.message_id = %(message_id)s
