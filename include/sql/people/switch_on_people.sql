-- Give up to limit people back the flag that we took, where nothing touched the row since. Rows that another session
-- holds are passed over. Yields the number switched on. Locks: the people's rows, for the length of this statement.
-- Parameters:
--   ids: bigint[]       addresses that are no longer blocked
--   people_table: text  the table's name
--   limit: bigint       the most people
--   person_ids: text[]  only these; NULL: all
WITH found AS (
    SELECT c.flag_change_id, c.address_id, c.old_value, p.{id} AS person_id
    FROM ses_bounces.flag_change c
    JOIN {table} p ON p.{id} = c.person_id::{id_type}
    WHERE c.address_id = ANY (%(ids)s) AND c.settled_at IS NULL AND NOT c.new_value AND c.decided_by IS NULL
        AND c.people_table = %(people_table)s AND p.xmin::text::bigint = c.row_xmin
        AND (%(person_ids)s::text[] IS NULL OR c.person_id = ANY (%(person_ids)s::text[]))
    ORDER BY p.{id}
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF p SKIP LOCKED
), changed AS (
    UPDATE {table} p
    SET {flag} = f.old_value
    FROM found f
    WHERE p.{id} = f.person_id
    RETURNING f.flag_change_id, f.address_id, p.{id}::text AS person_id, f.old_value, p.xmin::text::bigint AS row_xmin
), settled AS (
    UPDATE ses_bounces.flag_change c
    SET settled_at = now(), settled_by = 'ses_bounces', settlement = 'restored'
    FROM changed x
    WHERE c.flag_change_id = x.flag_change_id
), noted AS (
    INSERT INTO ses_bounces.flag_change (
        address_id, people_table, person_id, old_value, new_value, row_xmin, settled_at, settled_by, settlement
    )
    SELECT x.address_id, %(people_table)s, x.person_id, false, coalesce(x.old_value, true), x.row_xmin, now(),
        'ses_bounces', 'restored'
    FROM changed x
    ORDER BY x.person_id
    RETURNING 1
)
SELECT count(*) FROM noted
