-- Bodies that hold a bit of text, of messages that may be classified yet. Locks: none.
--   bit
SELECT m.body FROM ses_bounces.message m
WHERE m.outcome IN ('pending', 'held', 'quarantined') AND position(%(bit)s in lower(m.body)) > 0
UNION ALL
SELECT q.body FROM ses_bounces.quarantine q
WHERE q.outcome IN ('held', 'quarantined') AND position(%(bit)s in lower(q.body)) > 0
