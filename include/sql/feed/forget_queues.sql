-- A queue that is no longer in the settings holds promotion back no more. Locks: its row.
-- Parameters:
--   queue_urls: text[]  those of the settings
UPDATE ses_bounces.queue
SET left_since = NULL
WHERE belongs_to <> ALL (%(queue_urls)s) AND left_since IS NOT NULL
