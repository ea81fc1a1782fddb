-- What other programs ask: do_not_email, is_blocked(email), blocked_as_of(t), blocked_as_of(t, known_at).
-- is_blocked() of a text that names several addresses is true where one of them is blocked.
-- An erased address is there as what stands in its place: is_blocked() knows it in sessions that have the secret, see
-- functions/erased_key.sql.
-- In observe mode (setting enforce is false) the lists are kept, and nobody is blocked. Locks: none.

CREATE OR REPLACE FUNCTION ses_bounces.enforced() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $function$
SELECT coalesce((SELECT s.enforce FROM ses_bounces.setting s), true)
$function$;

-- One row per blocked address: of several causes, the one that weighs most.
CREATE OR REPLACE VIEW ses_bounces.do_not_email AS
SELECT DISTINCT ON (b.address) b.address, b.reason, b.blocked_at AS since
FROM ses_bounces.blocked_list b
WHERE b.unblocked_at IS NULL AND ses_bounces.enforced()
ORDER BY b.address, array_position(
    ARRAY['stop_request', 'complaint', 'unsubscribed', 'permanent_bounce', 'ses_suppression', 'expired_transient'],
    b.reason
);

CREATE OR REPLACE FUNCTION ses_bounces.is_blocked(email text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $function$
SELECT ses_bounces.enforced() AND EXISTS (
    SELECT FROM unnest(ses_bounces.address_keys(email)) k(key)
    CROSS JOIN LATERAL (
        SELECT FROM ses_bounces.blocked_list b
        WHERE b.address IN (k.key, ses_bounces.erased_key(k.key)) AND b.unblocked_at IS NULL
        LIMIT 1
    ) b
)
$function$;

-- The causes that block: a protected address is blocked by wishes only.
CREATE OR REPLACE FUNCTION ses_bounces.blocking_causes(
    is_protected boolean, stop_request timestamptz, complaint timestamptz, unsubscribed timestamptz,
    permanent_bounce timestamptz, ses_suppression timestamptz, expired_transient timestamptz
) RETURNS TABLE (reason text, since timestamptz) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $function$
SELECT c.reason, c.since
FROM (VALUES
    ('stop_request', stop_request, true),
    ('complaint', complaint, true),
    ('unsubscribed', unsubscribed, true),
    ('permanent_bounce', permanent_bounce, false),
    ('ses_suppression', ses_suppression, false),
    ('expired_transient', expired_transient, false)
) c(reason, since, is_wish)
WHERE c.since IS NOT NULL AND (c.is_wish OR NOT is_protected)
$function$;

-- Who was blocked at a time, by when things happened: one row per address and cause. known_at: by what was on record
-- then: what came in later is not counted, what a replay or an undo took back later is; NULL: by what is on record now.
CREATE OR REPLACE FUNCTION ses_bounces.blocked_as_of(t timestamptz, known_at timestamptz)
RETURNS TABLE (address_id bigint, address text, reason text, since timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE AS $function$
SELECT s.address_id, a.address, c.reason, c.since
FROM ses_bounces.address_state(NULL, t, t, known_at) s
JOIN ses_bounces.address a USING (address_id)
CROSS JOIN LATERAL ses_bounces.blocking_causes(
    s.is_protected, s.since_stop_request, s.since_complaint, s.since_unsubscribed,
    s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient
) c
$function$;

CREATE OR REPLACE FUNCTION ses_bounces.blocked_as_of(t timestamptz)
RETURNS TABLE (address_id bigint, address text, reason text, since timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE AS $function$
SELECT b.address_id, b.address, b.reason, b.since FROM ses_bounces.blocked_as_of(t, NULL) b
$function$
