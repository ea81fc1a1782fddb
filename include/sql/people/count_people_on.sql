-- The people at some addresses whose flag is not off, by address. Locks: none.
-- Parameters:
--   addresses: text[]  keys
SELECT ses_bounces.address_key(p.{email}::text), count(*)
FROM {table} p
WHERE ses_bounces.address_key(p.{email}::text) = ANY (%(addresses)s) AND p.{flag} IS DISTINCT FROM false
GROUP BY 1
