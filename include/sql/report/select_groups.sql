-- What the bounces and complaints of a day have in common: in each dimension the names with the most of them, and how
-- many they had in the seven days before. Locks: none.
-- Parameters:
--   since, at: timestamptz  the day
--   limit: bigint           names of a dimension
WITH counted AS (
    SELECT
        CASE
            WHEN grouping(f.provider) = 0 THEN 'provider'
            WHEN grouping(f.configuration_set) = 0 THEN 'configuration_set'
            WHEN grouping(f.identity) = 0 THEN 'identity'
            ELSE 'campaign'
        END AS dimension,
        coalesce(f.provider, f.configuration_set, f.identity, f.campaign) AS name,
        count(*) FILTER (WHERE f.occurred_at >= %(since)s AND f.kind = 'permanent_bounce') AS bounces,
        count(*) FILTER (WHERE f.occurred_at >= %(since)s AND f.kind = 'complaint') AS complaints,
        count(*) FILTER (WHERE f.occurred_at >= %(since)s AND f.kind = 'transient_bounce') AS transients,
        count(*) FILTER (WHERE f.occurred_at < %(since)s AND f.kind IN ('permanent_bounce', 'complaint')) AS before
    FROM ses_bounces.figure_entry f
    WHERE f.occurred_at >= %(since)s - interval '7 days' AND f.occurred_at <= %(at)s
    GROUP BY GROUPING SETS ((f.provider), (f.configuration_set), (f.identity), (f.campaign))
), ranked AS (
    SELECT c.*,
        row_number() OVER (
            PARTITION BY c.dimension ORDER BY c.bounces + c.complaints DESC, c.bounces DESC, c.transients DESC, c.name
        ) AS place
    FROM counted c
    WHERE c.bounces + c.complaints + c.transients > 0
)
SELECT r.dimension, r.name, r.bounces, r.complaints, r.transients, r.before
FROM ranked r
WHERE r.place <= %(limit)s
ORDER BY r.dimension, r.place
