-- What happened in a span of time, by kind of entry.
-- Locks: none.
-- Parameters:
--   since, at: timestamptz  the span
SELECT e.kind, count(*)
FROM ses_bounces.address_event e
WHERE e.occurred_at >= %(since)s AND e.occurred_at <= %(at)s AND e.superseded_at IS NULL
GROUP BY e.kind
