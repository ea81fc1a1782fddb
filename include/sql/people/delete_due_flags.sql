-- Take from flag_due what was done, unless the address changed again meanwhile. Locks: the rows deleted.
-- Parameters:
--   ids: bigint[]             the addresses
--   due_since: timestamptz[]  since when each was due, as it was read
DELETE FROM ses_bounces.flag_due f
USING unnest(%(ids)s::bigint[], %(due_since)s::timestamptz[]) done(address_id, due_since)
-- An array, whose ids are looked up: a plain join reads all due addresses, again for each chunk.
WHERE f.address_id = ANY (ARRAY(SELECT unnest(%(ids)s::bigint[])))
    AND f.address_id = done.address_id AND f.due_since = done.due_since
