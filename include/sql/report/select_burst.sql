-- The addresses of a domain that bounces blocked on a day, with what its server said; the oldest first.
-- Reads report_block. Locks: none.
-- Parameters:
--   domain: text        of the addresses
--   since: timestamptz  when the day began
--   limit: bigint       the most addresses
SELECT left(e.diagnostic_code, 1000), b.address, b.since
FROM report_block b
JOIN ses_bounces.address_event e USING (event_id)
WHERE b.reason = 'permanent_bounce' AND b.since >= %(since)s AND b.domain = %(domain)s
ORDER BY b.since, b.address
LIMIT %(limit)s
