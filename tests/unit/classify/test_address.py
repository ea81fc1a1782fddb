"""The address key: docs/semantics.md §2, rule by rule."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ses_bounces.classify.address import address_key, domain_of

LONG_LABEL = "a" * 63


@pytest.mark.parametrize(
    ("reported", "key"),
    [
        ("anna@example.com", "anna@example.com"),
        ("Anna.Smith@Example.COM", "anna.smith@example.com"),
        # Unwrapping and trimming.
        ("Anna Smith <anna@example.com>", "anna@example.com"),
        ('"Smith, Anna" <anna@example.com>', "anna@example.com"),
        ('"a@example.org" <anna@example.com>', "anna@example.com"),
        ("=?UTF-8?Q?Ann=C3=A1?= <anna@example.com>", "anna@example.com"),
        ("<anna@example.com>", "anna@example.com"),
        ("< anna@example.com >", "anna@example.com"),
        ("rfc822;anna@example.com", "anna@example.com"),
        ("RFC822; anna@example.com", "anna@example.com"),
        ("rfc822;<anna@example.com>", "anna@example.com"),
        ("  anna@example.com\r\n", "anna@example.com"),
        # The last @ splits; a trailing dot of the domain goes.
        ('"a@b"@example.com', '"a@b"@example.com'),
        ("a@b@example.com", "a@b@example.com"),
        ("anna@example.com.", "anna@example.com"),
        # Only ASCII letters become lower case in the local part, and nothing in it is taken away.
        ("Anna+News@example.com", "anna+news@example.com"),
        ("a.n.n.a@example.com", "a.n.n.a@example.com"),
        ("ÄNNA@example.com", "ÄnnA@example.com".replace("A", "a")),
        ('"Anna Smith"@example.com', '"anna smith"@example.com'),
        (r'"a\" b"@example.com', r'"a\" b"@example.com'),
        ("=?UTF-8?B?QW5uYQ==?=@example.com", "=?utf-8?b?qw5uyq==?=@example.com"),
        # The domain in its ASCII form.
        ("anna@Bücher.example", "anna@xn--bcher-kva.example"),
        ("anna@BÜCHER.example", "anna@xn--bcher-kva.example"),
        ("anna@bu\u0308cher.example", "anna@xn--bcher-kva.example"),
        ("anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"),
        ("anna@XN--BCHER-KVA.example", "anna@xn--bcher-kva.example"),
        ("anna@straße.example", "anna@xn--strae-oqa.example"),
        ("anna@例え。テスト", "anna@xn--r8jz45g.xn--zckzah"),
        ("anna@ｅｘａｍｐｌｅ．ｃｏｍ", "anna@example.com"),
        ("anna@exam\u00adple.com", "anna@example.com"),
        ("anna@_dmarc.example.com", "anna@_dmarc.example.com"),
        ("anna@r3---sn.example.com", "anna@r3---sn.example.com"),
        ("anna@localhost", "anna@localhost"),
        (f"anna@{LONG_LABEL}.example", f"anna@{LONG_LABEL}.example"),
        ("x" * 308 + "@example.com", "x" * 308 + "@example.com"),
    ],
)
def test_key(reported: str, key: str) -> None:
    assert address_key(reported) == key
    assert address_key(key) == key


@pytest.mark.parametrize(
    "reported",
    [
        "",
        " ",
        "anna",
        "anna@",
        "@example.com",
        "@",
        "anna@.",
        "<>",
        "rfc822;",
        "Anna <anna>",
        "MAILER-DAEMON",
        # A control character, or a space outside quotes.
        "an\x00na@example.com",
        "an\nna@example.com",
        "an\tna@example.com",
        "an\x7fna@example.com",
        "an\x85na@example.com",
        '"an\nna"@example.com',
        "anna smith@example.com",
        '"anna" smith@example.com',
        "anna@exam ple.com",
        # A domain that can't exist.
        "anna@example..com",
        "anna@.example.com",
        "anna@example.com..",
        "anna@-example.com",
        "anna@example-.com",
        "anna@exa!mple.com",
        f"anna@a{LONG_LABEL}.example",
        "anna@" + ".".join([LONG_LABEL] * 4),
        "anna@xn--.example",
        "anna@xn--a.example",
        "anna@xn--bcher-kv!.example",
        "anna@xn--zzzzzzzzzzzz.example",
        "anna@\u0308bc.example",
        "anna@\U000e0001.example",
        "anna@\ufffd.example",
        "anna@\ud800.example",
        # Too long.
        "x" * 309 + "@example.com",
    ],
)
def test_no_address(reported: str) -> None:
    assert address_key(reported) is None


ALPHABET = 'aAzZ0-._+@<>";\\ \tüÜßıİſK。．ａＡ\u0308\u00ad\u200d\ufeffאx\x00\x85'


@given(st.one_of(st.text(), st.text(ALPHABET), st.builds("{}@{}".format, st.text(ALPHABET), st.text(ALPHABET))))
@example("rfc822;rfc822;a@example.com")
@example("<<a@example.com>")
@example("a@example.com..")
@settings(max_examples=600, deadline=None)
def test_the_key_of_a_key_is_the_key(reported: str) -> None:
    key = address_key(reported)
    if key is not None:
        assert address_key(key) == key
        assert len(key) <= 320
        assert domain_of(key).isascii()
        assert domain_of(key) == domain_of(key).lower()


@pytest.mark.parametrize("key", ["anna@example.com", '"a@b"@example.com'])
def test_domain_of(key: str) -> None:
    assert domain_of(key) == "example.com"
