-- What a span's bounces and complaints have in common, the most first, with the same of the span before it. Sent and
-- delivered of VDM are those of the days that it was asked about. Locks: none.
-- Parameters:
--   dimension: text  by what they are grouped
--   days: bigint     how many, up to today in UTC
--   limit: bigint    the most groups
WITH span AS (
    SELECT (now() AT TIME ZONE 'UTC')::date - (%(days)s::integer - 1) AS first
), counted AS (
    SELECT f.name,
        sum(f.bounces) FILTER (WHERE f.day >= s.first) AS bounces,
        sum(f.lifted) FILTER (WHERE f.day >= s.first) AS lifted,
        sum(f.transients) FILTER (WHERE f.day >= s.first) AS transients,
        sum(f.complaints) FILTER (WHERE f.day >= s.first) AS complaints,
        sum(f.not_sent) FILTER (WHERE f.day >= s.first) AS not_sent,
        sum(f.bounces - f.lifted) FILTER (WHERE f.day < s.first) AS bounces_before,
        sum(f.complaints) FILTER (WHERE f.day < s.first) AS complaints_before
    FROM ses_bounces.figure_day f
    CROSS JOIN span s
    WHERE f.dimension = %(dimension)s AND f.day >= s.first - %(days)s::integer
        AND f.day <= (now() AT TIME ZONE 'UTC')::date
    GROUP BY f.name
), most AS (
    SELECT c.*
    FROM counted c
    WHERE c.bounces + c.transients + c.complaints + c.not_sent > 0
    ORDER BY c.bounces - c.lifted + c.complaints DESC, c.bounces DESC, c.transients DESC, c.name
    LIMIT %(limit)s
), delivered AS (
    SELECT d.name, sum(d.deliveries) AS deliveries
    FROM ses_bounces.delivery_day d
    CROSS JOIN span s
    WHERE d.dimension = %(dimension)s AND d.day >= s.first AND d.day <= (now() AT TIME ZONE 'UTC')::date
        AND d.name IN (SELECT m.name FROM most m)
    GROUP BY d.name
), sent AS (
    SELECT t.name, sum(t.sent) AS sent, sum(t.bounces) AS bounces, sum(t.complaints) AS complaints
    FROM ses_bounces.sent_day t
    CROSS JOIN span s
    WHERE t.source = 'vdm' AND t.dimension = %(dimension)s AND t.day >= s.first
        AND t.day <= (now() AT TIME ZONE 'UTC')::date AND t.name IN (SELECT m.name FROM most m)
    GROUP BY t.name
)
SELECT m.name, m.bounces::bigint, m.lifted::bigint, m.transients::bigint, m.complaints::bigint, m.not_sent::bigint,
    coalesce(m.bounces_before, 0)::bigint, coalesce(m.complaints_before, 0)::bigint,
    coalesce(d.deliveries, 0)::bigint, n.sent::bigint, n.bounces::bigint, n.complaints::bigint
FROM most m
LEFT JOIN delivered d USING (name)
LEFT JOIN sent n USING (name)
ORDER BY m.bounces - m.lifted + m.complaints DESC, m.bounces DESC, m.transients DESC, m.name
