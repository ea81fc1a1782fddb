-- Keep what SES says it sent, unless more of it is kept already: SES forgets a day bit by bit. Locks: the rows written.
-- Parameters:
--   account, region, source: text                            of whom, where, and by which call
--   dimensions: text[]                                       of each row, with
--   days: date[]                                             its day in UTC
--   names: text[]                                            its group
--   sent, delivered, bounces, complaints, rejects: bigint[]  and its numbers
INSERT INTO ses_bounces.sent_day AS k (
    account, region, source, dimension, day, name, sent, delivered, bounces, complaints, rejects
)
SELECT %(account)s, %(region)s, %(source)s, n.*
FROM unnest(
    %(dimensions)s::text[], %(days)s::date[], %(names)s::text[], %(sent)s::bigint[], %(delivered)s::bigint[],
    %(bounces)s::bigint[], %(complaints)s::bigint[], %(rejects)s::bigint[]
) n
ON CONFLICT (source, dimension, day, name, account, region) DO UPDATE
SET sent = excluded.sent, delivered = excluded.delivered, bounces = excluded.bounces,
    complaints = excluded.complaints, rejects = excluded.rejects, noted_at = clock_timestamp()
WHERE excluded.sent >= k.sent
