-- Settle what an administrator decided and is not to be done any more: the person is gone, or on already, or the
-- address is blocked again, which takes the decision back. Yields settlement and count. Locks: the rows settled.
-- Parameters:
--   ids: bigint[]       the addresses; NULL: those of flag_due
--   people_table: text  the table's name
--   after: bigint       of flag_due, the address_id to begin behind
--   limit: bigint       and the most addresses
WITH settled AS (
    UPDATE ses_bounces.flag_change c
    SET settled_at = now(), settled_by = c.decided_by,
        settlement = CASE WHEN NOT now_.is_there THEN 'gone' WHEN now_.flag THEN 'on' ELSE 'touched' END,
        decided_by = CASE WHEN now_.is_there AND now_.flag IS NOT TRUE THEN NULL ELSE c.decided_by END
    FROM (
        SELECT o.flag_change_id, p.{id} IS NOT NULL AS is_there, p.{flag} AS flag, EXISTS (
                SELECT FROM ses_bounces.blocked_list b
                WHERE b.address = ses_bounces.address_key(p.{email}::text) AND b.unblocked_at IS NULL
            ) AS is_blocked
        FROM ses_bounces.flag_change o
        LEFT JOIN {table} p ON p.{id} = o.person_id::{id_type}
        WHERE o.address_id = ANY (coalesce(%(ids)s::bigint[], ARRAY(
                SELECT f.address_id FROM ses_bounces.flag_due f
                WHERE f.address_id > %(after)s::bigint ORDER BY f.address_id LIMIT %(limit)s::bigint
            ))) AND o.settled_at IS NULL AND NOT o.new_value AND o.decided_by IS NOT NULL
            AND o.people_table = %(people_table)s
    ) now_
    WHERE c.flag_change_id = now_.flag_change_id AND (NOT now_.is_there OR now_.flag OR now_.is_blocked)
    RETURNING c.settlement
)
SELECT s.settlement, count(*) FROM settled s GROUP BY s.settlement
