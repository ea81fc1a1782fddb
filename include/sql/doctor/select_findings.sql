-- What the doctor found the last time, the gravest first; what SES itself said in an event, for 14 days.
-- Locks: none.
-- Parameters:
--   severities: text[]  only these
SELECT f.check_name, f.subject, f.severity, f.found, f.meaning, f.todo, f.since, f.checked_at
FROM ses_bounces.finding f
WHERE f.severity = ANY (%(severities)s::text[])
    AND (f.area <> 'events' OR f.since >= now() - interval '14 days')
ORDER BY array_position(ARRAY['critical', 'warning', 'unknown', 'ok'], f.severity), f.since, f.check_name, f.subject
