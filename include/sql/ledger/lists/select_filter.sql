-- What was typed into a search box in the last day. Locks: none.
-- Parameters:
--   filter_id: text  what stands for it in URLs
SELECT f.search_text
FROM ses_bounces.page_filter f
WHERE f.filter_id = %(filter_id)s AND f.created_at >= now() - interval '1 day'
