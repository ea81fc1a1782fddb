-- Add what servers said to what they said before on the same days. Locks: the rows written.
-- Parameters:
--   days: date[]       of each text, its day in UTC
--   providers: text[]  to whose addresses
--   texts: text[]      without addresses
--   counts: integer[]  to how many of the bounces that were read
INSERT INTO ses_bounces.figure_text AS f (day, provider, said, bounces)
SELECT * FROM unnest(%(days)s::date[], %(providers)s::text[], %(texts)s::text[], %(counts)s::integer[])
ON CONFLICT (day, provider, said) DO UPDATE SET bounces = f.bounces + excluded.bounces
