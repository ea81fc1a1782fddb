-- Bring the copy of one of SES's lists up to date with a page of it. Locks: the rows written.
-- Parameters:
--   account, region: text           the list
--   pass_id: bigint                 the reading that saw them
--   addresses: text[]               keys
--   listed_addresses: text[]        as SES spells each
--   ses_reasons: text[]             BOUNCE or COMPLAINT of each
--   last_updated_at: timestamptz[]  of each
INSERT INTO ses_bounces.ses_listed AS l (
    account, region, listed_address, address, ses_reason, last_updated_at, pass_id
)
SELECT DISTINCT ON (n.listed_address) %(account)s, %(region)s, n.listed_address, n.address, n.ses_reason,
    n.last_updated_at, %(pass_id)s
FROM unnest(
    %(listed_addresses)s::text[], %(addresses)s::text[], %(ses_reasons)s::text[], %(last_updated_at)s::timestamptz[]
) AS n(listed_address, address, ses_reason, last_updated_at)
ORDER BY n.listed_address, n.last_updated_at DESC
ON CONFLICT (account, region, listed_address) DO UPDATE
SET address = excluded.address, ses_reason = excluded.ses_reason, last_updated_at = excluded.last_updated_at,
    pass_id = excluded.pass_id
