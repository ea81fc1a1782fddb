-- Begin a reading again with its first page: SES no longer knows the place. Locks: that row.
-- Parameters:
--   pass_id: bigint  the reading
UPDATE ses_bounces.suppression_pass p
SET next_token = NULL, pages = 0, listed = 0, recorded = 0, not_addresses = 0
WHERE p.pass_id = %(pass_id)s AND p.finished_at IS NULL
