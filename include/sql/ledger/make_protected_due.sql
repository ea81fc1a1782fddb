-- Have the next promotion bring the addresses that some never_block patterns are about up to date. Those that a
-- pattern can free or bind are on the Email Bounce List: wishes block protected addresses too.
-- Locks: the rows updated.
-- Parameters:
--   patterns: text[]  addresses and @domains
UPDATE ses_bounces.bounce_list b
SET due_at = '-infinity'
FROM ses_bounces.address a
WHERE b.address_id = a.address_id AND b.closed_at IS NULL
    AND (
        a.address = ANY (%(patterns)s)
        OR a.domain = ANY (SELECT substr(p, 2) FROM unnest(%(patterns)s::text[]) p WHERE p LIKE '@%%')
    )
