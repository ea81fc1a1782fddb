-- Switch the flag off for up to limit people at blocked addresses, in id order. Rows that another session holds are
-- passed over. Yields the number switched off. Locks: the people's rows, for the length of this statement.
-- Parameters:
--   addresses: text[]      the keys that people's addresses have
--   address_ids: bigint[]  the row of the registry for each: one that was erased has another name there
--   people_table: text     the table's name
--   limit: bigint          the most people
--   person_ids: text[]     only these; NULL: all
WITH found AS (
    SELECT p.{id} AS person_id, p.{flag} AS old_value, ses_bounces.address_key(p.{email}::text) AS address
    FROM {table} p
    WHERE ses_bounces.address_key(p.{email}::text) = ANY (%(addresses)s) AND p.{flag} IS DISTINCT FROM false
        AND (%(person_ids)s::text[] IS NULL OR p.{id} = ANY (%(person_ids)s::text[]::{id_type}[]))
    ORDER BY p.{id}
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF p SKIP LOCKED
), changed AS (
    UPDATE {table} p
    SET {flag} = false
    -- An array, for which the planner looks up each by the index on the id: of a join it may read the whole table.
    WHERE p.{id} = ANY (ARRAY(SELECT f.person_id FROM found f))
    RETURNING p.{id} AS person_id, p.{flag} AS flag, p.xmin::text::bigint AS row_xmin
), noted AS (
    INSERT INTO ses_bounces.flag_change (address_id, people_table, person_id, old_value, new_value, row_xmin)
    SELECT w.address_id, %(people_table)s, c.person_id::text, f.old_value, false, c.row_xmin
    FROM changed c
    JOIN found f ON f.person_id = c.person_id
    JOIN unnest(%(addresses)s::text[], %(address_ids)s::bigint[]) w(address, address_id) ON w.address = f.address
    -- A trigger of theirs may keep it on.
    WHERE NOT c.flag
    ORDER BY c.person_id
    RETURNING 1
)
SELECT count(*) FROM noted
