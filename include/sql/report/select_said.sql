-- What servers said to the last bounces of a day. Locks: none.
-- Parameters:
--   since, at: timestamptz  the day
--   limit: bigint           the most bounces
SELECT f.provider, left(f.diagnostic_code, 1000), a.address
FROM ses_bounces.figure_entry f
JOIN ses_bounces.address a USING (address_id)
WHERE f.occurred_at >= %(since)s AND f.occurred_at <= %(at)s AND f.diagnostic_code IS NOT NULL
    AND f.kind IN ('permanent_bounce', 'transient_bounce')
ORDER BY f.occurred_at DESC, f.event_id DESC
LIMIT %(limit)s
