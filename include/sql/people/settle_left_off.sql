-- Settle that some people whose row was touched stay switched off. Yields the changes settled. Locks: the rows settled.
-- Parameters:
--   flag_change_ids: bigint[]  the changes
--   people_table: text         the table's name
--   actor: text                who decided
UPDATE ses_bounces.flag_change c
SET settled_at = now(), settled_by = %(actor)s, settlement = 'left_off', decided_by = NULL
WHERE c.flag_change_id = ANY (%(flag_change_ids)s) AND c.people_table = %(people_table)s AND NOT c.new_value
    AND (c.settled_at IS NULL OR c.settlement = 'touched')
RETURNING c.flag_change_id
