-- Have the next promotion bring the addresses that some never_block patterns are about up to date.
--   patterns  addresses and @domains. Locks: the rows updated.
UPDATE ses_bounces.address a
SET due_at = '-infinity'
WHERE a.address = ANY (%(patterns)s)
    OR a.domain = ANY (SELECT substr(p, 2) FROM unnest(%(patterns)s::text[]) p WHERE p LIKE '@%%')
