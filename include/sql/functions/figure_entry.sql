-- figure_entry: the same with the names of its groups. is_lifted: a person has lifted what it blocks since.
-- Locks: none.
CREATE OR REPLACE VIEW ses_bounces.figure_entry AS
SELECT r.event_id, r.address_id, r.occurred_at, r.day, r.kind, coalesce(p.name, left(r.domain, 100)) AS provider,
    ses_bounces.figure_name(r.configuration_set) AS configuration_set,
    ses_bounces.figure_identity(r.source) AS identity, ses_bounces.figure_name(r.campaign) AS campaign,
    r.kind = 'permanent_bounce' AND EXISTS (
        SELECT FROM ses_bounces.address_event u
        WHERE u.address_id = r.address_id AND u.kind = 'unblocked' AND u.superseded_at IS NULL
            AND u.occurred_at >= r.occurred_at AND 'permanent_bounce' = ANY (u.lifts)
    ) AS is_lifted,
    r.diagnostic_code
FROM ses_bounces.figure_report r
LEFT JOIN ses_bounces.provider p ON p.domain = r.domain
