-- Wait for whoever else is storing a report. Locks: an advisory one, until the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('ses_bounces.report', 0))
