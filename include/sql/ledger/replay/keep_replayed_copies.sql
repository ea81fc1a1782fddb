-- Keep the first copy of each event that was read; a plain delivery was not kept, and is not replayed.
-- Locks: none that others see.
INSERT INTO replayed_entry
SELECT DISTINCT ON (c.dedup_key) c.* FROM replayed_copy c WHERE c.kind <> 'delivery'
ON CONFLICT (dedup_key) DO NOTHING
