-- The time for which state is computed, and up to when deadlines count as passed: no further than everything sent by
-- then is known to have been read, so that a delivery that still waits is not overtaken. Of each queue that is up to
-- when it was last seen empty, or the send time of about the oldest message left in it, but not further back than it
-- keeps messages; of what is landed here, the send time of the oldest message unread. Locks: none.
SELECT clock_timestamp(), least(
    clock_timestamp(),
    (SELECT min(r.read_to) FROM ses_bounces.queue_read r),
    (SELECT m.sent_at FROM ses_bounces.message m WHERE m.outcome = 'pending' ORDER BY m.sent_at LIMIT 1)
)
