-- The work tables of one replay; they go with its session. Locks: none that others see.
DROP TABLE IF EXISTS pg_temp.replay_session, pg_temp.replayed_message, pg_temp.replayed_copy, pg_temp.replayed_entry;
-- Whose tables they are: a pool may give this session to another replay.
CREATE TEMP TABLE replay_session (token uuid);
CREATE TEMP TABLE replayed_message (
    message_id bigint PRIMARY KEY, received_at timestamptz, before text, outcome text, reason text
);
CREATE TEMP TABLE replayed_copy (
    message_id bigint, address text COLLATE "C", address_as_reported text, kind text, occurred_at timestamptz,
    dedup_key bytea, reason text, deadline timestamptz, policy text, mail_sent_at timestamptz, feedback_id text,
    ses_message_id text, bounce_type text, bounce_sub_type text, feedback_type text, status text,
    diagnostic_code text, source text, configuration_set text, is_reply boolean,
    tags jsonb
);
CREATE TEMP TABLE replayed_entry (LIKE replayed_copy, PRIMARY KEY (dedup_key))
