-- How lifts that SES's own list comes before go on: queued, lifted, refused; of those lifted, how many SES had on a
-- list, and of how many it did not say; and up to three reasons why some wait.
-- Locks: none.
-- Parameters:
--   first: bigint   the first request; null: all that wait, and those that ended in the last day
--   last: bigint    the last request
--   actor: text     only theirs, where several are given
--   lifted: text    the result of a lift that was done
WITH chosen AS (
    SELECT r.unblock_request_id, r.finished_at, r.result
    FROM ses_bounces.unblock_request r
    WHERE %(first)s::bigint IS NOT NULL
        AND r.unblock_request_id BETWEEN %(first)s::bigint AND %(last)s::bigint
        AND (r.actor = %(actor)s OR %(first)s::bigint = %(last)s::bigint)
    UNION ALL
    SELECT r.unblock_request_id, r.finished_at, r.result
    FROM ses_bounces.unblock_request r
    WHERE %(first)s::bigint IS NULL AND r.finished_at IS NULL
    UNION ALL
    SELECT r.unblock_request_id, r.finished_at, r.result
    FROM ses_bounces.unblock_request r
    WHERE %(first)s::bigint IS NULL AND r.finished_at >= now() - interval '1 day'
), listed AS (
    SELECT s.unblock_request_id, bool_or(s.was_listed) AS was_listed, bool_or(s.was_listed IS NULL) AS is_unknown
    FROM chosen c
    JOIN ses_bounces.lift_step s ON s.unblock_request_id = c.unblock_request_id
    WHERE c.result = %(lifted)s
    GROUP BY s.unblock_request_id
)
SELECT count(*) FILTER (WHERE c.finished_at IS NULL),
    count(*) FILTER (WHERE c.result = %(lifted)s),
    count(*) FILTER (WHERE c.finished_at IS NOT NULL AND c.result <> %(lifted)s),
    count(*) FILTER (WHERE l.was_listed),
    count(*) FILTER (WHERE l.is_unknown AND l.was_listed IS NOT TRUE),
    (array_agg(DISTINCT c.result) FILTER (WHERE c.finished_at IS NULL AND c.result IS NOT NULL))[:3]
FROM chosen c
LEFT JOIN listed l ON l.unblock_request_id = c.unblock_request_id
