-- The entries of an address, superseded ones too. Locks: none.
-- Parameters:
--   id: bigint  the address
SELECT e.event_id, e.dedup_key, e.feedback_id, e.ses_message_id
FROM ses_bounces.address_event e
WHERE e.address_id = %(id)s
