-- The people whom switch_on_people would switch on, in id order: id and address. Locks: none.
-- Parameters:
--   ids: bigint[]       addresses that are no longer blocked
--   people_table: text  the table's name
--   after: {id_type}    the id to begin behind; NULL: at the beginning
--   limit: bigint       the most people
SELECT c.person_id, c.address_id
FROM ses_bounces.flag_change c
JOIN {table} p ON p.{id} = c.person_id::{id_type}
WHERE c.address_id = ANY (%(ids)s) AND c.settled_at IS NULL AND NOT c.new_value AND c.decided_by IS NULL
    AND c.people_table = %(people_table)s AND p.xmin::text::bigint = c.row_xmin
    AND (%(after)s::{id_type} IS NULL OR p.{id} > %(after)s::{id_type})
ORDER BY p.{id}
LIMIT %(limit)s
