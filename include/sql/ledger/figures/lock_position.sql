-- How far the ledger is counted, and its last entry. Locks: the row of figure_position, so that nobody else counts.
SELECT p.event_id, (SELECT coalesce(max(e.event_id), 0) FROM ses_bounces.address_event e)
FROM ses_bounces.figure_position p
FOR UPDATE OF p
