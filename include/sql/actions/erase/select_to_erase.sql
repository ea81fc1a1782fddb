-- The address to erase: its id, whether it was, whether a lift is under way, and when all was done.
-- The last column: it was, and is there again beside it. Locks: none.
-- Parameters:
--   key: text   the address
--   name: text  what stands in its place, once it was erased
SELECT a.address_id, a.address = %(name)s,
    EXISTS (SELECT FROM ses_bounces.unblock_request r WHERE r.address_id = a.address_id AND r.finished_at IS NULL),
    e.finished_at, count(*) OVER () > 1
FROM ses_bounces.address a
LEFT JOIN ses_bounces.erased_address e ON e.address_id = a.address_id
WHERE a.address IN (%(key)s, %(name)s)
ORDER BY a.address = %(name)s
LIMIT 1
