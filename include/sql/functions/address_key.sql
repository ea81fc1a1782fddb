-- address_key(email): the key of an address, NULL where it is none. Equal to ses_bounces.classify.address.address_key
-- in Python on every input (a property test compares them), so that a people table can be indexed by it.
-- Reads ses_bounces.codepoint, which only an upgrade changes: that is why it may be called IMMUTABLE.
-- A backslash is in dollar quotes only: whoever asks may have switched standard_conforming_strings off. Locks: none.

-- RFC 3492 §6.3, of one label; NULL: not possible.
CREATE OR REPLACE FUNCTION ses_bounces.punycode_encode(label text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
    digits constant text := 'abcdefghijklmnopqrstuvwxyz0123456789';
    points int[] := ARRAY(SELECT ascii(c) FROM regexp_split_to_table(label, '') c);
    total int := cardinality(points);
    output text := regexp_replace(label, $r$[^\u0001-\u007f]$r$, '', 'g');
    basic int := length(output);
    handled int := basic;
    n bigint := 128;
    delta bigint := 0;
    bias int := 72;
    next_point bigint;
    q bigint;
    k int;
    threshold int;
    point int;
BEGIN
    IF basic > 0 THEN
        output := output || '-';
    END IF;
    WHILE handled < total LOOP
        SELECT min(p) INTO next_point FROM unnest(points) p WHERE p >= n;
        delta := delta + (next_point - n) * (handled + 1);
        n := next_point;
        FOREACH point IN ARRAY points LOOP
            IF point < n THEN
                delta := delta + 1;
            ELSIF point = n THEN
                q := delta;
                k := 36;
                LOOP
                    threshold := greatest(1, least(26, k - bias));
                    EXIT WHEN q < threshold;
                    output := output || substr(digits, (threshold + (q - threshold) % (36 - threshold))::int + 1, 1);
                    q := (q - threshold) / (36 - threshold);
                    k := k + 36;
                END LOOP;
                output := output || substr(digits, q::int + 1, 1);
                bias := ses_bounces.punycode_bias(delta, handled + 1, handled = basic);
                delta := 0;
                handled := handled + 1;
            END IF;
        END LOOP;
        delta := delta + 1;
        n := n + 1;
    END LOOP;
    RETURN output;
END
$function$;

-- RFC 3492 §6.1.
CREATE OR REPLACE FUNCTION ses_bounces.punycode_bias(delta bigint, points int, first boolean) RETURNS int
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
    rest bigint := CASE WHEN first THEN delta / 700 ELSE delta / 2 END;
    k int := 0;
BEGIN
    rest := rest + rest / points;
    WHILE rest > 455 LOOP
        rest := rest / 35;
        k := k + 36;
    END LOOP;
    RETURN k + 36 * rest / (rest + 38);
END
$function$;

-- RFC 3492 §6.2, of the part after "xn--"; NULL: not punycode.
CREATE OR REPLACE FUNCTION ses_bounces.punycode_decode(encoded text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
    basic int := length(encoded) - position('-' IN reverse(encoded));
    output int[] := '{}';
    cursor_ int := 1;
    n bigint := 128;
    i bigint := 0;
    bias int := 72;
    old_i bigint;
    weight bigint;
    k int;
    digit int;
    threshold int;
BEGIN
    IF basic < length(encoded) THEN
        output := ARRAY(SELECT ascii(c) FROM regexp_split_to_table(left(encoded, basic), '') c WHERE c <> '');
        cursor_ := basic + 2;
    END IF;
    WHILE cursor_ <= length(encoded) LOOP
        old_i := i;
        weight := 1;
        k := 36;
        LOOP
            digit := position(substr(encoded, cursor_, 1) IN 'abcdefghijklmnopqrstuvwxyz0123456789') - 1;
            IF cursor_ > length(encoded) OR digit < 0 THEN
                RETURN NULL;
            END IF;
            cursor_ := cursor_ + 1;
            i := i + digit * weight;
            threshold := greatest(1, least(26, k - bias));
            EXIT WHEN digit < threshold;
            weight := weight * (36 - threshold);
            k := k + 36;
            IF i > 2147483647 OR weight > 2147483647 THEN
                RETURN NULL;
            END IF;
        END LOOP;
        bias := ses_bounces.punycode_bias(i - old_i, cardinality(output) + 1, old_i = 0);
        n := n + i / (cardinality(output) + 1);
        i := i % (cardinality(output) + 1);
        IF n > 1114111 OR n BETWEEN 55296 AND 57343 THEN
            RETURN NULL;
        END IF;
        output := output[:i] || n::int || output[i + 1:];
        i := i + 1;
    END LOOP;
    RETURN (SELECT string_agg(chr(point), '' ORDER BY place) FROM unnest(output) WITH ORDINALITY u(point, place));
END
$function$;

-- UTS 46 mapping and NFC; NULL: a code point is refused.
CREATE OR REPLACE FUNCTION ses_bounces.uts46_map(domain text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
    mapped text := '';
    character text;
    found_row ses_bounces.codepoint;
BEGIN
    FOREACH character IN ARRAY regexp_split_to_array(domain, '') LOOP
        IF ascii(character) < 128 THEN
            mapped := mapped || translate(character, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz');
        ELSE
            SELECT c.* INTO found_row FROM ses_bounces.codepoint c
            WHERE c.first <= ascii(character) ORDER BY c.first DESC LIMIT 1;
            IF found_row.last IS NULL OR found_row.last < ascii(character) THEN
                RETURN NULL;
            END IF;
            mapped := mapped || coalesce(found_row.mapping, character);
        END IF;
    END LOOP;
    RETURN normalize(mapped, NFC);
END
$function$;

CREATE OR REPLACE FUNCTION ses_bounces.is_u_label(label text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $function$
BEGIN
    IF label IS NULL OR label !~ $r$[^\u0001-\u007f]$r$ OR label LIKE '%.%' THEN
        RETURN false;
    END IF;
    IF EXISTS (
        SELECT FROM ses_bounces.codepoint c
        WHERE c.is_mark AND ascii(label) BETWEEN c.first AND c.last
    ) THEN
        RETURN false;
    END IF;
    RETURN coalesce(ses_bounces.uts46_map(label) COLLATE "C" = label COLLATE "C", false);
END
$function$;

CREATE OR REPLACE FUNCTION ses_bounces.ascii_label(label text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
    encoded text := label;
BEGIN
    IF label ~ $r$[^\u0001-\u007f]$r$ THEN
        IF NOT ses_bounces.is_u_label(label) THEN
            RETURN NULL;
        END IF;
        encoded := 'xn--' || ses_bounces.punycode_encode(label);
    END IF;
    IF encoded !~ '^[a-z0-9_-]{1,63}$' OR encoded ~ '^-|-$' THEN
        RETURN NULL;
    END IF;
    IF label LIKE 'xn--%' AND (
        NOT ses_bounces.is_u_label(ses_bounces.punycode_decode(substr(label, 5)))
        OR ses_bounces.punycode_encode(ses_bounces.punycode_decode(substr(label, 5))) <> substr(label, 5)
    ) THEN
        RETURN NULL;
    END IF;
    RETURN encoded;
END
$function$;

CREATE OR REPLACE FUNCTION ses_bounces.address_key(email text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
    -- Blank, invisible, or a quotation mark of copied text, at an end; the same in brackets.
    ends constant text := E' \t\n\r\f\x0b\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad'
        '\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u2039\u203a\u2022';
    quoted constant text := $r$"(\\.|[^"\\])*"$r$;
    upper_ constant text := 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
    lower_ constant text := 'abcdefghijklmnopqrstuvwxyz';
    address text;
    angle text;
    name text;
    local_ text;
    domain text;
    encoded text;
BEGIN
    -- Nearly every address; the long way gives the same key. Counts in a pattern cost fifty microseconds, and no label of
    -- 64 characters in all has more than 63.
    IF email ~ $r$^[A-Za-z0-9.+_=-]+@([A-Za-z0-9]+(-+[A-Za-z0-9]+)*\.)+[A-Za-z]+$$r$ AND email !~* 'xn--'
        AND length(email) <= 64 THEN
        RETURN lower(email COLLATE "C");
    END IF;
    IF email ~ $r$^[A-Za-z0-9.+_=-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,24}$$r$
        AND length(email) <= 253 AND email !~* 'xn--' THEN
        RETURN lower(email COLLATE "C");
    END IF;
    IF length(email) > 1000 THEN
        RETURN NULL;
    END IF;
    address := btrim(email, ends);
    -- Name <address>, behind the last < outside quotes; a name that holds another address makes them several.
    IF right(address, 1) = '>' THEN
        angle := substring(address FROM $r$<((?:"(?:\\.|[^"\\])*"|[^"<>])*)>$$r$);
        IF angle IS NOT NULL THEN
            name := regexp_replace(left(address, length(address) - length(angle) - 2), quoted, '', 'g');
            IF name ~ '[<>]' OR (name LIKE '%@%' AND name ~ '[,;]') THEN
                RETURN NULL;
            END IF;
            address := btrim(angle, ends);
        END IF;
    END IF;
    -- Letter by letter: what is the other case of an i depends on the database's locale.
    address := regexp_replace(
        address, '^(([Rr][Ff][Cc]822;|[Mm][Aa][Ii][Ll][Tt][Oo]:|[Ss][Mm][Tt][Pp]:)[' || ends || ']*)+', ''
    );
    IF length(address) > 320 OR address ~ $r$[\u0001-\u001f\u007f-\u009f]$r$ OR position('@' IN address) = 0 THEN
        RETURN NULL;
    END IF;
    domain := substring(address FROM '[^@]*$');
    local_ := left(address, length(address) - length(domain) - 1);
    -- RFC 5322 §3.2.3, the space, what looks like one or like nothing, curly quotation marks: only in quotes.
    IF local_ = '' OR regexp_replace(local_, quoted, '', 'g')
        ~ $r$[ ,;:<>()[\]\\@\u00a0\u00ad\u1680\u180e\u2000-\u200f\u201c-\u201f\u2022\u2028-\u202f\u205f-\u206f\u3000\ufeff]$r$ THEN
        RETURN NULL;
    END IF;
    IF right(domain, 1) = '.' THEN
        domain := left(domain, -1);
    END IF;
    domain := ses_bounces.uts46_map(domain);
    SELECT CASE WHEN bool_and(ses_bounces.ascii_label(label) IS NOT NULL)
        THEN string_agg(ses_bounces.ascii_label(label), '.' ORDER BY place) END
    INTO encoded
    FROM unnest(string_to_array(domain, '.')) WITH ORDINALITY u(label, place);
    IF encoded IS NULL OR length(encoded) > 253 THEN
        RETURN NULL;
    END IF;
    address := translate(local_, upper_, lower_) || '@' || encoded;
    RETURN CASE WHEN length(address) <= 320 THEN address END;
END
$function$;

-- The keys of all addresses that a text names, separated by commas, semicolons, blanks or brackets; none: an empty array.
-- Equal to ses_bounces.classify.mailboxes.address_keys in Python (a property test compares them).
CREATE OR REPLACE FUNCTION ses_bounces.address_keys(email text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
    parting constant text := $r$([^ \t\r\n\f\v\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff<>()"\[\]|$r$
        || $r$“”„‟‚‛«»‹›「」『』《》〈〉【】（）、，；。،؛•·…]+)$r$;
    key text := ses_bounces.address_key(email);
    keys text[] := '{}';
    part text;
    token text;
BEGIN
    IF key IS NOT NULL THEN
        RETURN ARRAY[key];
    END IF;
    FOR part IN SELECT m[1] FROM regexp_matches(email, $r$((?:"(?:\\.|[^"\\])*(?:"|\\?$)|[^",;])+)$r$, 'g') m LOOP
        key := ses_bounces.address_key(part);
        IF key IS NOT NULL THEN
            keys := keys || key;
        ELSE
            FOR token IN SELECT m[1] FROM regexp_matches(part, parting, 'g') m LOOP
                keys := array_remove(keys || ses_bounces.address_key(btrim(token, $r$'‘’`"$r$)), NULL);
            END LOOP;
        END IF;
    END LOOP;
    RETURN ARRAY(SELECT k FROM unnest(keys) WITH ORDINALITY u(k, n) GROUP BY k ORDER BY min(n));
END
$function$;
