"""The address key: one spelling for all the ways in which a feedback message can write an address.

The SQL function ``ses_bounces.address_key`` (include/sql/functions/address_key.sql) gives the same answer on every
input; a property test compares them. Change both together.
"""

from __future__ import annotations

import re
import string
import unicodedata

import idna

MAX_ADDRESS_CHARACTERS = 320
MAX_DOMAIN_CHARACTERS = 253
MAX_LABEL_CHARACTERS = 63

# ASCII only: str.strip() would also take Unicode spaces, which btrim() in Postgres would not.
_BLANK = " \t\n\r\f\v"
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_LABEL = re.compile(rf"(?!-)[a-z0-9_-]{{1,{MAX_LABEL_CHARACTERS}}}(?<!-)")
_ADDRESS_TYPE = re.compile(rf"(?:rfc822;[{_BLANK}]*)+", re.IGNORECASE | re.ASCII)
# Nearly every address; the long way gives the same key, at ten times the cost.
_ORDINARY = re.compile(r"[A-Za-z0-9.+_=-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,24}")


def address_key(reported: str) -> str | None:
    """Return the key of an address as a message reports it, or None where it is not an address.

    ``Name <addr>``, ``<addr>`` and ``rfc822;addr`` (RFC 3464 §2.3.2) are unwrapped, the domain goes to its
    ASCII form (UTS 46, non-transitional, without the bidi, joiner and hyphen-position checks, so that domains
    which exist are not refused), ASCII letters become lower case. Plus-tags, dots, quoted and encoded-word local
    parts are kept: they may be different mailboxes.

    :param reported: any text.
    :returns: at most 320 characters, with an ASCII domain; None: no ``@``, an empty side, a control character,
        a space outside quotes, too long, or a domain that can't exist.
    """
    if _ORDINARY.fullmatch(reported) and len(reported) <= MAX_DOMAIN_CHARACTERS:
        key = reported.lower()
        if "xn--" not in key:
            return key
    address = _unwrap(reported)
    if len(address) > MAX_ADDRESS_CHARACTERS or _CONTROL.search(address):
        return None
    local, at, domain = address.rpartition("@")
    if not at or not local or " " in _QUOTED.sub("", local):
        return None
    ascii_domain = _ascii_domain(domain.removesuffix("."))
    if ascii_domain is None:
        return None
    key = f"{local.translate(_LOWER)}@{ascii_domain}"
    return key if len(key) <= MAX_ADDRESS_CHARACTERS else None


def domain_of(key: str) -> str:
    """Return the domain of an address key."""
    return key.rpartition("@")[2]


def _unwrap(reported: str) -> str:
    address = reported.strip(_BLANK)
    if address.endswith(">") and "<" in address:
        address = address[address.rindex("<") + 1 : -1].strip(_BLANK)
    if named := _ADDRESS_TYPE.match(address):
        address = address[named.end() :]
    return address


def _ascii_domain(domain: str) -> str | None:
    if domain.isascii():
        labels = domain.translate(_LOWER).split(".")
    else:
        mapped = _mapped(domain)
        if mapped is None:
            return None
        labels = mapped.split(".")
    encoded = [_ascii_label(label) for label in labels]
    if any(label is None for label in encoded):
        return None
    result = ".".join(label for label in encoded if label is not None)
    return result if len(result) <= MAX_DOMAIN_CHARACTERS else None


def _mapped(text: str) -> str | None:
    # A code point that this Python doesn't know is refused: its normal form could differ from Postgres's.
    if any(unicodedata.category(character) == "Cn" for character in text):
        return None
    try:
        return idna.uts46_remap(text, std3_rules=False)
    except idna.IDNAError:
        return None


def _ascii_label(label: str) -> str | None:
    if label.isascii():
        if not _LABEL.fullmatch(label):
            return None
        return label if not label.startswith("xn--") or _is_a_label(label) else None
    if label.startswith("xn--") or not _is_u_label(label):
        return None
    encoded = "xn--" + label.encode("punycode").decode("ascii")
    return encoded if _LABEL.fullmatch(encoded) else None


def _is_u_label(label: str) -> bool:
    """Tell whether UTS 46 takes the label as it is (it is normalised, nothing is mapped away)."""
    return (
        not label.isascii()
        and unicodedata.category(label[0])[0] != "M"
        and _mapped(label) == label
        and "." not in label
    )


def _is_a_label(label: str) -> bool:
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
        if not _is_u_label(decoded):
            return False
        return decoded.encode("punycode").decode("ascii") == label[4:]
    except UnicodeError:
        return False


def codepoints() -> list[tuple[int, int, str | None, bool]]:
    """Return what UTS 46 does to each code point, for the table that the SQL function reads.

    :returns: ``(first, last, mapping, is_mark)`` ascending; mapping None: kept as it is, ``""``: dropped; code
        points in no range are refused. A mapped code point has a range of its own.
    """
    ranges: list[tuple[int, int, str | None, bool]] = []
    for codepoint in range(0x80, 0x110000):
        character = chr(codepoint)
        category = unicodedata.category(character)
        if category in ("Cn", "Cs", "Co"):
            continue
        try:
            mapped = idna.uts46_remap(character, std3_rules=False)
        except idna.IDNAError:
            continue
        mapping = None if mapped == character else mapped
        mark = category[0] == "M"
        if mapping is None and ranges and ranges[-1][1:] == (codepoint - 1, None, mark):
            ranges[-1] = (ranges[-1][0], codepoint, None, mark)
        else:
            ranges.append((codepoint, codepoint, mapping, mark))
    return ranges
