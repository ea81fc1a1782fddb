-- Settle the changes whose person's row is gone, or has changed since: a touched row that is still off is
-- an administrator's to decide. Yields settlement and count. Locks: the rows settled.
-- Parameters:
--   ids: bigint[]       addresses that are no longer blocked
--   people_table: text  the table's name
WITH settled AS (
    UPDATE ses_bounces.flag_change c
    SET settled_at = now(), settled_by = 'ses_bounces',
        settlement = CASE WHEN NOT now_.is_there THEN 'gone' WHEN now_.flag IS FALSE THEN 'touched' ELSE 'on' END
    FROM (
        SELECT o.flag_change_id, p.{id} IS NOT NULL AS is_there, p.{flag} AS flag
        FROM ses_bounces.flag_change o
        LEFT JOIN {table} p ON p.{id} = o.person_id::{id_type}
        WHERE o.address_id = ANY (%(ids)s) AND o.settled_at IS NULL AND NOT o.new_value AND o.decided_by IS NULL
            AND o.people_table = %(people_table)s
            AND (p.{id} IS NULL OR p.xmin::text::bigint <> o.row_xmin)
    ) now_
    WHERE c.flag_change_id = now_.flag_change_id
    RETURNING c.settlement
)
SELECT s.settlement, count(*) FROM settled s GROUP BY s.settlement
