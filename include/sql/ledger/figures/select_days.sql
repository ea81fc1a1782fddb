-- The days of a span with what was counted on each; days on which nothing was are there too. Locks: none.
-- Parameters:
--   days: bigint  how many, up to today in UTC
SELECT s.day::date, coalesce(f.bounces, 0), coalesce(f.lifted, 0), coalesce(f.transients, 0), coalesce(f.complaints, 0),
    coalesce(f.not_sent, 0), coalesce(d.deliveries, 0), n.sent, n.bounces, n.complaints
FROM generate_series(
    (now() AT TIME ZONE 'UTC')::date - (%(days)s::integer - 1), (now() AT TIME ZONE 'UTC')::date, interval '1 day'
) s(day)
LEFT JOIN ses_bounces.figure_day f ON f.dimension = 'all' AND f.day = s.day::date AND f.name = ''
LEFT JOIN ses_bounces.delivery_day d ON d.dimension = 'all' AND d.day = s.day::date AND d.name = ''
LEFT JOIN (
    SELECT t.day, sum(t.sent)::bigint AS sent, sum(t.bounces)::bigint AS bounces, sum(t.complaints)::bigint AS complaints
    FROM ses_bounces.sent_day t
    WHERE t.source = 'statistics' AND t.dimension = 'all'
        AND t.day > (now() AT TIME ZONE 'UTC')::date - %(days)s::integer
    GROUP BY t.day
) n ON n.day = s.day::date
ORDER BY 1
