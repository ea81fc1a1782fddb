-- Delete what was typed into search boxes over a day ago. Locks: the rows deleted.
DELETE FROM ses_bounces.page_filter f WHERE f.created_at < now() - interval '1 day'
