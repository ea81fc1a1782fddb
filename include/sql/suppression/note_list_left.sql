-- Note that some requests' addresses have left one of SES's lists, and take them out of our copy of it.
-- Locks: the rows written.
-- Parameters:
--   account, region: text  the list
--   ids: bigint[]          the requests
--   was_listed: boolean    false: SES had none of them that is not noted; null: it did not say
WITH done AS (
    INSERT INTO ses_bounces.lift_step AS s (unblock_request_id, account, region, lifted_at, was_listed)
    SELECT unnest(%(ids)s::bigint[]), %(account)s, %(region)s, clock_timestamp(), %(was_listed)s
    ON CONFLICT (unblock_request_id, account, region) DO UPDATE
    -- What is noted as true stays true. What a job began, SES did not say: that stays null.
    SET lifted_at = excluded.lifted_at, was_listed = s.was_listed OR excluded.was_listed
    RETURNING s.unblock_request_id
)
DELETE FROM ses_bounces.ses_listed l
USING done d, ses_bounces.unblock_request r, ses_bounces.address a
WHERE r.unblock_request_id = d.unblock_request_id AND a.address_id = r.address_id
    AND l.account = %(account)s AND l.region = %(region)s AND l.address = a.address
