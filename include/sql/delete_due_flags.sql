-- Take from flag_due what was done, unless the address changed again meanwhile. Locks: the rows deleted.
--   ids, due_since  of the same length
DELETE FROM ses_bounces.flag_due f
USING unnest(%(ids)s::bigint[], %(due_since)s::timestamptz[]) done(address_id, due_since)
WHERE f.address_id = done.address_id AND f.due_since = done.due_since
