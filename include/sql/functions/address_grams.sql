-- address_grams(address): every three bytes of an address as numbers, for ses_bounces.address_search. The same as
-- lists/search.py on every input; a test compares them. Locks: none.
CREATE OR REPLACE FUNCTION ses_bounces.address_grams(address text) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $function$
DECLARE
    spelled bytea := convert_to(address, 'UTF8');
    grams integer[] := '{}';
    gram integer := 0;
BEGIN
    FOR place IN 0 .. length(spelled) - 1 LOOP
        gram := ((gram << 8) & 16777215) | get_byte(spelled, place);
        IF place >= 2 THEN
            grams[place - 1] := gram;
        END IF;
    END LOOP;
    RETURN grams;
END
$function$
