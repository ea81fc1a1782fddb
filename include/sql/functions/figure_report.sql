-- figure_report: each bounce and complaint that SES reported and that counts, with its day in UTC and what it says of
-- itself, as it says it. Locks: none.
CREATE OR REPLACE VIEW ses_bounces.figure_report AS
SELECT e.event_id, e.address_id, e.occurred_at, (e.occurred_at AT TIME ZONE 'UTC')::date AS day, e.kind, a.domain,
    e.configuration_set, e.source,
    -- Few have one: these are asked seven times.
    CASE
        WHEN e.tags ?| ARRAY[
            'campaign', 'Campaign', 'campaign_id', 'campaign-id', 'campaign_name', 'campaign-name', 'utm_campaign'
        ] THEN coalesce(
            e.tags -> 'campaign' ->> 0, e.tags -> 'Campaign' ->> 0, e.tags -> 'campaign_id' ->> 0,
            e.tags -> 'campaign-id' ->> 0, e.tags -> 'campaign_name' ->> 0, e.tags -> 'campaign-name' ->> 0,
            e.tags -> 'utm_campaign' ->> 0
        )
    END AS campaign,
    e.diagnostic_code
FROM ses_bounces.address_event e
JOIN ses_bounces.address a USING (address_id)
WHERE e.superseded_at IS NULL AND e.actor = 'ses'
    AND (
        e.kind IN ('permanent_bounce', 'transient_bounce', 'complaint')
        -- Mails that SES did not send; what was read off its list is no mail, and has neither.
        OR e.kind IN ('ses_suppression', 'unsubscribed')
        AND (e.bounce_type IS NOT NULL OR e.ses_message_id IS NOT NULL)
    )
