-- Which of some address keys are blocked: the mailer's question. Yields the place of each in the arrays, from 1, the
-- reason that weighs most, and since when. In observe mode nobody is blocked. Locks: none.
-- Two unnamed parameters, both text[]: the keys, and what may stand in the place of each if it was erased (see
-- base/erasure_secret.py), NULL where that is not known. Every DB-API driver for Postgres can bind them. The lateral
-- join looks each key up by the index; a plain one would read the whole list.
SELECT g.place, d.reason, d.since
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY g(key, name, place)
CROSS JOIN LATERAL (
    SELECT n.reason, n.since FROM ses_bounces.do_not_email n
    WHERE n.address IN (g.key, coalesce(g.name, ses_bounces.erased_key(g.key)))
    LIMIT 1
) d
ORDER BY g.place
