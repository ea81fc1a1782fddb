-- Keep the latest delivery of each address of incoming_delivery, and the one that it takes the place of among the three
-- before it. Yields how many were kept; the others are left to merge_last_deliveries. Locks: the rows written.
WITH kept AS (
    INSERT INTO ses_bounces.last_delivery AS d (address_id, occurred_at, ses_message_id, dedup_key)
    SELECT i.address_id, i.occurred_at, i.ses_message_id, i.dedup_key
    FROM incoming_delivery i
    WHERE i.place = 1
    ORDER BY i.address_id
    ON CONFLICT (address_id) DO UPDATE
    SET occurred_at = excluded.occurred_at, ses_message_id = excluded.ses_message_id, dedup_key = excluded.dedup_key,
        second_at = d.occurred_at, second_mail = d.ses_message_id, second_key = d.dedup_key,
        third_at = d.second_at, third_mail = d.second_mail, third_key = d.second_key,
        fourth_at = d.third_at, fourth_mail = d.third_mail, fourth_key = d.third_key
    WHERE (excluded.occurred_at, excluded.dedup_key) > (d.occurred_at, d.dedup_key)
        -- No copy that is dated otherwise.
        AND (excluded.dedup_key IN (d.dedup_key, d.second_key, d.third_key, d.fourth_key)) IS NOT TRUE
    RETURNING 1
)
SELECT count(*) FROM kept
