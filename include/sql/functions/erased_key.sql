-- erased_key(email): what stands in the place of an address if it was erased. An HMAC (SHA-256) whose secret is not in
-- this database: NULL unless the transaction has it as ses_bounces.erasure_secret (set_config with a bound value, and
-- true: behind a pooler, what holds for the session is another client's next). Warns where it is NULL, and someone who
-- was erased is blocked: who that is can't be told then, and is_blocked() is false for them.
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
        IF EXISTS (
            SELECT FROM ses_bounces.blocked_list b WHERE b.unblocked_at IS NULL AND b.address LIKE '%@erased.invalid'
        ) THEN
            RAISE WARNING 'ses_bounces.erasure_secret is not set: blocked addresses that were erased are not recognised'
                USING HINT = 'Set it in the same transaction: SELECT set_config(''ses_bounces.erasure_secret'', $1, true)';
        END IF;
        RETURN NULL;
    END IF;
    key := ses_bounces.address_key(email);
    RETURN encode(ses_bounces.hmac_sha256(convert_to(secret, 'UTF8'), convert_to(key, 'UTF8')), 'hex')
        || '@erased.invalid';
END
$function$
