-- How many blocked addresses some new entries of never_block would free, and how many stay blocked by a wish; each
-- counted to 10,001. Locks: none.
-- Parameters:
--   addresses, domains: text[]  the entries: keys of addresses, and domains
WITH hit AS MATERIALIZED (
    (SELECT a.address_id FROM ses_bounces.address a WHERE a.address = ANY (%(addresses)s))
    UNION
    (SELECT a.address_id FROM ses_bounces.address a WHERE a.domain = ANY (%(domains)s))
), blocked AS (
    SELECT bool_or(b.reason IN ('stop_request', 'complaint', 'unsubscribed')) AS has_wish
    FROM hit h
    JOIN ses_bounces.blocked_list b ON b.address_id = h.address_id AND b.unblocked_at IS NULL
    GROUP BY b.address_id
)
SELECT least(count(*) FILTER (WHERE NOT b.has_wish), 10001), least(count(*) FILTER (WHERE b.has_wish), 10001)
FROM blocked b
