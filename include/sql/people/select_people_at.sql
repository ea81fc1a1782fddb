-- The people at some addresses, and those whom we switched off for them: their flag, and whether we did it. Locks:
-- none.
-- Parameters:
--   ids: bigint[]       the addresses, as ids
--   addresses: text[]   and as keys
--   people_table: text  the table's name
--   limit: bigint       the most people
WITH ours AS (
    SELECT DISTINCT ON (c.person_id) c.flag_change_id, c.address_id, c.person_id, c.row_xmin, c.changed_at, c.settlement,
        c.decided_by
    FROM ses_bounces.flag_change c
    WHERE c.address_id = ANY (%(ids)s) AND c.people_table = %(people_table)s AND NOT c.new_value
        AND (c.settled_at IS NULL OR c.settlement = 'touched')
    ORDER BY c.person_id, c.flag_change_id DESC
), found AS (
    (
        SELECT p.{id} AS person_id
        FROM {table} p
        WHERE ses_bounces.address_key(p.{email}::text) = ANY (%(addresses)s)
        ORDER BY p.{id}
        LIMIT %(limit)s
    )
    UNION
    (SELECT o.person_id::{id_type} FROM ours o ORDER BY 1 LIMIT %(limit)s)
), person AS (
    SELECT p.{id} AS person_id, p.{flag} AS flag, p.xmin::text::bigint AS row_xmin,
        ses_bounces.address_key(p.{email}::text) AS address
    FROM {table} p
    WHERE p.{id} IN (SELECT f.person_id FROM found f)
)
SELECT coalesce(o.address_id, a.address_id), p.person_id::text, p.flag, o.flag_change_id, o.changed_at,
    coalesce(o.row_xmin <> p.row_xmin, false), o.decided_by,
    EXISTS (SELECT FROM ses_bounces.blocked_list b WHERE b.address = p.address AND b.unblocked_at IS NULL)
FROM person p
LEFT JOIN ours o ON o.person_id = p.person_id::text
LEFT JOIN ses_bounces.address a ON a.address = p.address
ORDER BY p.person_id
LIMIT %(limit)s
