-- The configuration sets of the Email Bounce List with the number of their rows, counted to 1,001, by way of an index.
-- Locks: none.
-- Parameters:
--   is_open: boolean          of the open rows, or of the closed ones
--   without_guarded: boolean  leave out what only addresses have that never_block guards
--   most: bigint              the most configuration sets
WITH RECURSIVE name(value, place) AS (
    (
        SELECT b.configuration_set, 1
        FROM ses_bounces.bounce_list b
        WHERE b.is_open = %(is_open)s AND b.configuration_set IS NOT NULL
        ORDER BY b.configuration_set
        LIMIT 1
    )
    UNION ALL
    SELECT (
            SELECT b.configuration_set
            FROM ses_bounces.bounce_list b
            WHERE b.is_open = %(is_open)s AND b.configuration_set > n.value
            ORDER BY b.configuration_set
            LIMIT 1
        ), n.place + 1
    FROM name n
    WHERE n.value IS NOT NULL AND n.place < %(most)s
)
SELECT n.value, (
        SELECT count(*)
        FROM (
            SELECT FROM ses_bounces.bounce_list b WHERE b.is_open = %(is_open)s AND b.configuration_set = n.value LIMIT 1001
        ) x
    )
FROM name n
WHERE n.value IS NOT NULL
    AND (NOT %(without_guarded)s OR EXISTS (
        SELECT
        FROM (
            SELECT b.address
            FROM ses_bounces.bounce_list b
            WHERE b.is_open = %(is_open)s AND b.configuration_set = n.value
            LIMIT 1001
        ) x
        WHERE NOT EXISTS (
            SELECT FROM ses_bounces.protected t WHERE t.pattern IN (x.address, '@' || split_part(x.address, '@', -1))
        )
    ))
