-- Note what SQS said of a queue. Locks: its row.
--   queue_url, belongs_to
--   retention  how long it keeps messages
--   is_empty   it said that there is nothing in it
INSERT INTO ses_bounces.awaited_queue AS w (queue_url, belongs_to, retention, seen_empty_at)
VALUES (%(queue_url)s, %(belongs_to)s, %(retention)s, CASE WHEN %(is_empty)s THEN clock_timestamp() END)
ON CONFLICT (queue_url) DO UPDATE
SET retention = excluded.retention, seen_empty_at = coalesce(excluded.seen_empty_at, w.seen_empty_at)
