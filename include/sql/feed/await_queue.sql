-- Await what is sent to a queue. Locks: its row.
-- Parameters:
--   queue_url: text   the queue
--   belongs_to: text  the queue whose dead-letter queue it is; itself, where it is none
INSERT INTO ses_bounces.awaited_queue (queue_url, belongs_to) VALUES (%(queue_url)s, %(belongs_to)s)
ON CONFLICT (queue_url) DO NOTHING
