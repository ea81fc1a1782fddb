-- address_state(ids, at, expire_before, known_at): what is thought of each address at a time. docs/semantics.md §4 in
-- SQL.
--
-- A set of aggregates over the live ledger entries with occurred_at <= at: neither their order nor that of their
-- arrival matters. One row per address that has entries.
--   ids            the addresses to look at; NULL: all.
--   at             the time: entries that occurred later are not looked at.
--   expire_before  deadlines up to this count as passed; equal to at but where a drain left older messages waiting.
--   known_at       only by what was on record then: entries recorded by then and not superseded by then, and the
--                  never_block patterns of then. NULL, or left out: by what is on record now.
-- A cause is there where its since_… is not NULL. Locks: none.

-- The entries of the ledger that counted by what was on record at a time; NULL: now. Two parts, so that each has the
-- index that it needs.
CREATE OR REPLACE FUNCTION ses_bounces.entries_known(known_at timestamptz) RETURNS TABLE (
    event_id bigint, address_id bigint, kind text, occurred_at timestamptz, dedup_key bytea, lifts text[],
    deadline timestamptz, policy text, mail_sent_at timestamptz, ses_message_id text, bounce_type text, is_reply boolean
) LANGUAGE sql STABLE PARALLEL SAFE AS $function$
SELECT e.event_id, e.address_id, e.kind, e.occurred_at, e.dedup_key, e.lifts, e.deadline, e.policy, e.mail_sent_at,
    e.ses_message_id, e.bounce_type, e.is_reply
FROM ses_bounces.address_event e
WHERE e.superseded_at IS NULL AND (known_at IS NULL OR e.recorded_at <= known_at)
UNION ALL
SELECT e.event_id, e.address_id, e.kind, e.occurred_at, e.dedup_key, e.lifts, e.deadline, e.policy, e.mail_sent_at,
    e.ses_message_id, e.bounce_type, e.is_reply
FROM ses_bounces.address_event e
WHERE e.superseded_at IS NOT NULL AND e.superseded_at > known_at AND e.recorded_at <= known_at
$function$;

-- The never_block patterns that were mirrored at a time; NULL: those of now.
CREATE OR REPLACE FUNCTION ses_bounces.protected_known(known_at timestamptz) RETURNS TABLE (pattern text)
LANGUAGE sql STABLE PARALLEL SAFE AS $function$
SELECT t.pattern FROM ses_bounces.protected t WHERE known_at IS NULL OR t.added_at <= known_at
UNION ALL
SELECT t.pattern FROM ses_bounces.protected_past t WHERE t.added_at <= known_at AND t.removed_at > known_at
$function$;

-- Whether the mail of a reply was delivered to that address by a time, before the reply or after it: then the mailbox took
-- it, and the reply is none of its troubles. The delivery is in the ledger; see ledger/insert_ending_deliveries.sql.
CREATE OR REPLACE FUNCTION ses_bounces.is_answered(id bigint, mail text, at timestamptz, known_at timestamptz)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $function$
SELECT EXISTS (
    SELECT FROM ses_bounces.entries_known(known_at) d
    WHERE d.address_id = id AND d.kind = 'delivery' AND d.ses_message_id = mail AND d.occurred_at <= at
)
$function$;

-- The functions of 0.1.0 without known_at (extended_deadline, episode_after, second_mail_bounced_at) stay for a version:
-- a query of its, planned before the upgrade and run after, fails where what it calls is gone.

-- The deadline that administrators gave an episode, NULL where they gave none. chained: of a policy that ends an
-- episode at its deadline, only the extensions made before it ended belong to it.
CREATE OR REPLACE FUNCTION ses_bounces.extended_deadline(
    id bigint, first_bounce timestamptz, stored timestamptz, chained boolean, at timestamptz, known_at timestamptz
) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $function$
WITH given AS (
    SELECT e.occurred_at,
        least(e.deadline, e.occurred_at + interval '30 days') AS deadline,
        max(least(e.deadline, e.occurred_at + interval '30 days')) OVER (
            ORDER BY e.occurred_at, e.dedup_key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS in_force,
        row_number() OVER (ORDER BY e.occurred_at, e.dedup_key) AS place
    FROM ses_bounces.entries_known(known_at) e
    WHERE e.address_id = id AND e.kind = 'deadline_extended' AND e.occurred_at BETWEEN first_bounce AND at
), too_late AS (
    SELECT min(g.place) AS place FROM given g
    WHERE chained AND g.occurred_at > coalesce(g.in_force, stored, 'infinity')
)
SELECT max(g.deadline) FROM given g, too_late WHERE too_late.place IS NULL OR g.place < too_late.place
$function$;

-- The episode of policy expire that is open at a time: an episode ends at its deadline, and later bounces open the
-- next one, with deadlines of its own. No row: the last one has ended, or no bounce followed it.
CREATE OR REPLACE FUNCTION ses_bounces.episode_after(
    id bigint, ended_at timestamptz, at timestamptz, expire_before timestamptz, known_at timestamptz
) RETURNS TABLE (
    began_after timestamptz, first_at timestamptz, last_at timestamptz, bounces bigint, policy text,
    deadline timestamptz
) LANGUAGE sql STABLE PARALLEL SAFE AS $function$
WITH RECURSIVE episode AS (
    SELECT NULL::timestamptz AS began_after, NULL::timestamptz AS first_at, NULL::timestamptz AS last_at,
        NULL::bigint AS bounces, 'expire' AS policy, ended_at AS deadline
    UNION ALL
    SELECT p.deadline, n.first_at, n.last_at, n.bounces, n.policy,
        coalesce(ses_bounces.extended_deadline(id, n.first_at, n.stored, n.policy = 'expire', at, known_at), n.stored)
    FROM episode p
    CROSS JOIN LATERAL (
        SELECT min(e.occurred_at) AS first_at, max(e.occurred_at) AS last_at, count(*) AS bounces,
            min(e.deadline) AS stored, (array_agg(e.policy ORDER BY e.deadline, e.policy))[1] AS policy
        FROM ses_bounces.entries_known(known_at) e
        WHERE e.address_id = id AND e.kind = 'transient_bounce' AND e.occurred_at > p.deadline AND e.occurred_at <= at
            AND NOT (e.is_reply AND ses_bounces.is_answered(id, e.ses_message_id, at, known_at))
    ) n
    WHERE p.policy = 'expire' AND p.deadline <= expire_before AND n.bounces > 0
)
SELECT p.* FROM episode p
WHERE p.bounces > 0 AND (p.policy <> 'expire' OR p.deadline > expire_before OR p.deadline IS NULL)
$function$;

-- When the second of two different mails bounced, NULL: it did not.
CREATE OR REPLACE FUNCTION ses_bounces.second_mail_bounced_at(
    id bigint, ended_at timestamptz, at timestamptz, known_at timestamptz
) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $function$
SELECT min(e.occurred_at)
FROM ses_bounces.entries_known(known_at) e
WHERE e.address_id = id AND e.kind = 'transient_bounce' AND e.occurred_at > ended_at AND e.occurred_at <= at
    AND NOT (e.is_reply AND ses_bounces.is_answered(id, e.ses_message_id, at, known_at))
GROUP BY coalesce(e.ses_message_id, encode(e.dedup_key, 'hex'))
ORDER BY 1 OFFSET 1 LIMIT 1
$function$;

CREATE OR REPLACE FUNCTION ses_bounces.address_state(
    ids bigint[], at timestamptz, expire_before timestamptz, known_at timestamptz
)
RETURNS TABLE (
    address_id bigint,
    is_protected boolean,
    since_stop_request timestamptz,
    since_complaint timestamptz,
    since_unsubscribed timestamptz,
    since_permanent_bounce timestamptz,
    since_ses_suppression timestamptz,
    since_expired_transient timestamptz,
    episode_first_at timestamptz,
    episode_last_at timestamptz,
    episode_bounces bigint,
    episode_deadline timestamptz,
    episode_policy text,
    first_bounced_at timestamptz,
    last_bounced_at timestamptz,
    bounce_count bigint
) LANGUAGE sql STABLE PARALLEL SAFE AS $function$
WITH entry AS (
    -- Each entry beside the last one that ended or lifted each thing, NULL: nothing did.
    -- For all addresses: windows, since a join of aggregates would depend on the planner's estimate of their size.
    -- A reply that a delivery answers is of no kind that counts.
    SELECT e.address_id,
        CASE WHEN e.is_reply AND EXISTS (
            SELECT FROM ses_bounces.entries_known(known_at) d
            WHERE d.address_id = e.address_id AND d.kind = 'delivery' AND d.ses_message_id = e.ses_message_id
                AND d.occurred_at <= at
        ) THEN 'answered' ELSE e.kind END AS kind,
        e.occurred_at, e.deadline, e.policy, e.bounce_type, e.mail_sent_at,
        max(e.occurred_at) FILTER (WHERE e.kind = 'unblocked') OVER of_address AS unblocked_at,
        greatest(
            max(e.occurred_at) FILTER (WHERE e.kind IN ('delivery', 'transient_deleted', 'unblocked')) OVER of_address,
            d.occurred_at
        ) AS episode_ended_at,
        max(e.occurred_at) FILTER (
            WHERE e.kind = 'unblocked' AND 'stop_request' = ANY (e.lifts)
        ) OVER of_address AS stop_request_lifted_at,
        max(e.occurred_at) FILTER (
            WHERE e.kind = 'unblocked' AND 'complaint' = ANY (e.lifts)
        ) OVER of_address AS complaint_lifted_at,
        max(e.occurred_at) FILTER (
            WHERE e.kind = 'unblocked' AND 'unsubscribed' = ANY (e.lifts)
        ) OVER of_address AS unsubscribed_lifted_at,
        max(e.occurred_at) FILTER (
            WHERE e.kind = 'unblocked' AND 'permanent_bounce' = ANY (e.lifts)
        ) OVER of_address AS permanent_bounce_lifted_at,
        max(e.occurred_at) FILTER (
            WHERE e.kind = 'unblocked' AND 'ses_suppression' = ANY (e.lifts)
        ) OVER of_address AS ses_suppression_lifted_at
    FROM ses_bounces.entries_known(known_at) e
    -- When a last delivery came in is not recorded; but those that ended an episode are in the ledger.
    LEFT JOIN ses_bounces.last_delivery d
        ON d.address_id = e.address_id AND d.occurred_at <= at AND known_at IS NULL
    WHERE ids IS NULL AND e.occurred_at <= at
    WINDOW of_address AS (PARTITION BY e.address_id)
    UNION ALL
    -- Looked up for each address: of a join, all entries were read for each chunk of a backlog, of which the statistics
    -- know no more than the beginning; and a window keeps all that it has read, half a million entries of one address.
    SELECT i.address_id, k.kind, k.occurred_at, k.deadline, k.policy, k.bounce_type, k.mail_sent_at,
        n.unblocked_at, greatest(n.ended_at, d.occurred_at), n.stop_request_lifted_at, n.complaint_lifted_at,
        n.unsubscribed_lifted_at, n.permanent_bounce_lifted_at, n.ses_suppression_lifted_at
    FROM (SELECT DISTINCT unnest(ids) AS address_id) i
    LEFT JOIN LATERAL (
        SELECT l.occurred_at FROM ses_bounces.last_delivery l
        WHERE l.address_id = i.address_id AND l.occurred_at <= at AND known_at IS NULL OFFSET 0
    ) d ON true
    CROSS JOIN LATERAL (
        SELECT max(e.occurred_at) AS ended_at,
            max(e.occurred_at) FILTER (WHERE e.kind = 'unblocked') AS unblocked_at,
            max(e.occurred_at) FILTER (
                WHERE e.kind = 'unblocked' AND 'stop_request' = ANY (e.lifts)
            ) AS stop_request_lifted_at,
            max(e.occurred_at) FILTER (
                WHERE e.kind = 'unblocked' AND 'complaint' = ANY (e.lifts)
            ) AS complaint_lifted_at,
            max(e.occurred_at) FILTER (
                WHERE e.kind = 'unblocked' AND 'unsubscribed' = ANY (e.lifts)
            ) AS unsubscribed_lifted_at,
            max(e.occurred_at) FILTER (
                WHERE e.kind = 'unblocked' AND 'permanent_bounce' = ANY (e.lifts)
            ) AS permanent_bounce_lifted_at,
            max(e.occurred_at) FILTER (
                WHERE e.kind = 'unblocked' AND 'ses_suppression' = ANY (e.lifts)
            ) AS ses_suppression_lifted_at
        FROM ses_bounces.entries_known(known_at) e
        WHERE e.address_id = i.address_id AND e.occurred_at <= at
            AND e.address_id BETWEEN i.address_id AND i.address_id
            AND e.kind IN ('delivery', 'transient_deleted', 'unblocked')
    ) n
    CROSS JOIN LATERAL (
        SELECT
            -- The reply's mail is not in the index that all the rest is read from: it is looked up for replies alone.
            CASE WHEN e.is_reply AND EXISTS (
                SELECT FROM ses_bounces.address_event r
                JOIN ses_bounces.entries_known(known_at) d ON d.address_id = r.address_id
                    AND d.ses_message_id = r.ses_message_id
                WHERE r.event_id = e.event_id AND d.kind = 'delivery' AND d.occurred_at <= at
            ) THEN 'answered' ELSE e.kind END AS kind,
            e.occurred_at, e.deadline, e.policy,
            -- Asked of suppressions alone: the two took a quarter of that index.
            CASE WHEN e.kind = 'ses_suppression' THEN (
                SELECT r.bounce_type FROM ses_bounces.address_event r WHERE r.event_id = e.event_id
            ) END AS bounce_type,
            CASE WHEN e.kind = 'ses_suppression' THEN (
                SELECT r.mail_sent_at FROM ses_bounces.address_event r WHERE r.event_id = e.event_id
            ) END AS mail_sent_at
        FROM ses_bounces.entries_known(known_at) e
        WHERE e.address_id = i.address_id AND e.occurred_at <= at
            -- Says nothing new, but the planner then takes it for few, and never reads the table for each.
            AND e.address_id BETWEEN i.address_id AND i.address_id
        OFFSET 0
    ) k
), judged AS (
    -- counts: of a cause, that nothing lifted it; of what belongs to an episode, that nothing ended it.
    SELECT e.address_id, e.kind, e.policy, e.occurred_at, e.deadline, e.episode_ended_at,
        CASE e.kind
            WHEN 'transient_bounce' THEN e.occurred_at > coalesce(e.episode_ended_at, '-infinity')
            WHEN 'permanent_bounce' THEN e.occurred_at > coalesce(e.permanent_bounce_lifted_at, '-infinity')
            WHEN 'complaint' THEN e.occurred_at > coalesce(e.complaint_lifted_at, '-infinity')
            WHEN 'unsubscribed' THEN e.occurred_at > coalesce(e.unsubscribed_lifted_at, '-infinity')
            WHEN 'stop_request' THEN e.occurred_at > coalesce(e.stop_request_lifted_at, '-infinity')
            -- A suppression bounce of mail sent before the lift is an echo of the old listing.
            WHEN 'ses_suppression' THEN e.occurred_at > coalesce(e.ses_suppression_lifted_at, '-infinity')
                AND (e.bounce_type IS NULL
                    OR coalesce(e.mail_sent_at, e.occurred_at) > coalesce(e.unblocked_at, '-infinity'))
            WHEN 'deadline_extended' THEN e.occurred_at > coalesce(e.episode_ended_at, '-infinity')
        END AS counts
    FROM entry e
), alike AS (
    -- What differs in nothing but times may be half a million: each is looked at for few aggregates.
    SELECT e.address_id, e.kind, e.policy, e.counts, max(e.episode_ended_at) AS episode_ended_at, count(*) AS entries,
        min(e.occurred_at) AS first_at, max(e.occurred_at) AS last_at, min(e.deadline) AS deadline
    FROM judged e
    GROUP BY e.address_id, e.kind, e.policy, e.counts
), shaped AS (
    SELECT e.*,
        e.kind = 'transient_bounce' AND e.counts AS is_of_episode,
        e.kind IN ('transient_bounce', 'permanent_bounce', 'complaint') AS is_bounce
    FROM alike e
), fact AS (
    SELECT e.address_id, coalesce(max(e.episode_ended_at), '-infinity') AS episode_ended_at,
        min(e.first_at) FILTER (WHERE e.kind = 'stop_request' AND e.counts) AS stop_request,
        min(e.first_at) FILTER (WHERE e.kind = 'complaint' AND e.counts) AS complaint,
        min(e.first_at) FILTER (WHERE e.kind = 'unsubscribed' AND e.counts) AS unsubscribed,
        min(e.first_at) FILTER (WHERE e.kind = 'permanent_bounce' AND e.counts) AS permanent_bounce,
        min(e.first_at) FILTER (WHERE e.kind = 'ses_suppression' AND e.counts) AS ses_suppression,
        min(e.first_at) FILTER (WHERE e.is_of_episode) AS first_at,
        max(e.last_at) FILTER (WHERE e.is_of_episode) AS last_at,
        coalesce(sum(e.entries) FILTER (WHERE e.is_of_episode), 0)::bigint AS bounces,
        min(e.deadline) FILTER (WHERE e.is_of_episode AND e.policy = 'age') AS age_deadline,
        min(e.deadline) FILTER (WHERE e.is_of_episode AND e.policy = 'age_and_rebounce') AS rebounce_deadline,
        min(e.deadline) FILTER (WHERE e.is_of_episode AND e.policy = 'expire') AS expire_deadline,
        min(e.policy) FILTER (WHERE e.is_of_episode) AS any_policy,
        bool_or(e.kind = 'deadline_extended' AND e.counts) AS is_extended,
        min(e.first_at) FILTER (WHERE e.is_bounce) AS first_bounced_at,
        max(e.last_at) FILTER (WHERE e.is_bounce) AS last_bounced_at,
        coalesce(sum(e.entries) FILTER (WHERE e.is_bounce), 0)::bigint AS bounce_count,
        min(e.first_at) FILTER (WHERE e.kind = 'ses_suppression') AS first_suppressed_at,
        max(e.last_at) FILTER (WHERE e.kind = 'ses_suppression') AS last_suppressed_at
    FROM shaped e
    GROUP BY e.address_id
), dated AS (
    SELECT f.*, stored.deadline AS stored_deadline,
        CASE stored.deadline
            WHEN f.age_deadline THEN 'age'
            WHEN f.rebounce_deadline THEN 'age_and_rebounce'
            WHEN f.expire_deadline THEN 'expire'
            ELSE f.any_policy
        END AS policy
    FROM fact f
    CROSS JOIN LATERAL (SELECT least(f.age_deadline, f.rebounce_deadline, f.expire_deadline) AS deadline) stored
), extended AS (
    SELECT d.*,
        CASE WHEN d.is_extended AND d.bounces > 0 THEN coalesce(
            ses_bounces.extended_deadline(
                d.address_id, d.first_at, d.stored_deadline, d.policy = 'expire', at, known_at
            ),
            d.stored_deadline
        ) ELSE d.stored_deadline END AS deadline
    FROM dated d
), shown AS (
    SELECT x.address_id, x.stop_request, x.complaint, x.unsubscribed, x.permanent_bounce, x.ses_suppression,
        x.first_bounced_at, x.last_bounced_at, x.bounce_count, x.first_suppressed_at, x.last_suppressed_at,
        CASE WHEN has.ended THEN n.began_after ELSE x.episode_ended_at END AS began_after,
        CASE WHEN has.ended THEN n.first_at ELSE x.first_at END AS first_at,
        CASE WHEN has.ended THEN n.last_at ELSE x.last_at END AS last_at,
        coalesce(CASE WHEN has.ended THEN n.bounces ELSE x.bounces END, 0) AS bounces,
        CASE WHEN has.ended THEN n.deadline ELSE x.deadline END AS deadline,
        CASE WHEN has.ended THEN n.policy ELSE x.policy END AS policy
    FROM extended x
    CROSS JOIN LATERAL (
        SELECT coalesce(x.policy = 'expire' AND x.deadline <= expire_before, false) AS ended
    ) has
    LEFT JOIN LATERAL (
        -- OFFSET 0 keeps the condition inside: nothing is computed for the many that have not ended.
        SELECT n.* FROM ses_bounces.episode_after(x.address_id, x.deadline, at, expire_before, known_at) n
        WHERE has.ended OFFSET 0
    ) n ON true
)
SELECT s.address_id,
    -- Check once whether any pattern exists: usually none does, and no address is read.
    (SELECT EXISTS (SELECT FROM ses_bounces.protected_known(known_at))) AND EXISTS (
        SELECT FROM ses_bounces.address a
        JOIN ses_bounces.protected_known(known_at) t ON t.pattern IN (a.address, '@' || a.domain)
        WHERE a.address_id = s.address_id
    ),
    s.stop_request, s.complaint, s.unsubscribed, s.permanent_bounce, s.ses_suppression,
    CASE
        WHEN s.deadline > expire_before THEN NULL
        WHEN s.policy = 'age' THEN s.deadline
        WHEN s.policy = 'age_and_rebounce' THEN (
            SELECT greatest(s.deadline, r)
            FROM ses_bounces.second_mail_bounced_at(s.address_id, s.began_after, at, known_at) r
            WHERE r IS NOT NULL AND s.deadline IS NOT NULL
        )
    END,
    s.first_at, s.last_at, s.bounces, s.deadline, s.policy,
    CASE WHEN s.bounce_count > 0 THEN s.first_bounced_at ELSE s.first_suppressed_at END,
    CASE WHEN s.bounce_count > 0 THEN s.last_bounced_at ELSE s.last_suppressed_at END,
    s.bounce_count
FROM shown s
$function$;

-- By what is on record now.
CREATE OR REPLACE FUNCTION ses_bounces.address_state(ids bigint[], at timestamptz, expire_before timestamptz)
RETURNS TABLE (
    address_id bigint,
    is_protected boolean,
    since_stop_request timestamptz,
    since_complaint timestamptz,
    since_unsubscribed timestamptz,
    since_permanent_bounce timestamptz,
    since_ses_suppression timestamptz,
    since_expired_transient timestamptz,
    episode_first_at timestamptz,
    episode_last_at timestamptz,
    episode_bounces bigint,
    episode_deadline timestamptz,
    episode_policy text,
    first_bounced_at timestamptz,
    last_bounced_at timestamptz,
    bounce_count bigint
) LANGUAGE sql STABLE PARALLEL SAFE AS $function$
SELECT s.address_id, s.is_protected, s.since_stop_request, s.since_complaint, s.since_unsubscribed,
    s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient, s.episode_first_at,
    s.episode_last_at, s.episode_bounces, s.episode_deadline, s.episode_policy, s.first_bounced_at,
    s.last_bounced_at, s.bounce_count
FROM ses_bounces.address_state(ids, at, expire_before, NULL) s
$function$
