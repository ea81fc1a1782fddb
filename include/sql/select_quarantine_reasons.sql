-- Why messages are quarantined or held, and how many for each reason, counted to 10,001. Each reason is one step in
-- the index, however many messages have it. Locks: none.
WITH RECURSIVE known AS (
    SELECT '' AS reason
    UNION ALL
    SELECT (
        SELECT m.reason FROM ses_bounces.message m
        WHERE m.outcome IN ('held', 'quarantined') AND m.reason > k.reason
        ORDER BY m.reason LIMIT 1
    )
    FROM known k
    WHERE k.reason IS NOT NULL
), kept AS (
    SELECT q.outcome, q.reason, count(*) AS number
    FROM (
        SELECT x.outcome, x.reason FROM ses_bounces.quarantine x WHERE x.outcome IN ('held', 'quarantined') LIMIT 10001
    ) q
    GROUP BY q.outcome, q.reason
), counted AS (
    SELECT m.outcome, m.reason, count(*) AS number
    FROM known k
    CROSS JOIN LATERAL (
        SELECT x.outcome, x.reason FROM ses_bounces.message x
        WHERE x.outcome IN ('held', 'quarantined') AND x.reason = k.reason
        LIMIT 10001
    ) m
    GROUP BY m.outcome, m.reason
    UNION ALL
    SELECT m.outcome, NULL, count(*)
    FROM (
        SELECT x.outcome FROM ses_bounces.message x
        WHERE x.outcome IN ('held', 'quarantined') AND x.reason IS NULL
        LIMIT 10001
    ) m
    GROUP BY m.outcome
    UNION ALL
    SELECT k.outcome, k.reason, k.number FROM kept k
)
SELECT c.outcome, c.reason, sum(c.number)::bigint
FROM counted c
GROUP BY c.outcome, c.reason
ORDER BY 3 DESC, c.outcome, c.reason
