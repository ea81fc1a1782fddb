-- Switch the flag off for some people at erased addresses that are blocked. Rows that somebody else holds are passed
-- over. Yields the number switched off. Locks: the people's rows, for the length of this statement.
--   ids, keys  the people, and the keys of their addresses; names  what stands in the place of those
--   people_table
WITH wanted AS (
    SELECT w.id, w.key, a.address_id
    FROM unnest(%(ids)s::text[], %(keys)s::text[], %(names)s::text[]) w(id, key, name)
    JOIN ses_bounces.address a ON a.address = w.name
    WHERE EXISTS (SELECT FROM ses_bounces.blocked_list b WHERE b.address = w.name AND b.unblocked_at IS NULL)
), found AS (
    SELECT p.{id} AS person_id, p.{flag} AS old_value, w.address_id
    FROM {table} p
    JOIN wanted w ON p.{id} = w.id::{id_type} AND ses_bounces.address_key(p.{email}::text) = w.key
    WHERE p.{flag} IS DISTINCT FROM false
    ORDER BY p.{id}
    FOR NO KEY UPDATE OF p SKIP LOCKED
), changed AS (
    UPDATE {table} p
    SET {flag} = false
    FROM found f
    WHERE p.{id} = f.person_id
    RETURNING f.address_id, p.{id}::text AS person_id, f.old_value, p.xmin::text::bigint AS row_xmin
), noted AS (
    INSERT INTO ses_bounces.flag_change (address_id, people_table, person_id, old_value, new_value, row_xmin)
    SELECT c.address_id, %(people_table)s, c.person_id, c.old_value, false, c.row_xmin
    FROM changed c
    ORDER BY c.person_id
    RETURNING 1
)
SELECT count(*) FROM noted
