-- Wait for the other writers of state: one at a time, in transactions of a fraction of a second.
-- Locks: an advisory one, until the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('ses_bounces.state', 0))
