-- The state of every address that has a cause or an open episode, into temp table report_state, gone at commit.
-- Its is_transient is what the Email Bounce List calls so.
-- Locks: none that others see.
-- Parameters:
--   at: timestamptz        the time of the state
--   known_at: timestamptz  by what was on record then; NULL: now
CREATE TEMP TABLE report_state ON COMMIT DROP AS
SELECT s.address_id, a.address, a.domain, s.is_protected,
    s.since_stop_request, s.since_complaint, s.since_unsubscribed,
    s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient,
    s.episode_first_at, s.episode_last_at, s.episode_bounces, s.episode_deadline, s.episode_policy,
    s.first_bounced_at, s.last_bounced_at, s.bounce_count,
    s.episode_bounces > 0 AND num_nonnulls(
        s.since_complaint, s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient
    ) = 0 AS is_transient
FROM ses_bounces.address_state(NULL, %(at)s, %(at)s, %(known_at)s::timestamptz) s
JOIN ses_bounces.address a ON a.address_id = s.address_id
WHERE s.episode_bounces > 0 OR num_nonnulls(
    s.since_stop_request, s.since_complaint, s.since_unsubscribed,
    s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient
) > 0
