-- Await what is sent to a queue. Locks: its row.
--   queue_url, belongs_to
INSERT INTO ses_bounces.awaited_queue (queue_url, belongs_to) VALUES (%(queue_url)s, %(belongs_to)s)
ON CONFLICT (queue_url) DO NOTHING
