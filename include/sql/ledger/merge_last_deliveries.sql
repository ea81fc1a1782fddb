-- Keep those deliveries of incoming_delivery that are not the latest of their address among the three before that,
-- whatever the order of arrival. Locks: the rows written.
WITH late AS (
    SELECT i.address_id, i.occurred_at, i.ses_message_id, i.dedup_key
    FROM incoming_delivery i
    JOIN ses_bounces.last_delivery d USING (address_id)
    WHERE i.place IS NOT NULL
        AND (i.dedup_key IN (d.dedup_key, d.second_key, d.third_key, d.fourth_key)) IS NOT TRUE
), merged AS (
    SELECT u.address_id,
        array_agg(u.occurred_at ORDER BY u.occurred_at DESC, u.dedup_key DESC) AS at,
        array_agg(u.ses_message_id ORDER BY u.occurred_at DESC, u.dedup_key DESC) AS mail,
        array_agg(u.dedup_key ORDER BY u.occurred_at DESC, u.dedup_key DESC) AS key
    FROM (
        SELECT l.* FROM late l
        UNION ALL
        SELECT d.address_id, k.*
        FROM ses_bounces.last_delivery d
        CROSS JOIN LATERAL (
            VALUES (d.second_at, d.second_mail, d.second_key), (d.third_at, d.third_mail, d.third_key),
                (d.fourth_at, d.fourth_mail, d.fourth_key)
        ) k(at, mail, key)
        WHERE d.address_id = ANY (ARRAY(SELECT DISTINCT l.address_id FROM late l)) AND k.key IS NOT NULL
    ) u
    GROUP BY u.address_id
)
UPDATE ses_bounces.last_delivery d
SET second_at = m.at[1], second_mail = m.mail[1], second_key = m.key[1],
    third_at = m.at[2], third_mail = m.mail[2], third_key = m.key[2],
    fourth_at = m.at[3], fourth_mail = m.mail[3], fourth_key = m.key[3]
FROM merged m
WHERE d.address_id = m.address_id
    AND (d.second_key, d.third_key, d.fourth_key) IS DISTINCT FROM (m.key[1], m.key[2], m.key[3])
