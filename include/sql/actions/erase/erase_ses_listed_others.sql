-- Delete all rows but one where one of SES's lists has several spellings of an erased address. Locks: the rows deleted.
-- Parameters:
--   key: text  the address
DELETE FROM ses_bounces.ses_listed l
USING ses_bounces.ses_listed o
WHERE l.address = %(key)s AND o.address = %(key)s AND l.account = o.account AND l.region = o.region
    AND (l.last_updated_at, l.listed_address) > (o.last_updated_at, o.listed_address)
