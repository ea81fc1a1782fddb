-- What servers of some providers said most in a span, the most first. Locks: none.
-- Parameters:
--   providers: text[]  which
--   days: bigint       how many, up to today in UTC
--   limit: bigint      the most texts of each
SELECT r.provider, r.said, r.bounces::bigint
FROM (
    SELECT t.provider, t.said, sum(t.bounces) AS bounces,
        row_number() OVER (PARTITION BY t.provider ORDER BY sum(t.bounces) DESC, t.said) AS place
    FROM ses_bounces.figure_text t
    WHERE t.day > (now() AT TIME ZONE 'UTC')::date - %(days)s::integer AND t.provider = ANY (%(providers)s::text[])
    GROUP BY t.provider, t.said
) r
WHERE r.place <= %(limit)s
ORDER BY r.provider, r.place
