-- The addresses among some that have people whom we switched off and not yet settled. Locks: none.
-- Parameters:
--   ids: bigint[]       the addresses
--   people_table: text  the table's name
SELECT DISTINCT c.address_id
FROM ses_bounces.flag_change c
WHERE c.address_id = ANY (%(ids)s) AND c.settled_at IS NULL AND NOT c.new_value AND c.people_table = %(people_table)s
