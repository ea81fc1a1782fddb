-- What the doctor asks of the ledger, in one row; hours, null where there is none.
--   landed   since the last message was landed
--   planned  since the last plan_drain began, of a run that was not skipped
--   pending  since the oldest message that waits was landed
--   lift     since the oldest open unblock request was made
--   listed   since SES's suppression lists were last read to their end
--   flag     since the oldest change of Allow Group Email is due
--   due      since the oldest deadline that was not acted upon; a protected address is due for ever
-- Locks: none.
-- Parameters:
--   expire_before: timestamptz  deadlines up to this count as passed
SELECT
    extract(epoch FROM now() - (
        SELECT m.received_at FROM ses_bounces.message m ORDER BY m.message_id DESC LIMIT 1
    )) / 3600 AS landed,
    extract(epoch FROM now() - (
        SELECT r.started_at FROM ses_bounces.run r WHERE r.task_id = 'plan_drain' ORDER BY r.started_at DESC LIMIT 1
    )) / 3600 AS planned,
    extract(epoch FROM now() - (
        SELECT m.received_at FROM ses_bounces.message m WHERE m.outcome = 'pending' ORDER BY m.sent_at LIMIT 1
    )) / 3600 AS pending,
    extract(epoch FROM now() - (
        SELECT min(u.requested_at) FROM ses_bounces.unblock_request u WHERE u.finished_at IS NULL
    )) / 3600 AS lift,
    extract(epoch FROM now() - (SELECT max(p.finished_at) FROM ses_bounces.suppression_pass p)) / 3600 AS listed,
    extract(epoch FROM now() - (SELECT min(f.due_since) FROM ses_bounces.flag_due f)) / 3600 AS flag,
    extract(epoch FROM %(expire_before)s - (
        SELECT min(b.due_at) FROM ses_bounces.bounce_list b
        WHERE b.closed_at IS NULL AND b.due_at IS NOT NULL AND b.due_at > '-infinity'
    )) / 3600 AS due
