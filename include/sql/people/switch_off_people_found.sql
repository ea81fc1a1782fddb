-- The people whom switch_off_people would switch off, in id order: id and row of the registry. Locks: none.
-- Parameters:
--   addresses: text[]      the keys that people's addresses have
--   address_ids: bigint[]  the row of the registry for each
--   after: {id_type}       the id to begin behind; NULL: at the beginning
--   limit: bigint          the most people
SELECT p.{id}::text, w.address_id
FROM {table} p
JOIN unnest(%(addresses)s::text[], %(address_ids)s::bigint[]) w(address, address_id)
    ON w.address = ses_bounces.address_key(p.{email}::text)
WHERE ses_bounces.address_key(p.{email}::text) = ANY (%(addresses)s) AND p.{flag} IS DISTINCT FROM false
    AND (%(after)s::{id_type} IS NULL OR p.{id} > %(after)s::{id_type})
ORDER BY p.{id}
LIMIT %(limit)s
