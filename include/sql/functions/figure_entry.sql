-- figure_entry: each bounce and complaint that SES reported and that counts, with its day in UTC and what it is grouped
-- by; an empty text stands for what it doesn't say. is_lifted: a person has lifted what it blocks since. The names are
-- those of ses_bounces.classify.providers. Locks: none.
CREATE OR REPLACE VIEW ses_bounces.figure_entry AS
SELECT e.event_id, e.address_id, e.occurred_at, (e.occurred_at AT TIME ZONE 'UTC')::date AS day, e.kind,
    coalesce(p.name, left(a.domain, 100)) AS provider,
    CASE WHEN strpos(e.configuration_set, '@') > 0 THEN '' ELSE coalesce(left(e.configuration_set, 100), '') END
        AS configuration_set,
    CASE
        WHEN strpos(e.source, '@') > 0 THEN left(lower(btrim(split_part(e.source, '@', -1), '<> ')), 100)
        ELSE ''
    END AS identity,
    CASE WHEN e.tags IS NULL OR strpos(t.campaign, '@') > 0 THEN '' ELSE coalesce(left(t.campaign, 100), '') END
        AS campaign,
    e.kind = 'permanent_bounce' AND EXISTS (
        SELECT FROM ses_bounces.address_event u
        WHERE u.address_id = e.address_id AND u.kind = 'unblocked' AND u.superseded_at IS NULL
            AND u.occurred_at >= e.occurred_at AND 'permanent_bounce' = ANY (u.lifts)
    ) AS is_lifted,
    e.diagnostic_code
FROM ses_bounces.address_event e
JOIN ses_bounces.address a USING (address_id)
LEFT JOIN ses_bounces.provider p ON p.domain = a.domain
CROSS JOIN LATERAL (
    SELECT coalesce(
        e.tags -> 'campaign' ->> 0, e.tags -> 'Campaign' ->> 0, e.tags -> 'campaign_id' ->> 0,
        e.tags -> 'campaign-id' ->> 0, e.tags -> 'campaign_name' ->> 0, e.tags -> 'campaign-name' ->> 0,
        e.tags -> 'utm_campaign' ->> 0
    ) AS campaign
) t
WHERE e.superseded_at IS NULL AND e.actor = 'ses'
    AND (
        e.kind IN ('permanent_bounce', 'transient_bounce', 'complaint')
        -- Mails that SES did not send; what was read off its list is no mail.
        OR e.kind IN ('ses_suppression', 'unsubscribed') AND e.bounce_type IS NOT NULL
    )
