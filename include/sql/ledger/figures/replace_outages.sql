-- Keep what may be an outage, in place of what was kept before; of one that goes on, since when it is known.
-- Locks: the rows written.
-- Parameters:
--   domains: text[]        which
--   firsts: timestamptz[]  when the first of its blocks began
--   lasts: timestamptz[]   when the last of them began, exclusive
--   texts: text[]          what their diagnostics have in common
--   counts: integer[]      how many addresses
WITH found AS (
    SELECT *
    FROM unnest(
        %(domains)s::text[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[], %(texts)s::text[],
        %(counts)s::integer[]
    ) f(domain, first, last, said, addresses)
), gone AS (
    DELETE FROM ses_bounces.suggested_outage o WHERE o.domain <> ALL (%(domains)s::text[])
)
INSERT INTO ses_bounces.suggested_outage (domain, first, last, said, addresses)
SELECT f.* FROM found f
ON CONFLICT (domain) DO UPDATE
SET first = excluded.first, last = excluded.last, said = excluded.said, addresses = excluded.addresses
