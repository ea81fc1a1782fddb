-- erased_key(email): what stands in the place of an address if it was erased. An HMAC (SHA-256) whose secret is not in
-- this database: NULL unless the session has it as ses_bounces.erasure_secret (SET, or set_config with a bound value).
-- Equal to ses_bounces.base.erasure_secret.Secret.pseudonym in Python; a test compares them. Locks: none.

-- RFC 2104.
CREATE OR REPLACE FUNCTION ses_bounces.hmac_sha256(secret bytea, message bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
    key bytea := CASE WHEN length(secret) > 64 THEN sha256(secret) ELSE secret END;
    inner_pad bytea := decode(repeat('36', 64), 'hex');
    outer_pad bytea := decode(repeat('5c', 64), 'hex');
BEGIN
    FOR place IN 0 .. length(key) - 1 LOOP
        inner_pad := set_byte(inner_pad, place, get_byte(inner_pad, place) # get_byte(key, place));
        outer_pad := set_byte(outer_pad, place, get_byte(outer_pad, place) # get_byte(key, place));
    END LOOP;
    RETURN sha256(outer_pad || sha256(inner_pad || message));
END
$function$;

CREATE OR REPLACE FUNCTION ses_bounces.erased_key(email text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $function$
DECLARE
    secret text := nullif(current_setting('ses_bounces.erasure_secret', true), '');
    key text;
BEGIN
    IF secret IS NULL THEN
        RETURN NULL;
    END IF;
    key := ses_bounces.address_key(email);
    RETURN encode(ses_bounces.hmac_sha256(convert_to(secret, 'UTF8'), convert_to(key, 'UTF8')), 'hex')
        || '@erased.invalid';
END
$function$
