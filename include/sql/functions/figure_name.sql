-- figure_name(said): what a group is called that mails name themselves: empty where they don't, or where an address may
-- stand in it. As ses_bounces.classify.providers has it. Locks: none.
CREATE OR REPLACE FUNCTION ses_bounces.figure_name(said text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $function$
    SELECT CASE WHEN strpos(said, '@') > 0 THEN '' ELSE coalesce(left(said, 100), '') END
$function$
