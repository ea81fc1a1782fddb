-- The work tables of one transaction that writes state; they go with it. Locks: none that others see.
CREATE TEMP TABLE incoming_entry (
    place integer, message_id bigint, address text COLLATE "C", address_as_reported text, kind text,
    occurred_at timestamptz, dedup_key bytea, reason text, deadline timestamptz, policy text, mail_sent_at timestamptz,
    feedback_id text, ses_message_id text, bounce_type text, bounce_sub_type text, feedback_type text, status text,
    diagnostic_code text, source text, configuration_set text, tags jsonb
) ON COMMIT DROP;
CREATE TEMP TABLE touched_address (address_id bigint) ON COMMIT DROP;
CREATE TEMP TABLE touched_state (
    address_id bigint, address text COLLATE "C", is_protected boolean,
    since_stop_request timestamptz, since_complaint timestamptz, since_unsubscribed timestamptz,
    since_permanent_bounce timestamptz, since_ses_suppression timestamptz, since_expired_transient timestamptz,
    episode_first_at timestamptz, episode_last_at timestamptz, episode_bounces bigint, episode_deadline timestamptz,
    first_bounced_at timestamptz, last_bounced_at timestamptz, bounce_count bigint, kind text
) ON COMMIT DROP
