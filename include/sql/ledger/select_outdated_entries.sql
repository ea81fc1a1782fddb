-- Live entries of earlier rules that those of today may make otherwise, with the message that they came from: transient
-- bounces without status and diagnostic, complaints whose feedback type is not in small letters, and whatever was
-- recorded of what is no address. The body is null where the message is gone, or was kept without. Locks: none.
-- Parameters:
--   rules_version: smallint  of today
SELECT e.event_id, e.address_id, e.dedup_key, e.kind, m.sent_at, m.body
FROM ses_bounces.address_event e
LEFT JOIN LATERAL (
    SELECT x.sent_at, x.body FROM ses_bounces.message x
    WHERE x.message_id = e.message_id AND x.outcome IN ('applied', 'no_effect', 'quarantined')
) m ON true
WHERE e.superseded_at IS NULL AND e.rules_version < %(rules_version)s AND e.message_id IS NOT NULL
    AND (
        (
            e.kind = 'transient_bounce' AND e.bounce_type = 'Transient' AND NOT e.is_reply
            AND coalesce(e.bounce_sub_type, '') IN ('', 'General')
            AND coalesce(e.status, '') = '' AND coalesce(e.diagnostic_code, '') = ''
        )
        OR (e.kind = 'complaint' AND e.feedback_type <> lower(e.feedback_type))
        OR e.address_id IN (
            SELECT a.address_id FROM ses_bounces.address a
            WHERE ses_bounces.address_key(a.address) IS DISTINCT FROM a.address
        )
    )
ORDER BY e.event_id
