-- The addresses that entries since a time were about and that are not blocked: one of them may have been before.
-- Reads report_block.
-- Locks: none.
-- Parameters:
--   since, at: timestamptz  the span of the entries
SELECT DISTINCT e.address_id
FROM ses_bounces.address_event e
WHERE e.occurred_at >= %(since)s AND e.occurred_at <= %(at)s AND e.superseded_at IS NULL
    AND NOT EXISTS (SELECT FROM report_block b WHERE b.address_id = e.address_id)
