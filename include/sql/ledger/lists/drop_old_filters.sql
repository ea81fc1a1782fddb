-- Delete what was typed into search boxes over 90 days ago. Locks: the rows deleted.
DELETE FROM ses_bounces.page_filter f WHERE f.created_at < now() - interval '90 days'
