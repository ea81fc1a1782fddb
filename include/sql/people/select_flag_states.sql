-- How some changes of the flag stand, and the row of the person that each is about. Locks: none.
-- Parameters:
--   flag_change_ids: bigint[]  the changes
--   people_table: text         the table's name
SELECT c.flag_change_id, c.person_id, c.address_id, c.settlement, c.settled_by, c.settled_at, c.decided_by,
    p.{id} IS NOT NULL, p.{flag},
    p.xmin::text::bigint <> c.row_xmin,
    EXISTS (
        SELECT FROM ses_bounces.blocked_list b
        WHERE b.address = ses_bounces.address_key(p.{email}::text) AND b.unblocked_at IS NULL
    )
FROM ses_bounces.flag_change c
LEFT JOIN {table} p ON p.{id} = c.person_id::{id_type}
WHERE c.flag_change_id = ANY (%(flag_change_ids)s) AND c.people_table = %(people_table)s AND NOT c.new_value
