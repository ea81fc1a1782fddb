-- Note that an administrator wants the flag of some people on, whatever touched their rows; their addresses become
-- due. Yields the changes noted. Locks: the rows updated.
-- Parameters:
--   flag_change_ids: bigint[]  the changes
--   people_table: text         the table's name
--   actor: text                who decided
WITH decided AS (
    UPDATE ses_bounces.flag_change c
    SET decided_by = %(actor)s, settled_at = NULL, settled_by = NULL, settlement = NULL
    WHERE c.flag_change_id = ANY (%(flag_change_ids)s) AND c.people_table = %(people_table)s AND NOT c.new_value
        AND (c.settled_at IS NULL OR c.settlement = 'touched') AND c.decided_by IS NULL
    RETURNING c.flag_change_id, c.address_id
), due AS (
    INSERT INTO ses_bounces.flag_due AS f (address_id, due_since)
    SELECT d.address_id, clock_timestamp() FROM (SELECT DISTINCT x.address_id FROM decided x) d
    ON CONFLICT (address_id) DO UPDATE SET due_since = excluded.due_since
)
SELECT d.flag_change_id FROM decided d
