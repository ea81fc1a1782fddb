-- Entries of the work table replayed_entry, to be appended. One that stays a transient bounce keeps its deadline:
-- a changed setting holds for later entries only. Locks: none.
-- Parameters:
--   keys: bytea[]  of the entries
--   ids: bigint[]  those that they take the place of
SELECT r.message_id, r.kind, r.address, r.address_as_reported, r.occurred_at, r.dedup_key, r.reason,
    CASE WHEN e.event_id IS NULL THEN r.deadline ELSE e.deadline END,
    CASE WHEN e.event_id IS NULL THEN r.policy ELSE e.policy END,
    r.mail_sent_at, r.feedback_id, r.ses_message_id, r.bounce_type, r.bounce_sub_type, r.feedback_type, r.status,
    r.diagnostic_code, r.source, r.configuration_set, r.is_reply, r.tags
FROM replayed_entry r
LEFT JOIN ses_bounces.address_event e ON e.event_id = ANY (%(ids)s) AND e.dedup_key = r.dedup_key
    AND e.kind = 'transient_bounce' AND r.kind = 'transient_bounce'
WHERE r.dedup_key = ANY (%(keys)s)
