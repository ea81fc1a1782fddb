-- Forget what was said seldom on some days: of each provider the most are kept, and of those the most of each day.
-- Locks: the rows deleted.
-- Parameters:
--   days: date[]         in UTC
--   of_provider: bigint  texts that are kept of a provider
--   of_day: bigint       and of a day
WITH ranked AS (
    SELECT f.day, f.provider, f.said, f.bounces,
        row_number() OVER (PARTITION BY f.day, f.provider ORDER BY f.bounces DESC, f.said) AS of_provider
    FROM ses_bounces.figure_text f
    WHERE f.day = ANY (%(days)s::date[])
)
DELETE FROM ses_bounces.figure_text t
USING (
    -- What its provider has no place for takes none of the day's.
    SELECT x.day, x.provider, x.said, x.of_provider,
        row_number() OVER (
            PARTITION BY x.day
            ORDER BY x.of_provider > %(of_provider)s, x.bounces DESC, x.provider, x.said
        ) AS of_day
    FROM ranked x
) r
WHERE t.day = r.day AND t.provider = r.provider AND t.said = r.said
    AND (r.of_provider > %(of_provider)s OR r.of_day > %(of_day)s)
