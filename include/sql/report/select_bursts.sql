-- Domains many of whose addresses were blocked by bounces on a day, several times as many as on a usual one of the
-- seven days before; the most first. Reads report_block. Locks: none.
-- Parameters:
--   since: timestamptz  when the day began
--   min: bigint         the fewest addresses
--   times: bigint       how many times as many as usual
--   limit: bigint       the most domains
SELECT b.domain
FROM report_block b
WHERE b.reason = 'permanent_bounce' AND b.since >= %(since)s - interval '7 days' AND b.domain <> 'erased.invalid'
GROUP BY b.domain
HAVING count(*) FILTER (WHERE b.since >= %(since)s)
    >= greatest(%(min)s, %(times)s * count(*) FILTER (WHERE b.since < %(since)s) / 7.0)
ORDER BY count(*) FILTER (WHERE b.since >= %(since)s) DESC, b.domain
LIMIT %(limit)s
