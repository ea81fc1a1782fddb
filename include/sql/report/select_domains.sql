-- The domains with the most blocked addresses.
--   since  only blocks since then; limit  how many domains. Reads report_block. Locks: none.
SELECT b.domain, count(DISTINCT b.address_id)
FROM report_block b
WHERE b.since >= %(since)s
GROUP BY b.domain
ORDER BY 2 DESC, 1
LIMIT %(limit)s
