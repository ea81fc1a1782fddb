-- Mirror which queues the settings name: what is sent to them is awaited. Locks: the rows written.
-- Parameters:
--   queue_urls: text[]  the queues
WITH gone AS (
    DELETE FROM ses_bounces.awaited_queue w WHERE w.belongs_to <> ALL (%(queue_urls)s)
)
INSERT INTO ses_bounces.awaited_queue AS w (queue_url, belongs_to)
SELECT u.url, u.url FROM unnest(%(queue_urls)s::text[]) u(url)
ON CONFLICT (queue_url) DO UPDATE SET belongs_to = excluded.belongs_to WHERE w.belongs_to <> excluded.belongs_to
