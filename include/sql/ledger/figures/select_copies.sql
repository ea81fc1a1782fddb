-- Those of incoming_delivery that may have been counted: another report of a mail that is among the latest of its
-- address, and what is older than all of those, which nobody can tell from a copy. Locks: none.
-- Parameters:
--   first_new: bigint  addresses from this one on are new: they have none
SELECT i.dedup_key
FROM incoming_delivery i
JOIN ses_bounces.last_delivery d USING (address_id)
WHERE i.address_id < %(first_new)s
    AND (
        i.dedup_key IN (d.dedup_key, d.second_key, d.third_key, d.fourth_key)
        OR i.ses_message_id IN (d.ses_message_id, d.second_mail, d.third_mail, d.fourth_mail)
        OR (i.occurred_at, i.dedup_key) < (d.fourth_at, d.fourth_key)
    )
