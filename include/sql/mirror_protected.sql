-- Make ses_bounces.protected hold exactly these patterns. Locks: the rows written.
--   patterns  addresses and @domains.
WITH gone AS (
    DELETE FROM ses_bounces.protected p WHERE p.pattern <> ALL (%(patterns)s)
)
INSERT INTO ses_bounces.protected (pattern)
SELECT unnest(%(patterns)s::text[])
ON CONFLICT (pattern) DO NOTHING
