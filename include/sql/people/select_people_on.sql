-- The addresses of the people in one range of ids whose flag is not off, as keys. Locks: none.
-- Parameters:
--   after: {id_type}  the id to begin behind; NULL: at the beginning
--   limit: bigint     the most people
SELECT p.key
FROM (
    SELECT ses_bounces.address_key(r.{email}::text) AS key, r.{flag} AS flag
    FROM {table} r
    WHERE %(after)s::{id_type} IS NULL OR r.{id} > %(after)s::{id_type}
    ORDER BY r.{id}
    LIMIT %(limit)s
) p
WHERE p.flag IS DISTINCT FROM false AND p.key IS NOT NULL
