-- Await no more what is in former dead-letter queues of a queue. Locks: the rows deleted.
-- Parameters:
--   queue_url: text        the queue
--   dead_letter_url: text  its dead-letter queue; null: none
DELETE FROM ses_bounces.awaited_queue w
WHERE w.belongs_to = %(queue_url)s AND w.queue_url <> w.belongs_to
    AND w.queue_url IS DISTINCT FROM %(dead_letter_url)s::text
