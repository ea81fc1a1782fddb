-- Entries of the work table replayed_entry into incoming_entry. One that stays a transient bounce keeps its deadline:
-- a changed setting holds for later entries only. Yields the latest time. Locks: none that others see.
--   keys  of the entries; ids  those that they take the place of
WITH taken AS (
    INSERT INTO incoming_entry (
        place, message_id, address, address_as_reported, kind, occurred_at, dedup_key, reason, deadline, policy,
        mail_sent_at, feedback_id, ses_message_id, bounce_type, bounce_sub_type, feedback_type, status,
        diagnostic_code, source, configuration_set, tags
    )
    SELECT row_number() OVER (ORDER BY r.occurred_at, r.dedup_key), r.message_id, r.address, r.address_as_reported,
        r.kind, r.occurred_at, r.dedup_key, r.reason,
        CASE WHEN e.event_id IS NULL THEN r.deadline ELSE e.deadline END,
        CASE WHEN e.event_id IS NULL THEN r.policy ELSE e.policy END,
        r.mail_sent_at, r.feedback_id, r.ses_message_id, r.bounce_type, r.bounce_sub_type, r.feedback_type, r.status,
        r.diagnostic_code, r.source, r.configuration_set, r.tags
    FROM replayed_entry r
    LEFT JOIN ses_bounces.address_event e ON e.event_id = ANY (%(ids)s) AND e.dedup_key = r.dedup_key
        AND e.kind = 'transient_bounce' AND r.kind = 'transient_bounce'
    WHERE r.dedup_key = ANY (%(keys)s)
    RETURNING occurred_at
)
SELECT max(t.occurred_at) FROM taken t
