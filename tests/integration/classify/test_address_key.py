"""The key in SQL is the key in Python, for any text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_bounces.classify.address import address_key
from ses_bounces.classify.mailboxes import address_keys

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Postgres holds neither NUL nor surrogates.
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
PIECES = (
    "@", "@", ".", ".", "<", ">", '"', "\\", " ", "\t", "\r\n", "\v", ";", ",", ":", "(", ")", "[", "]", "rfc822;", "RFC822; ",
    "mailto:", "MAILTO: ", "MaılTo:", "smtp:", "SMTP:\u200b", "ſmtp:", "<mailto:", "> <", ">, <", '" <', '"<', '\\"', "a@b", "-", "--", "_", "+",
    "a", "Z", "0", "anna", "Example", "com", "xn--", "XN--", "xn--bcher-kva", "xn--bcher-kv", "xn--strae-oqa",
    "xn--a", "xn--zckzah", "xn--mgba3gch31f060k", "xn--e1afmkfd", "xn--0", "xn--a-0", "-kva", "a" * 63, "a" * 64,
    "b" * 250, "ü", "Ü", "u\u0308", "\u0308", "\u0301", "\u0327", "\u094d", "ß", "ẞ", "ı", "İ", "ſ", "K", "ς", "Σ",
    "。", "．", "｡", "\u2024", "\u2025", "ａ", "Ｚ", "＠", "＜", "－", "\u00ad", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u2060", "\ufeff", "\ufe0f",
    "\u2260", "\u226e", "א", "ב", "مثال", "例え", "テスト", "한", "\u1100\u1161", "가", "☃", "💩", "👩\u200d🚀",
    "\u0378", "\U000e0001", "\U000e0100", "\ue000", "\ufffd", "\ufffe", "\x7f", "\x85", "\xa0", "\u2003", "\u3000",
    "“", "”", "‘", "’", "«", "»", "•", "„", "、", "，", "；", "،", "؛", "|", "'", "`",
    "½", "™", "ﬁ", "Ǆ", "ǰ", "ΐ", "\u0344", "\u0f73", "\u2126", "\ufb1d", "\U0002f868", "\U0001d400", "１", "²", "⑴",
)  # fmt: skip
ADDRESS_LIKE = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
LABEL = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join),
    st.text(st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), min_size=1, max_size=4),
    # Valid, and nearly valid, punycode.
    st.text(
        st.characters(min_codepoint=0x80, max_codepoint=0x2FFFF, exclude_categories=["Cs"]), min_size=1, max_size=5
    ).map(lambda text: "xn--" + text.encode("punycode").decode("ascii")),
    st.text("abz019-", max_size=12).map("xn--{}".format),
)
ADDRESS = st.builds(
    "{}{}@{}{}{}".format,
    st.sampled_from((
        "", "", "", "<", "Anna <", " ", "rfc822;", '"a@b" <', '"', "mailto:", "SMTP:", "\ufeff", "\u200b<", "a@b, Bo <",
        "Smith, Bo <", '"a, b@c" <', "<mailto:",
    )),
    st.one_of(st.just("anna"), ADDRESS_LIKE, ANY),
    st.lists(LABEL, min_size=1, max_size=3).map(".".join),
    st.sampled_from((".example", ".com", "", ".", "..", "。jp")),
    st.sampled_from(("", "", "", ">", " ", "\n", '">', ">\u200f", "\u2060", ", bo@example.com", ">>")),
)  # fmt: skip


# Each example is a list of texts that one query of the same database answers.
LARGE = settings(
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.large_base_example,
        HealthCheck.data_too_large,
    ],
)


@given(texts=st.lists(st.one_of(ADDRESS, ADDRESS, ADDRESS_LIKE, ANY), min_size=30, max_size=30))
@settings(LARGE, max_examples=60)
def test_sql_agrees_with_python(database: Connection, texts: list[str]) -> None:
    query = "SELECT ses_bounces.address_key(t) FROM unnest(%s::text[]) WITH ORDINALITY u(t, n) ORDER BY n"
    found = [key for (key,) in database.execute(query, [texts]).fetchall()]
    wrong = [(t, f, address_key(t)) for t, f in zip(texts, found, strict=True) if f != address_key(t)]
    assert wrong == [], "text, key in SQL, key in Python"


@given(
    texts=st.lists(
        st.lists(st.one_of(ADDRESS, st.sampled_from(PIECES), st.just("bo@example.com")), max_size=6).map("".join),
        min_size=30,
        max_size=30,
    )
)
@settings(LARGE, max_examples=40)
def test_sql_finds_the_same_addresses_in_a_text_as_python(database: Connection, texts: list[str]) -> None:
    query = "SELECT ses_bounces.address_keys(t) FROM unnest(%s::text[]) WITH ORDINALITY u(t, n) ORDER BY n"
    found = [keys for (keys,) in database.execute(query, [texts]).fetchall()]
    wrong = [(t, f, address_keys(t)) for t, f in zip(texts, found, strict=True) if f != address_keys(t)]
    assert wrong == [], "text, keys in SQL, keys in Python"


def test_every_piece_in_each_place(database: Connection) -> None:
    """Without chance: each odd piece alone, and beside letters, in the local part and in the domain."""
    texts = [
        frame.format(piece, piece)
        for piece in PIECES
        for frame in (
            "{}",
            "{}@example.com",
            "a{}b@example.com",
            "a@{}",
            "a@{}.com",
            "a@x{}y.com",
            "a@b.{}",
            "a@xü{}.de",
            "{}a@example.com",
            "a@example.com{}",
            "{} <a@example.com>",
            "Anna <{}a@example.com{}>",
            "a@b{} <a@example.com>",
            '"{}" <"{}"@example.com>',
        )
    ]
    query = "SELECT ses_bounces.address_key(t) FROM unnest(%s::text[]) WITH ORDINALITY u(t, n) ORDER BY n"
    found = [key for (key,) in database.execute(query, [texts]).fetchall()]
    wrong = [(t, f, address_key(t)) for t, f in zip(texts, found, strict=True) if f != address_key(t)]
    assert wrong == [], "text, key in SQL, key in Python"


def test_long_texts(database: Connection) -> None:
    """At the lengths from which on a text is no address: of the whole, of the address, and of its local part."""
    texts = [f"{'x' * count} <a@example.com>" for count in (983, 984, 985)]
    texts += [f"{'x' * count}@example.com" for count in (308, 309)]
    texts += [f"a@{'x' * 60}.{'y' * 60}.{'z' * 60}.{'w' * count}.com" for count in (60, 63, 64)]
    query = "SELECT ses_bounces.address_key(t) FROM unnest(%s::text[]) WITH ORDINALITY u(t, n) ORDER BY n"
    found = [key for (key,) in database.execute(query, [texts]).fetchall()]
    assert found == [address_key(text) for text in texts]
    assert [key is None for key in found] == [False, False, True, False, True, False, False, True]


def test_null_is_null(database: Connection) -> None:
    assert database.execute("SELECT ses_bounces.address_key(NULL)").fetchone() == (None,)
