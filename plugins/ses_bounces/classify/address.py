"""The address key: one spelling for all the ways in which a feedback message can write an address.

The SQL function ``ses_bounces.address_key`` (include/sql/functions/address_key.sql) gives the same answer on every
input; a property test compares them. Change both together.
"""

from __future__ import annotations

import functools
import re
import string
import unicodedata

import idna

MAX_ADDRESS_CHARACTERS = 320
# A line of a mail has 998 (RFC 5322 §2.1.1): no address is longer together with its name.
MAX_REPORTED_CHARACTERS = 1_000
MAX_DOMAIN_CHARACTERS = 253
MAX_LABEL_CHARACTERS = 63

# ASCII only: str.strip() would also take Unicode spaces, which btrim() in Postgres would not.
_BLANK = " \t\n\r\f\v"
# What a copied address often has at its ends: byte order mark, zero-width characters, direction marks, word joiner,
# soft hyphen; curly and angled quotation marks, bullets.
_MARKS = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u2039\u203a\u2022"
_ENDS = _BLANK + "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad" + _MARKS
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LABEL = re.compile(rf"(?!-)[a-z0-9_-]{{1,{MAX_LABEL_CHARACTERS}}}(?<!-)")
# A quoted string, or one that is never closed (group 1): no other follows that one, so time stays linear.
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*+(?:"|(\\?\Z))', re.DOTALL)
# Behind the last < outside quotes.
_ANGLE = re.compile(r'<((?:"(?:\\.|[^"\\])*"|[^"<>])*)>\Z', re.DOTALL)
# RFC 5322 §3.2.3, the space, what looks like one or like nothing, and double quotation marks of any shape: not in a
# local part, unless in quotes.
_SPECIAL = re.compile(
    r"[ ,;:<>()\[\]\\@\u00a0\u00ad\u1680\u180e\u2000-\u200f\u201c-\u201f\u2022\u2028-\u202f\u205f-\u206f\u3000\ufeff]"
)
_ADDRESS_TYPE = re.compile(rf"(?:(?:rfc822;|mailto:|smtp:)[{_ENDS}]*)+", re.IGNORECASE | re.ASCII)
_ONE_OF_SEVERAL = re.compile(r'(?:"(?:\\.|[^"\\])*+(?:"|\\?\Z)|[^",;])++', re.DOTALL)
# Nearly every address; the long way gives the same key, at ten times the cost.
_ORDINARY = re.compile(r"[A-Za-z0-9.+_=-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,24}")


def address_key(reported: str) -> str | None:
    """Return the key of an address as a message reports it, or None where it is not an address.

    ``Name <addr>``, ``<addr>``, ``rfc822;addr`` (RFC 3464 §2.3.2), ``mailto:addr`` and ``SMTP:addr`` are unwrapped,
    blanks, invisible characters and curly quotation marks at the ends are trimmed, the domain goes to its ASCII form
    (UTS 46, non-transitional, without the bidi, joiner and hyphen-position checks, so that domains which exist are not
    refused), ASCII letters become lower case. Plus-tags, dots, quoted and encoded-word local parts are kept: they may
    be different mailboxes.

    :param reported: any text.
    :returns: at most 320 characters, with an ASCII domain; None: no ``@``, an empty side, a control character, a space
        of any kind, an invisible character, a curly double quotation mark or one of ``,;:<>()[]\\@`` outside quotes in
        the local part, several addresses, over 1,000 characters with its name or over 320 without, or a domain that
        can't exist.
    """
    if _ORDINARY.fullmatch(reported) and len(reported) <= MAX_DOMAIN_CHARACTERS:
        key = reported.lower()
        if "xn--" not in key:
            return key
    address = _unwrap(reported) if len(reported) <= MAX_REPORTED_CHARACTERS else None
    if address is None or len(address) > MAX_ADDRESS_CHARACTERS or _CONTROL.search(address):
        return None
    local, at, domain = address.rpartition("@")
    if not at or not local or _SPECIAL.search(without_quoted(local)):
        return None
    ascii_domain = _ascii_domain(domain.removesuffix("."))
    if ascii_domain is None:
        return None
    key = f"{local.translate(_LOWER)}@{ascii_domain}"
    return key if len(key) <= MAX_ADDRESS_CHARACTERS else None


def domain_of(key: str) -> str:
    """Return the domain of an address key."""
    return key.rpartition("@")[2]


def is_key(address: str) -> bool:
    """Tell whether a recorded key is one by the rules of today; keys of earlier rules may be none."""
    return address_key(address) == address


def split_addresses(reported: str) -> list[str]:
    """Return the addresses that one text names, separated by commas or semicolons outside quotes.

    :param reported: any text; one that is an address is not parted: a name may hold a comma.
    :returns: at least one text; those that are no addresses as well, blank ones only where there is nothing else.
    """
    if address_key(reported) is not None:
        return [reported]
    return [part for part in _ONE_OF_SEVERAL.findall(reported) if part.strip(_ENDS)] or [reported]


def name_before(reported: str) -> str:
    """Return what stands before the address in angle brackets; empty where there are none."""
    address = reported.strip(_ENDS)
    angle = _ANGLE.search(address) if address.endswith(">") else None
    return address[: angle.start()] if angle else ""


def _unwrap(reported: str) -> str | None:
    """Return the address without its name and type; None: there are several."""
    address = reported.strip(_ENDS)
    if address.endswith(">") and (angle := _ANGLE.search(address)):
        name = without_quoted(address[: angle.start()])
        if "<" in name or ">" in name or ("@" in name and ("," in name or ";" in name)):
            return None
        address = angle[1].strip(_ENDS)
    if named := _ADDRESS_TYPE.match(address):
        address = address[named.end() :]
    return address


def without_quoted(text: str) -> str:
    """Return a text without its quoted strings; one that is never closed stays."""
    return _QUOTED.sub(lambda found: "" if found[1] is None else found[0], text) if '"' in text else text


# International ones cost up to a millisecond, and a list is gone through more than once.
@functools.lru_cache(maxsize=20_000)
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
