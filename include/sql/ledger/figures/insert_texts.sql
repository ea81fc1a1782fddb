-- Note what servers said most on a day. Locks: the rows inserted.
-- Parameters:
--   day: date          in UTC
--   providers: text[]  to whose addresses
--   texts: text[]      without addresses
--   counts: integer[]  to how many of the bounces that were read
INSERT INTO ses_bounces.figure_text (day, provider, said, bounces)
SELECT %(day)s, t.* FROM unnest(%(providers)s::text[], %(texts)s::text[], %(counts)s::integer[]) t
