-- What a span's bounces and complaints have in common, the most first, with the same of the span before it. Sent and
-- delivered of VDM are those of the days that it was asked about. Locks: none.
-- Parameters:
--   dimension: text  by what they are grouped
--   days: bigint     how many, up to today in UTC
--   limit: bigint    the most groups
WITH span AS (
    SELECT (now() AT TIME ZONE 'UTC')::date - (%(days)s::integer - 1) AS first
), counted AS (
    SELECT f.name, sum(f.bounces) AS bounces, sum(f.lifted) AS lifted, sum(f.transients) AS transients,
        sum(f.complaints) AS complaints, sum(f.not_sent) AS not_sent
    FROM ses_bounces.figure_day f
    CROSS JOIN span s
    WHERE f.dimension = %(dimension)s AND f.day >= s.first AND f.day <= (now() AT TIME ZONE 'UTC')::date
    GROUP BY f.name
), most AS (
    SELECT c.*
    FROM counted c
    WHERE c.bounces + c.transients + c.complaints + c.not_sent > 0
    ORDER BY c.bounces - c.lifted + c.complaints DESC, c.bounces DESC, c.transients DESC, c.name
    LIMIT %(limit)s
), before AS (
    -- Only what is shown: most names of a long span are those of small domains.
    SELECT f.name, sum(f.bounces - f.lifted) AS bounces, sum(f.complaints) AS complaints
    FROM ses_bounces.figure_day f
    CROSS JOIN span s
    WHERE f.dimension = %(dimension)s AND f.day >= s.first - %(days)s::integer AND f.day < s.first
        AND f.name IN (SELECT m.name FROM most m)
    GROUP BY f.name
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
    coalesce(b.bounces, 0)::bigint, coalesce(b.complaints, 0)::bigint,
    coalesce(d.deliveries, 0)::bigint, n.sent::bigint, n.bounces::bigint, n.complaints::bigint
FROM most m
LEFT JOIN before b USING (name)
LEFT JOIN delivered d USING (name)
LEFT JOIN sent n USING (name)
ORDER BY m.bounces - m.lifted + m.complaints DESC, m.bounces DESC, m.transients DESC, m.name
