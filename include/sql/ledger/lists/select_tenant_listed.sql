-- Those of some addresses that SES refused for a tenant's suppression list, when it last refused them for a list.
-- Locks: none.
-- Parameters:
--   ids: bigint[]  the addresses
SELECT i.address_id
FROM unnest(%(ids)s::bigint[]) i(address_id)
CROSS JOIN LATERAL (
    SELECT e.bounce_sub_type
    FROM ses_bounces.address_event e
    WHERE e.address_id = i.address_id AND e.kind = 'ses_suppression' AND e.bounce_sub_type IS NOT NULL
        AND e.superseded_at IS NULL
    ORDER BY e.occurred_at DESC
    LIMIT 1
) x
WHERE x.bounce_sub_type = 'OnTenantSuppressionList'
