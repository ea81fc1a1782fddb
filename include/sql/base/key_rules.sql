-- What tells one address_key() from another: its functions and the code points that it reads; NULL: it is not there.
-- Locks: none.
SELECT md5(
    (
        SELECT string_agg(p.prosrc, '' ORDER BY p.proname)
        FROM pg_proc p
        WHERE p.pronamespace = 'ses_bounces'::regnamespace AND p.proname IN (
            'address_key', 'ascii_label', 'is_u_label', 'uts46_map', 'punycode_encode', 'punycode_decode', 'punycode_bias'
        )
    ) || (SELECT string_agg(c::text, '' ORDER BY c.first) FROM ses_bounces.codepoint c)
)
