-- The domains with the most blocked addresses.
-- Reads report_block.
-- Locks: none.
-- Parameters:
--   since: timestamptz  only blocks since then
--   limit: bigint       how many domains
SELECT b.domain, count(DISTINCT b.address_id)
FROM report_block b
WHERE b.since >= %(since)s
GROUP BY b.domain
ORDER BY 2 DESC, 1
LIMIT %(limit)s
