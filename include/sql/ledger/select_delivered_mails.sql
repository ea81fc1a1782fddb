-- Which of some mails are known to have been delivered to an address. Locks: none.
-- Parameters:
--   ids: bigint[]  an address of each pair
--   mails: text[]  and the SES message id of the mail
SELECT w.address_id, w.mail
FROM unnest(%(ids)s::bigint[], %(mails)s::text[]) w(address_id, mail)
WHERE ses_bounces.is_answered(w.address_id, w.mail, clock_timestamp(), NULL)
    OR EXISTS (
        SELECT FROM ses_bounces.last_delivery d
        WHERE d.address_id = w.address_id AND w.mail IN (d.ses_message_id, d.second_mail, d.third_mail, d.fourth_mail)
    )
