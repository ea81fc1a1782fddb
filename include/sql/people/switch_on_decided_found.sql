-- The people whom switch_on_decided would switch on, in id order: id and address. Locks: none.
-- Parameters:
--   ids: bigint[]       the addresses
--   people_table: text  the table's name
--   after: {id_type}    the id to begin behind; NULL: at the beginning
--   limit: bigint       the most people
SELECT c.person_id, c.address_id
FROM ses_bounces.flag_change c
JOIN {table} p ON p.{id} = c.person_id::{id_type}
WHERE c.address_id = ANY (%(ids)s) AND c.settled_at IS NULL AND NOT c.new_value AND c.decided_by IS NOT NULL
    AND c.people_table = %(people_table)s AND p.{flag} IS DISTINCT FROM true
    AND NOT EXISTS (
        SELECT FROM ses_bounces.blocked_list b
        WHERE b.address = ses_bounces.address_key(p.{email}::text) AND b.unblocked_at IS NULL
    )
    AND (%(after)s::{id_type} IS NULL OR p.{id} > %(after)s::{id_type})
ORDER BY p.{id}
LIMIT %(limit)s
