-- The time for which state is computed, and up to when deadlines count as passed: not beyond the send time of what
-- still waits, in a queue that the last drain left or here unread, so that a delivery among it is not overtaken.
-- Locks: none.
SELECT clock_timestamp(), least(
    clock_timestamp(),
    (SELECT min(q.left_since) FROM ses_bounces.queue q),
    (SELECT m.sent_at FROM ses_bounces.message m WHERE m.outcome = 'pending' ORDER BY m.sent_at LIMIT 1)
)
