-- What blocks some addresses by what is in the ledger, deadlines that a waiting message holds back included: what will
-- block them when all is caught up. Locks: none.
-- Parameters:
--   ids: bigint[]    the addresses
--   at: timestamptz  for what time
SELECT s.address_id, c.reason
FROM ses_bounces.address_state(%(ids)s::bigint[], %(at)s, %(at)s) s
CROSS JOIN LATERAL ses_bounces.blocking_causes(
    s.is_protected, s.since_stop_request, s.since_complaint, s.since_unsubscribed,
    s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient
) c
