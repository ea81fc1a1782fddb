-- The brakes of some domains that began before a time and that nobody decided about. Locks: none.
-- Parameters:
--   domains: text[]      the domains
--   before: timestamptz  the time
SELECT b.brake_id, b.domain
FROM ses_bounces.brake b
WHERE b.decided_at IS NULL AND b.domain = ANY (%(domains)s) AND b.braked_at < %(before)s
