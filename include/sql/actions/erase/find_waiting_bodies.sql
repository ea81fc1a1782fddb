-- Bodies that may spell an address, as actions/erase/find_bodies.sql, of messages that may be classified yet.
-- Locks: none.
-- Parameters:
--   bits: text[]  pieces of addresses, lower case
SELECT b.body
FROM (
    SELECT m.body FROM ses_bounces.message m WHERE m.outcome IN ('pending', 'held', 'quarantined')
    UNION ALL
    SELECT q.body FROM ses_bounces.quarantine q WHERE q.outcome IN ('held', 'quarantined')
) b
WHERE EXISTS (SELECT FROM unnest(%(bits)s::text[]) AS p(bit) WHERE position(p.bit in lower(b.body)) > 0)
    OR b.body ~* '[^\u0001-\u007f]|\\u[0-9a-f]|%%[c-f][0-9a-f]'
