-- Keep as the doctor's findings what SES said of sending itself, the last word of each subject; since is when it was
-- said. What is older than 14 days goes. Locks: the rows written.
-- Parameters:
--   subjects, severities, founds, meanings, todos: text[]  one place in each array for each word, each subject once
--   said: timestamptz[]                                    when; null: now
WITH gone AS (
    DELETE FROM ses_bounces.finding f
    WHERE f.area = 'events' AND f.since < now() - interval '14 days' AND f.subject <> ALL (%(subjects)s::text[])
)
INSERT INTO ses_bounces.finding AS f (area, check_name, subject, severity, found, meaning, todo, since)
SELECT 'events', 'sending status', n.subject, n.severity, n.found, n.meaning, n.todo, coalesce(n.said, now())
FROM unnest(
    %(subjects)s::text[], %(severities)s::text[], %(founds)s::text[], %(meanings)s::text[], %(todos)s::text[],
    %(said)s::timestamptz[]
) AS n(subject, severity, found, meaning, todo, said)
ORDER BY n.subject
ON CONFLICT (check_name, subject) DO UPDATE
SET severity = excluded.severity, found = excluded.found, meaning = excluded.meaning, todo = excluded.todo,
    since = excluded.since, checked_at = now()
WHERE f.since <= excluded.since
