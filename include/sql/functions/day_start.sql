-- day_start(day, zone): when a day begins, which is the first moment whose local date it is. Where clocks are put back
-- at one o'clock midnight comes twice (America/Havana, Atlantic/Azores), and AT TIME ZONE gives the second; where they
-- are put forward at midnight it doesn't come at all. Locks: none.
CREATE OR REPLACE FUNCTION ses_bounces.day_start(day date, zone text) RETURNS timestamptz
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $function$
    SELECT coalesce(
        min(c.moment) FILTER (WHERE (c.moment AT TIME ZONE zone)::date = day),
        -- A day that a country left out.
        day::timestamp AT TIME ZONE zone
    )
    FROM (
        SELECT day::timestamp AT TIME ZONE zone - b.put_back AS moment
        FROM (VALUES (interval '0'), (interval '30 minutes'), (interval '1 hour'), (interval '2 hours')) b(put_back)
    ) c
$function$
