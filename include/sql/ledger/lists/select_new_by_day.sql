-- How many addresses were newly blocked on each of the last 30 days that have a report. Locks: none.
SELECT (r.summary ->> 'new_addresses')::bigint
FROM ses_bounces.report_day r
WHERE r.day < (now() AT TIME ZONE r.timezone)::date
ORDER BY r.day DESC
LIMIT 30
