-- Forget what was said seldom on some days: of each provider the most are kept, and of each day.
-- Locks: the rows deleted.
-- Parameters:
--   days: date[]         in UTC
--   of_provider: bigint  texts that are kept of a provider
--   of_day: bigint       and of a day
DELETE FROM ses_bounces.figure_text t
USING (
    SELECT f.day, f.provider, f.said,
        row_number() OVER (PARTITION BY f.day, f.provider ORDER BY f.bounces DESC, f.said) AS of_provider,
        row_number() OVER (PARTITION BY f.day ORDER BY f.bounces DESC, f.provider, f.said) AS of_day
    FROM ses_bounces.figure_text f
    WHERE f.day = ANY (%(days)s::date[])
) r
WHERE t.day = r.day AND t.provider = r.provider AND t.said = r.said
    AND (r.of_provider > %(of_provider)s OR r.of_day > %(of_day)s)
