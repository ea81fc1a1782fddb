-- The days of a span with what was counted on each; days on which nothing was are there too. is_whole: SES was asked
-- after the day's end how much it sent. Locks: none.
-- Parameters:
--   days: bigint  how many
--   last: date    the last of them; null: today in UTC
WITH span AS (
    SELECT l.last - (%(days)s::integer - 1) AS first, l.last
    FROM (SELECT coalesce(%(last)s::date, (now() AT TIME ZONE 'UTC')::date) AS last) l
)
SELECT s.day::date, coalesce(f.bounces, 0), coalesce(f.lifted, 0), coalesce(f.transients, 0), coalesce(f.complaints, 0),
    coalesce(f.not_sent, 0), coalesce(d.deliveries, 0), n.sent, n.bounces, n.complaints, coalesce(n.is_whole, false)
FROM span p
CROSS JOIN LATERAL generate_series(p.first, p.last, interval '1 day') s(day)
LEFT JOIN ses_bounces.figure_day f ON f.dimension = 'all' AND f.day = s.day::date AND f.name = ''
LEFT JOIN ses_bounces.delivery_day d ON d.dimension = 'all' AND d.day = s.day::date AND d.name = ''
LEFT JOIN (
    SELECT t.day, sum(t.sent)::bigint AS sent, sum(t.bounces)::bigint AS bounces, sum(t.complaints)::bigint AS complaints,
        bool_and(t.noted_at >= (t.day + 1)::timestamp AT TIME ZONE 'UTC') AS is_whole
    FROM ses_bounces.sent_day t
    CROSS JOIN span p
    WHERE t.source = 'statistics' AND t.dimension = 'all' AND t.day BETWEEN p.first AND p.last
    GROUP BY t.day
) n ON n.day = s.day::date
ORDER BY 1
