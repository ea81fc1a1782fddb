-- Which of some e-mail addresses, in any spelling, are blocked: the mailer's question. Yields the spelling that was
-- given, the reason that weighs most, and since when. In observe mode nobody is blocked. Locks: none.
-- Two unnamed parameters, both text[]: the spellings, and what may stand in the place of each if it was erased (see
-- base/erasure_secret.py), NULL where that is not known. Every DB-API driver for Postgres can bind them. The lateral
-- join looks each key up by the index; a plain one would read the whole list.
SELECT g.email, d.reason, d.since
FROM unnest(%s::text[], %s::text[]) g(email, name)
CROSS JOIN LATERAL (SELECT ses_bounces.address_key(g.email) AS key OFFSET 0) k
CROSS JOIN LATERAL (
    SELECT n.reason, n.since FROM ses_bounces.do_not_email n
    WHERE n.address IN (k.key, coalesce(g.name, ses_bounces.erased_key(g.email)))
    LIMIT 1
) d
