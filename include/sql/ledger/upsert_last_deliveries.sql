-- Keep the newest delivery of each address, whatever the order of arrival. Locks: the rows written.
INSERT INTO ses_bounces.last_delivery AS d (address_id, occurred_at, ses_message_id, dedup_key)
SELECT DISTINCT ON (i.address_id) i.address_id, i.occurred_at, i.ses_message_id, i.dedup_key
FROM incoming_delivery i
ORDER BY i.address_id, i.occurred_at DESC, i.dedup_key DESC
ON CONFLICT (address_id) DO UPDATE
SET occurred_at = excluded.occurred_at, ses_message_id = excluded.ses_message_id, dedup_key = excluded.dedup_key
WHERE (excluded.occurred_at, excluded.dedup_key) > (d.occurred_at, d.dedup_key)
