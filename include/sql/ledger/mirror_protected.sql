-- Make ses_bounces.protected hold exactly these patterns; those that are not among them any more go into
-- protected_past. Locks: the rows written.
-- Parameters:
--   patterns: text[]  addresses and @domains
WITH gone AS (
    DELETE FROM ses_bounces.protected p WHERE p.pattern <> ALL (%(patterns)s)
    RETURNING p.pattern, p.added_at
), kept AS (
    INSERT INTO ses_bounces.protected_past (pattern, added_at, removed_at)
    SELECT g.pattern, g.added_at, clock_timestamp() FROM gone g
)
INSERT INTO ses_bounces.protected (pattern)
SELECT unnest(%(patterns)s::text[])
ON CONFLICT (pattern) DO NOTHING
