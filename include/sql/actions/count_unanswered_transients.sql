-- How many transient problems are open whose deadline a delivery since a time would have ended, had it been kept.
-- Locks: none.
-- Parameters:
--   since: timestamptz  from when on deliveries are lost
SELECT count(*)
FROM ses_bounces.bounce_list b
WHERE b.is_open AND b.kind = 'transient' AND b.transient_fix_deadline > %(since)s
