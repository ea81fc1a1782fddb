-- Ask for blocks to be lifted that SES's own list has a part in: that list first, ours then. Yields the addresses
-- asked for; one that is being lifted already is left out. Locks: the rows inserted.
-- Parameters:
--   ids: bigint[]        the addresses
--   lifts: text[]        the causes to lift of all of them
--   actor, reason: text  who asked, and why
INSERT INTO ses_bounces.unblock_request (address_id, lifts, actor, reason)
SELECT i.address_id, %(lifts)s::text[], %(actor)s, %(reason)s
FROM unnest(%(ids)s::bigint[]) i(address_id)
ON CONFLICT (address_id) WHERE finished_at IS NULL DO NOTHING
RETURNING address_id
