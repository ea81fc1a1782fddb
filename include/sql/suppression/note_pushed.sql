-- Note in the copy of one of SES's lists that we put an address there. Locks: the row inserted.
-- Parameters:
--   account, region: text  the list
--   address: text          its key
--   ses_reason: text       BOUNCE or COMPLAINT
INSERT INTO ses_bounces.ses_listed (account, region, listed_address, address, ses_reason, last_updated_at, pass_id)
SELECT %(account)s, %(region)s, %(address)s, %(address)s, %(ses_reason)s, now(),
    coalesce((
        SELECT max(p.pass_id) FROM ses_bounces.suppression_pass p
        WHERE p.account = %(account)s AND p.region = %(region)s
    ), 0)
ON CONFLICT DO NOTHING
