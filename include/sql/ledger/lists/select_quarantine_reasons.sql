-- Why messages are quarantined or held, and how many for each reason, counted to 10,001. Each reason is one step in
-- the index, however many messages have it. Locks: none.
WITH RECURSIVE known AS (
    SELECT o.outcome, '' AS reason FROM unnest(ARRAY['held', 'quarantined']) o(outcome)
    UNION ALL
    SELECT k.outcome, (
        SELECT m.reason FROM ses_bounces.message m
        WHERE m.outcome = k.outcome AND m.outcome IN ('held', 'quarantined') AND m.reason > k.reason
        ORDER BY m.reason LIMIT 1
    )
    FROM known k
    WHERE k.reason IS NOT NULL
), counted AS (
    SELECT k.outcome, k.reason, CASE
        -- The last step of each outcome.
        WHEN k.reason IS NULL THEN (
            SELECT count(*) FROM (
                SELECT FROM ses_bounces.message x
                WHERE x.outcome = k.outcome AND x.outcome IN ('held', 'quarantined') AND x.reason IS NULL
                LIMIT 10001
            ) m
        )
        ELSE (
            SELECT count(*) FROM (
                SELECT FROM ses_bounces.message x
                WHERE x.outcome = k.outcome AND x.outcome IN ('held', 'quarantined') AND x.reason = k.reason
                LIMIT 10001
            ) m
        )
    END AS number
    FROM known k
    UNION ALL
    SELECT q.outcome, q.reason, count(*)
    FROM (
        SELECT x.outcome, x.reason FROM ses_bounces.quarantine x WHERE x.outcome IN ('held', 'quarantined') LIMIT 10001
    ) q
    GROUP BY q.outcome, q.reason
)
SELECT c.outcome, c.reason, sum(c.number)::bigint
FROM counted c
GROUP BY c.outcome, c.reason
HAVING sum(c.number) > 0
ORDER BY 3 DESC, c.outcome, c.reason
