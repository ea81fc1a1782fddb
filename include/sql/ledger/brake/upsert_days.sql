-- Note how many new blocks count now. Locks: the rows written.
-- Parameters:
--   days: date[]           one place in each array for each row
--   domains: text[]        of each
--   new_blocks: integer[]  of each
INSERT INTO ses_bounces.brake_day AS d (day, domain, new_blocks)
SELECT n.day, n.domain, n.new_blocks
FROM unnest(%(days)s::date[], %(domains)s::text[], %(new_blocks)s::int[]) AS n(day, domain, new_blocks)
ORDER BY n.day, n.domain
ON CONFLICT (day, domain) DO UPDATE SET new_blocks = excluded.new_blocks
