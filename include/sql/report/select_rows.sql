-- The rows of the report's CSV file, in its order and columns; times as ISO 8601 in UTC. Reads report_block.
-- Locks: none.
SELECT b.address, b.reason, to_char(b.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS since,
    e.bounce_type, e.bounce_sub_type, coalesce(e.diagnostic_code, e.reason) AS diagnostic,
    to_char(b.first_bounced_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS first_bounce,
    to_char(b.last_bounced_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS last_bounce,
    b.bounce_count::text, e.source AS source_identity, e.configuration_set, e.ses_message_id
FROM report_block b
LEFT JOIN ses_bounces.address_event e ON e.event_id = b.event_id
ORDER BY b.address, b.weight
