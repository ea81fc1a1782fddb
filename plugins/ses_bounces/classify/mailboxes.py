"""Texts that people write which name one address or several: a pasted line, a cell, what a mailer asks about.

An address that could be read in two ways is not taken: a wrong key would block somebody else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from ses_bounces.classify.address import address_key, domain_of, name_before, without_quoted

# A name is followed by nothing else where a person can see it: marks that copied text has at its ends.
_MARKS = "“”„‟‘’‚‛«»‹›「」『』《》〈〉【】（）、，；。،؛•·…"
_ENDS = " \t\f\v\u00a0\u2007\u202f\u3000\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad" + _MARKS
# Quoted strings whole, a quotation mark that is never closed takes the rest; then what parts addresses.
_PARTS = re.compile(r'((?:"(?:\\.|[^"\\])*+(?:"|\\?\Z)|[^",;\t、，；،؛])++)|([,;\t、，；،؛])', re.DOTALL)
_BEHIND_ANGLE = re.compile(r'(?:"(?:\\.|[^"\\])*+(?:"|\\?\Z)|[^">])*+>|.+\Z', re.DOTALL)
_WRAPPED = re.compile(r"""(["'`])(.*)\1|\[(.*)\]|\((.*)\)""", re.DOTALL)
_COMMENT = re.compile(r"\([^()@]*\)")
# "To: …" and RFC 5322's groups; "sip:…" and "https://…" are no e-mail addresses.
_LABEL = re.compile(r'(?:[^:@<>"/]*:(?=\s)|[^:@<>"/\s]+(?: +[^:@<>"/\s]+)+:(?!/))')
_BLANKS = re.compile(r"[ \t\f\v\u00a0\u2000-\u200a\u202f\u3000]+")
_NAME = re.compile(r"[^@<>]*")
_HAS_SIGNS = re.compile(r"\w")
_INNER_DOT = re.compile(r"\S\.\w")
_KEY_PARTS = re.compile(r'(?:"(?:\\.|[^"\\])*+(?:"|\\?\Z)|[^",;])++', re.DOTALL)
# All of the blanks and the marks above are among what parts them: each address that a person's text names is found.
_KEY_TOKENS = re.compile(
    r'[^ \t\r\n\f\v\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff<>()"\[\]|'
    r"“”„‟‚‛«»‹›「」『』《》〈〉【】（）、，；。،؛•·…]+"
)
_KEY_MARKS = "'‘’`\""


@dataclass
class Mailboxes:
    """What a text names: ``addresses`` as they are written, and how many parts of it are ``unclear``."""

    addresses: list[str] = field(default_factory=list)
    unclear: int = 0


def mailboxes(text: str, tried: Callable[[], None] = lambda: None) -> Mailboxes:
    """Return the addresses of a line or a cell, in their order.

    They may be separated by commas, semicolons, tabs, blanks or a closing angle bracket, have names, also ``Last, First
    <address>``, quotation marks around them, or RFC 5322's comments and groups.

    :param text: any text; one with a line break names nothing.
    :param tried: called for each part; what it raises is raised.
    """
    found = Mailboxes()
    whole = text.strip(_ENDS)
    tried()
    if "\n" in whole or "\r" in whole:
        found.unclear = 1
    elif _is_one(whole):
        found.addresses.append(whole)
    elif whole:
        _read_list(_bare(whole), found, tried)
    if not found.addresses and not found.unclear and text.strip():
        found.unclear = 1
    if found.unclear:
        # "ann@example,com": what stands before the comma looks like an address as well.
        sure = [address for address in found.addresses if "." in domain_of(address_key(address) or "")]
        found.unclear += len(found.addresses) - len(sure)
        found.addresses = sure
    return found


def address_keys(text: str) -> list[str]:
    """Return the keys of all addresses in a text, each once: who asks whether it is blocked asks about each of them.

    The SQL function ``ses_bounces.address_keys`` gives the same; a property test compares them.
    """
    key = address_key(text)
    if key is not None:
        return [key]
    keys: dict[str, None] = {}
    for part in _KEY_PARTS.findall(text):
        key = address_key(part)
        found = (
            [key] if key is not None else [address_key(token.strip(_KEY_MARKS)) for token in _KEY_TOKENS.findall(part)]
        )
        keys.update((one, None) for one in found if one is not None)
    return list(keys)


def _read_list(text: str, found: Mailboxes, tried: Callable[[], None]) -> None:
    """Take what commas and the like part. Pieces without an ``@`` may be the beginning of the name that follows."""
    names: list[str] = []
    parting = ""
    for match in _PARTS.finditer(text):
        part, sign = match[1], match[2]
        if part is None:
            if sign != ",":
                found.unclear += _count(names)
            parting = sign
            continue
        tried()
        piece = part.strip(_ENDS)
        if not _HAS_SIGNS.search(piece):
            continue
        if "@" not in piece:
            names.append(part)
            continue
        addresses = _read_piece(piece, tried)
        if names and not (parting == "," and _ends_a_name(names, piece, addresses)):
            # "ann,smith@example.com" is a slip of the finger: whose address it was to be, nobody knows.
            if parting == "," and part[:1] not in _ENDS and names[-1].strip() == names[-1].lstrip():
                addresses = []
                found.unclear += 1
            found.unclear += _count(names)
        names = []
        found.addresses += addresses
        found.unclear += not addresses
    found.unclear += _count(names)


def _count(names: list[str]) -> int:
    number = len(names)
    names.clear()
    return number


def _ends_a_name(names: list[str], piece: str, addresses: list[str]) -> bool:
    """Tell whether ``Last, First <address>`` ends here: an address that was mistyped is not taken for a name."""
    is_named = len(addresses) == 1 and piece.endswith(">") and not piece.startswith("<")
    return is_named and not any(map(_is_mistyped, names))


def _is_mistyped(name: str) -> bool:
    """Tell whether a part of a name looks like an address without its ``@``: one word with a dot in it."""
    return len(name.split(maxsplit=1)) == 1 and _INNER_DOT.search(name) is not None


def _read_piece(piece: str, tried: Callable[[], None]) -> list[str]:
    """Return the addresses of a piece; none where one of them can't be read."""
    if _is_one_of_several(piece):
        return [piece]
    bare = _bare(_COMMENT.sub(" ", _bare(piece)).strip(_ENDS))
    bare = bare[label.end() :].strip(_ENDS) if (label := _LABEL.match(bare)) else bare
    if _is_one_of_several(bare):
        return [bare]
    angled = [part.strip(_ENDS) for part in _BEHIND_ANGLE.findall(bare)] if ">" in bare else []
    ways = (angled, [_bare(token.strip(_ENDS)) for token in _BLANKS.split(bare)], bare.split("|"))
    for parts in ways:
        parts = [part for part in parts if _HAS_SIGNS.search(part)]
        for _ in parts:
            tried()
        # "ann@example.com <bo@example.com>": the first may be the name of the second.
        is_alike = len({part.startswith("<") or " " in part for part in parts}) == 1
        if is_alike and all(map(_is_one_of_several, parts)):
            return parts
    return []


def _is_one_of_several(text: str) -> bool:
    """Tell whether a part of a text is one address: a quotation mark that is never closed belongs to none of them."""
    return _is_one(text) and '"' not in without_quoted(text)


def _is_one(text: str) -> bool:
    """Tell whether a text is one address for sure: no other address in its name, and no list before it."""
    key = address_key(text)
    if key is None or _has_foreign_sign(key):
        return False
    name = name_before(text)
    if not name:
        return True
    bare = without_quoted(name)
    others = (address_key(token.strip("()[]'\",:;")) for token in _BLANKS.split(bare) if "@" in token)
    pieces = bare.split(",")[:-1]
    return (
        ";" not in bare and not any(other not in (None, key) for other in others) and not any(map(_is_mistyped, pieces))
    )


def _has_foreign_sign(key: str) -> bool:
    """Tell whether a bullet, a dash or an apostrophe that a word processor made stands where no address has one.

    SES sends to no local part beyond ASCII, and no top-level domain has anything but letters, marks and digits.
    """
    local, _, domain = key.rpartition("@")
    top = domain.rpartition(".")[2]
    if top.startswith("xn--"):
        top = top[4:].encode("ascii").decode("punycode")
    return any(
        not sign.isascii() and unicodedata.category(sign) != "Nd" and unicodedata.category(sign)[0] not in "LM"
        for sign in local + top
    )


def _bare(text: str) -> str:
    """Return a text without the quotation marks or brackets around the whole of it."""
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped is None:
        return text
    inner = next(group for group in wrapped.groups()[1:] if group is not None).strip(_ENDS)
    return text if wrapped[1] and wrapped[1] in inner else inner
