-- Put an area's findings in place of its former ones; since stays where the severity does.
-- Locks: the rows written.
-- Parameters:
--   area: text                                                     whose findings these are; all it had before go
--   checks, subjects, severities, founds, meanings, todos: text[]  one place in each array for each finding
WITH found AS (
    SELECT n.check_name, n.subject, n.severity, n.found, n.meaning, n.todo
    FROM unnest(
        %(checks)s::text[], %(subjects)s::text[], %(severities)s::text[], %(founds)s::text[], %(meanings)s::text[],
        %(todos)s::text[]
    ) AS n(check_name, subject, severity, found, meaning, todo)
), gone AS (
    DELETE FROM ses_bounces.finding f
    WHERE f.area = %(area)s
        AND NOT EXISTS (SELECT FROM found n WHERE n.check_name = f.check_name AND n.subject = f.subject)
)
INSERT INTO ses_bounces.finding AS f (area, check_name, subject, severity, found, meaning, todo)
SELECT %(area)s, n.check_name, n.subject, n.severity, n.found, n.meaning, n.todo FROM found n
ON CONFLICT (check_name, subject) DO UPDATE
SET area = excluded.area, severity = excluded.severity, found = excluded.found, meaning = excluded.meaning,
    todo = excluded.todo, checked_at = now(),
    since = CASE WHEN f.severity = excluded.severity THEN f.since ELSE now() END
