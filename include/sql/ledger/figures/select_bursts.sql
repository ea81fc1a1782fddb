-- Domains many of whose addresses were blocked by bounces lately, several times as many as on a usual day of the month
-- before, the most first. Locks: none.
-- Parameters:
--   hours: bigint  how long ago at most
--   min: bigint    the fewest addresses
--   times: bigint  how many times as many as usual
--   limit: bigint  the most domains
WITH burst AS (
    SELECT split_part(b.address, '@', -1) AS domain, count(*) AS addresses
    FROM ses_bounces.blocked_list b
    WHERE b.is_open AND b.reason = 'permanent_bounce'
        AND b.blocked_at >= now() - make_interval(hours => %(hours)s::integer) AND b.blocked_at <= now()
    GROUP BY 1
    HAVING count(*) >= %(min)s
    ORDER BY 2 DESC, 1
    LIMIT %(limit)s
)
SELECT u.domain
FROM burst u
LEFT JOIN ses_bounces.provider p USING (domain)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(f.bounces), 0) / 30.0 AS bounces
    FROM ses_bounces.figure_day f
    WHERE f.dimension = 'provider' AND f.name = coalesce(p.name, u.domain)
        AND f.day >= (now() AT TIME ZONE 'UTC')::date - 32 AND f.day < (now() AT TIME ZONE 'UTC')::date - 1
) usual
WHERE u.domain <> 'erased.invalid' AND u.addresses >= %(times)s * usual.bounces
ORDER BY u.addresses DESC, u.domain
