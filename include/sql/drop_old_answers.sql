-- Delete the answers to administrators' forms of over 90 days ago. Locks: the rows deleted.
DELETE FROM ses_bounces.admin_action a WHERE a.acted_at < now() - interval '90 days'
