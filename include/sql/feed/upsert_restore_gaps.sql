-- Note the times whose messages a restore lost. Locks: the rows written.
-- Parameters:
--   queue_urls: text[]           the queues
--   firsts, lasts: timestamptz[]  the times of each, to exclusive
INSERT INTO ses_bounces.feed_gap AS g (queue_url, first, last, cause)
SELECT u.url, u.first, u.last, 'restore'
FROM unnest(%(queue_urls)s::text[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[]) u(url, first, last)
ON CONFLICT (queue_url, first) DO UPDATE SET last = greatest(g.last, excluded.last)
