-- Note how far the ledger is counted. Locks: the row of figure_position.
-- Parameters:
--   upto: bigint          the last entry that was counted
--   last_address: bigint  the last address on record
UPDATE ses_bounces.figure_position
SET event_id = %(upto)s, address_id = %(last_address)s, counted_at = clock_timestamp()
