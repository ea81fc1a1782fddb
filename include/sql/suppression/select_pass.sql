-- The reading of one of SES's lists that is not finished. Locks: none.
-- Parameters:
--   account, region: text  the list
SELECT p.pass_id, p.since, p.until, p.next_token, p.pages, p.listed, p.recorded, p.not_addresses
FROM ses_bounces.suppression_pass p
WHERE p.account = %(account)s AND p.region = %(region)s AND p.finished_at IS NULL
