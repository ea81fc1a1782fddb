-- Bodies that may spell an address: they hold a piece of one, or something beside ASCII, also as an escape of JSON or
-- of a URL.
-- Locks: none.
-- Parameters:
--   bits: text[]  pieces of addresses, lower case
SELECT b.message_id, b.body
FROM (
    SELECT m.message_id, m.body FROM ses_bounces.message m
    UNION ALL
    SELECT q.message_id, q.body FROM ses_bounces.quarantine q
) b
WHERE EXISTS (SELECT FROM unnest(%(bits)s::text[]) AS p(bit) WHERE position(p.bit in lower(b.body)) > 0)
    OR b.body ~* '[^\u0001-\u007f]|\\u[0-9a-f]|%%[c-f][0-9a-f]'
