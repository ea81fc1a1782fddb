-- Note how far a queue was drained. Locks: its row.
--   queue_url, belongs_to, began
--   emptied     it had nothing left
--   left_since  else the send time of about the oldest message left; is_known false: all that can be said is that it
--               was sent after the queue was last seen empty.
INSERT INTO ses_bounces.queue AS q (queue_url, belongs_to, first_drained_at, last_drained_at, emptied_at, left_since)
VALUES (%(queue_url)s, %(belongs_to)s, %(began)s, %(began)s, CASE WHEN %(emptied)s THEN %(began)s::timestamptz END,
    %(left_since)s)
ON CONFLICT (queue_url) DO UPDATE
SET belongs_to = excluded.belongs_to, last_drained_at = excluded.last_drained_at,
    emptied_at = coalesce(excluded.emptied_at, q.emptied_at),
    left_since = CASE
        WHEN %(emptied)s THEN NULL
        WHEN %(is_known)s THEN excluded.left_since
        ELSE coalesce(q.left_since, q.emptied_at, excluded.left_since)
    END
