-- A raw message whose day is gone, and which was kept. Locks: none.
-- Parameters:
--   message_id: bigint  the message
SELECT q.received_at, q.outcome, q.body, q.reason, q.event_type, q.sent_at, q.queue_url
FROM ses_bounces.quarantine q
WHERE q.message_id = %(message_id)s
