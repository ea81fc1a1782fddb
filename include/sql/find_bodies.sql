-- Bodies that hold a bit of text. Locks: none.
--   bit
SELECT m.message_id, m.body FROM ses_bounces.message m WHERE position(%(bit)s in lower(m.body)) > 0
UNION ALL
SELECT q.message_id, q.body FROM ses_bounces.quarantine q WHERE position(%(bit)s in lower(q.body)) > 0
