-- Put incoming_entry into the ledger, all but deliveries: of one SES event and address the first copy counts.
-- Notes touched_address; yields kind, count and earliest time of what is new. Locks: the rows inserted.
--   actor, lifts, rules_version  of all of them
WITH inserted AS (
    INSERT INTO ses_bounces.address_event (
        address_id, kind, occurred_at, dedup_key, actor, reason, lifts, deadline, policy, mail_sent_at, feedback_id,
        ses_message_id, bounce_type, bounce_sub_type, feedback_type, status, diagnostic_code, source,
        configuration_set, tags, rules_version, message_id
    )
    SELECT a.address_id, i.kind, i.occurred_at, i.dedup_key, %(actor)s, i.reason, %(lifts)s::text[], i.deadline,
        i.policy, i.mail_sent_at, i.feedback_id, i.ses_message_id, i.bounce_type, i.bounce_sub_type, i.feedback_type,
        i.status, i.diagnostic_code, i.source, i.configuration_set, i.tags, %(rules_version)s, i.message_id
    FROM incoming_entry i
    JOIN ses_bounces.address a ON a.address = i.address
    WHERE i.kind <> 'delivery'
    ORDER BY i.place
    ON CONFLICT (dedup_key) WHERE superseded_at IS NULL DO NOTHING
    RETURNING address_id, kind, occurred_at
), touched AS (
    INSERT INTO touched_address SELECT DISTINCT n.address_id FROM inserted n
)
SELECT n.kind, count(*), min(n.occurred_at) FROM inserted n GROUP BY n.kind
