-- Empty the answers to administrators' forms of over 90 days ago; who did what and why stays. Locks: those rows.
UPDATE ses_bounces.admin_action a SET results = '{}'
WHERE a.acted_at < now() - interval '90 days' AND a.results <> '{}'
