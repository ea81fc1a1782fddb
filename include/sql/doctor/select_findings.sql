-- What the doctor found the last time, the gravest first.
-- Locks: none.
-- Parameters:
--   severities: text[]  only these
SELECT f.check_name, f.subject, f.severity, f.found, f.meaning, f.todo, f.since, f.checked_at
FROM ses_bounces.finding f
WHERE f.severity = ANY (%(severities)s::text[])
ORDER BY array_position(ARRAY['critical', 'warning', 'unknown', 'ok'], f.severity), f.since, f.check_name, f.subject
