-- Switch the flag on for up to limit people for whom an administrator decided so, unless their address is blocked by
-- now. Rows that another session has locked are passed over. Yields the number switched on. Locks: the people's
-- rows, for the length of this statement.
-- Parameters:
--   ids: bigint[]       the addresses
--   people_table: text  the table's name
--   limit: bigint       the most people
--   person_ids: text[]  only these; NULL: all
WITH found AS (
    SELECT c.flag_change_id, c.address_id, c.decided_by, p.{flag} AS old_value, p.{id} AS person_id
    FROM ses_bounces.flag_change c
    JOIN {table} p ON p.{id} = c.person_id::{id_type}
    WHERE c.address_id = ANY (%(ids)s) AND c.settled_at IS NULL AND NOT c.new_value AND c.decided_by IS NOT NULL
        AND c.people_table = %(people_table)s AND p.{flag} IS DISTINCT FROM true
        AND NOT EXISTS (
            SELECT FROM ses_bounces.blocked_list b
            WHERE b.address = ses_bounces.address_key(p.{email}::text) AND b.unblocked_at IS NULL
        )
        AND (%(person_ids)s::text[] IS NULL OR c.person_id = ANY (%(person_ids)s::text[]))
    ORDER BY p.{id}
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF p SKIP LOCKED
), changed AS (
    UPDATE {table} p
    SET {flag} = true
    FROM found f
    WHERE p.{id} = f.person_id
    RETURNING f.flag_change_id, f.address_id, f.decided_by, f.old_value, p.{id}::text AS person_id,
        p.xmin::text::bigint AS row_xmin
), settled AS (
    UPDATE ses_bounces.flag_change c
    SET settled_at = now(), settled_by = x.decided_by, settlement = 'restored'
    FROM changed x
    WHERE c.flag_change_id = x.flag_change_id
), noted AS (
    INSERT INTO ses_bounces.flag_change (
        address_id, people_table, person_id, old_value, new_value, row_xmin, settled_at, settled_by, settlement
    )
    SELECT x.address_id, %(people_table)s, x.person_id, x.old_value, true, x.row_xmin, now(), x.decided_by, 'restored'
    FROM changed x
    ORDER BY x.person_id
    RETURNING 1
)
SELECT count(*) FROM noted
