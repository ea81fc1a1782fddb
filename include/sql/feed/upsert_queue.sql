-- Note how far a queue was drained. Locks: its row.
-- Parameters:
--   queue_url: text          the queue
--   belongs_to: text         the queue whose dead-letter queue it is; itself, where it is none
--   began: timestamptz       when the drain began
--   gave_all: boolean        it had nothing more to give
--   in_flight: boolean       other receivers held some messages then
--   visibility: interval     for no longer than this
--   left_since: timestamptz  where it had more: the send time of about the oldest message left
INSERT INTO ses_bounces.queue AS q (
    queue_url, belongs_to, first_drained_at, last_drained_at, emptied_at, given_at, held_until, left_since
)
VALUES (
    %(queue_url)s, %(belongs_to)s, %(began)s, %(began)s,
    CASE WHEN %(gave_all)s AND NOT %(in_flight)s THEN %(began)s::timestamptz END,
    CASE WHEN %(gave_all)s THEN %(began)s::timestamptz END,
    CASE WHEN %(in_flight)s THEN clock_timestamp() + %(visibility)s::interval END,
    CASE WHEN NOT %(gave_all)s THEN %(left_since)s::timestamptz END
)
ON CONFLICT (queue_url) DO UPDATE
SET belongs_to = excluded.belongs_to, last_drained_at = excluded.last_drained_at,
    emptied_at = greatest(
        q.emptied_at, excluded.emptied_at,
        -- What was in flight then has come back and was read by this, or is gone.
        CASE WHEN %(gave_all)s AND q.held_until <= excluded.last_drained_at THEN q.given_at END
    ),
    -- What is waited for already is not put off by what is in flight now: a queue that is never quiet is read, too.
    given_at = CASE
        WHEN %(gave_all)s AND NOT (q.held_until > excluded.last_drained_at AND q.held_until < excluded.held_until) IS TRUE
            THEN excluded.given_at
        ELSE q.given_at
    END,
    held_until = CASE
        WHEN %(gave_all)s AND NOT (q.held_until > excluded.last_drained_at AND q.held_until < excluded.held_until) IS TRUE
            THEN excluded.held_until
        ELSE q.held_until
    END,
    left_since = excluded.left_since
