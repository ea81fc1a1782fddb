-- Note what SQS said of a queue. Locks: its row.
-- Parameters:
--   queue_url: text      the queue
--   belongs_to: text     the queue whose dead-letter queue it is; itself, where it is none
--   retention: interval  how long it keeps messages
--   is_empty: boolean    SQS said that nothing is in it
INSERT INTO ses_bounces.awaited_queue AS w (queue_url, belongs_to, retention, seen_empty_at)
VALUES (%(queue_url)s, %(belongs_to)s, %(retention)s, CASE WHEN %(is_empty)s THEN clock_timestamp() END)
ON CONFLICT (queue_url) DO UPDATE
SET retention = excluded.retention, seen_empty_at = coalesce(excluded.seen_empty_at, w.seen_empty_at)
