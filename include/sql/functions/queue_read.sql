-- queue_read: up to when everything sent to each queue of the settings is known to have been read, and to each
-- dead-letter queue of theirs. A queue that was never seen empty counts from as far back as it keeps messages, and so
-- does one that no drain could open or read since: nothing has to be noted when one fails, or is killed. Until
-- held_until, what others had in flight when a drain found nothing else may come back. Locks: none.
CREATE OR REPLACE VIEW ses_bounces.queue_read AS
SELECT coalesce(w.queue_url, q.queue_url) AS queue_url, coalesce(w.belongs_to, q.belongs_to) AS belongs_to,
    greatest(
        clock_timestamp() - coalesce(w.retention, interval '14 days'),
        CASE
            WHEN q.left_since IS NOT NULL AND (w.seen_empty_at > q.last_drained_at) IS NOT TRUE THEN q.left_since
            WHEN q.held_until <= clock_timestamp() THEN greatest(q.emptied_at, q.given_at, w.seen_empty_at)
            ELSE greatest(q.emptied_at, w.seen_empty_at)
        END
    ) AS read_to
FROM ses_bounces.awaited_queue w
FULL JOIN ses_bounces.queue q ON q.queue_url = w.queue_url
-- A queue that left the settings is awaited only for what was left in it.
WHERE w.queue_url IS NOT NULL OR q.left_since IS NOT NULL
