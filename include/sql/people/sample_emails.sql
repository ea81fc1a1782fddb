-- Count some rows of the people table whose email is not empty, and those of them whose email is an address.
-- Locks: none.
-- Parameters:
--   limit: bigint  the most rows
SELECT count(*), count(ses_bounces.address_key(s.email))
FROM (SELECT p.{email}::text AS email FROM {table} p LIMIT %(limit)s) s
WHERE s.email ~ '\S'
