-- The work tables of one transaction that writes state; they go with it. Locks: none that others see.
CREATE TEMP TABLE incoming_address (
    place integer, address text COLLATE "C", address_as_reported text
) ON COMMIT DROP;
CREATE TEMP TABLE incoming_delivery (
    address_id bigint, occurred_at timestamptz, dedup_key bytea, reason text, mail_sent_at timestamptz,
    ses_message_id text, message_id bigint
) ON COMMIT DROP;
CREATE TEMP TABLE touched_address (address_id bigint) ON COMMIT DROP;
CREATE TEMP TABLE touched_state (
    address_id bigint, address text COLLATE "C", is_new boolean, is_protected boolean,
    since_stop_request timestamptz, since_complaint timestamptz, since_unsubscribed timestamptz,
    since_permanent_bounce timestamptz, since_ses_suppression timestamptz, since_expired_transient timestamptz,
    episode_first_at timestamptz, episode_last_at timestamptz, episode_bounces bigint, episode_deadline timestamptz,
    first_bounced_at timestamptz, last_bounced_at timestamptz, bounce_count bigint, kind text
) ON COMMIT DROP
