-- The brakes of some domains that nobody decided about. Locks: none.
-- Parameters:
--   domains: text[]  the domains
SELECT b.domain, b.brake_id FROM ses_bounces.brake b WHERE b.decided_at IS NULL AND b.domain = ANY (%(domains)s)
