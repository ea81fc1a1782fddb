-- Of some addresses, those whose block was lifted and that SES refused again for a mail sent after it: when SES last
-- did so, by address. Locks: none.
-- Parameters:
--   ids: bigint[]  the addresses
SELECT e.address_id, max(e.occurred_at)
FROM ses_bounces.address_event e
WHERE e.address_id = ANY (%(ids)s) AND e.kind = 'ses_suppression' AND e.superseded_at IS NULL
    AND e.bounce_type IS NOT NULL
    AND coalesce(e.mail_sent_at, e.occurred_at) > (
        SELECT max(u.occurred_at)
        FROM ses_bounces.address_event u
        WHERE u.address_id = e.address_id AND u.kind = 'unblocked' AND u.superseded_at IS NULL
    )
GROUP BY e.address_id
