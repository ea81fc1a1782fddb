-- figure_identity(source): the domain of a sender, empty where there is none. As ses_bounces.classify.providers has it.
-- Locks: none.
CREATE OR REPLACE FUNCTION ses_bounces.figure_identity(source text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $function$
    SELECT CASE
        WHEN strpos(source, '@') > 0 THEN left(lower(btrim(split_part(source, '@', -1), '<> ')), 100)
        ELSE ''
    END
$function$
