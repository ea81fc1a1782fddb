-- The addresses whose people are due, and whether they are blocked. Locks: none.
-- Parameters:
--   after: bigint  the address_id to begin behind
--   limit: bigint  the most addresses
SELECT f.address_id, a.address, f.due_since,
    -- A value is looked up for each address: an EXISTS reads the whole blocked list, again for each chunk.
    coalesce((
        SELECT true FROM ses_bounces.blocked_list b WHERE b.address_id = f.address_id AND b.unblocked_at IS NULL LIMIT 1
    ), false)
FROM ses_bounces.flag_due f
JOIN ses_bounces.address a USING (address_id)
WHERE f.address_id > %(after)s
    -- Says nothing new, but a merge would read the registry from its beginning.
    AND a.address_id > %(after)s
ORDER BY f.address_id
LIMIT %(limit)s
