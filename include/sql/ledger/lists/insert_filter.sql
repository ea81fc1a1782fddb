-- Keep what a user typed into a search box, and forget what that user typed before the last ones. Locks: the rows
-- written and deleted.
-- Parameters:
--   filter_id: text  what stands for it in URLs
--   text: text       what was typed
--   user_id: text    Airflow's id of the user
--   most: bigint     how many are kept of a user, this one among them
WITH surplus AS (
    SELECT f.filter_id
    FROM ses_bounces.page_filter f
    WHERE f.user_id = %(user_id)s
    ORDER BY f.created_at DESC
    OFFSET %(most)s - 1
), forgotten AS (
    DELETE FROM ses_bounces.page_filter f USING surplus s WHERE f.filter_id = s.filter_id
)
INSERT INTO ses_bounces.page_filter (filter_id, search_text, user_id) VALUES (%(filter_id)s, %(text)s, %(user_id)s)
