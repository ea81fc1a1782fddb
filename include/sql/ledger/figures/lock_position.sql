-- How far the ledger is counted, and the last address on record then; the same as it is now.
-- Locks: the row of figure_position, so that nobody else counts.
SELECT p.event_id, p.address_id, (SELECT coalesce(max(e.event_id), 0) FROM ses_bounces.address_event e),
    (SELECT coalesce(max(a.address_id), 0) FROM ses_bounces.address a)
FROM ses_bounces.figure_position p
FOR UPDATE OF p
