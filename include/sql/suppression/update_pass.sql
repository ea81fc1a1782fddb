-- Note that a page of a list is recorded, and where the next one begins. Locks: that row.
-- Parameters:
--   pass_id: bigint                          the reading
--   next_token: text                         where the next page begins; null: this was the last
--   listed, recorded, not_addresses: bigint  what the page adds to the counts
UPDATE ses_bounces.suppression_pass p
SET next_token = %(next_token)s, pages = p.pages + 1, listed = p.listed + %(listed)s,
    recorded = p.recorded + %(recorded)s, not_addresses = p.not_addresses + %(not_addresses)s
WHERE p.pass_id = %(pass_id)s AND p.finished_at IS NULL
