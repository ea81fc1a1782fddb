-- Blocks that began since a time, the weightiest reasons first.
-- Reads report_block.
-- Locks: none.
-- Parameters:
--   since: timestamptz  the time
--   limit: bigint       the most rows
SELECT b.address, b.reason, b.since, coalesce(e.diagnostic_code, e.reason)
FROM report_block b
LEFT JOIN ses_bounces.address_event e ON e.event_id = b.event_id
WHERE b.since >= %(since)s
ORDER BY b.weight, b.since, b.address
LIMIT %(limit)s
