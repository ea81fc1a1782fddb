"""Which addresses a text may spell, as address keys. The time grows linearly with the length of the text.

Every ``@`` is looked at, and every ``=`` that has a dot near it, with a bounded number of characters on both sides; a
text without them costs one search. Escapes of JSON, URLs, HTML and quoted-printable are undone first, and so are the
Unicode forms that a reader takes for the same letters.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import msgspec

from ses_bounces.classify.address import MAX_ADDRESS_CHARACTERS, MAX_DOMAIN_CHARACTERS, address_key
from ses_bounces.classify.fitting import without_escaped_surrogates, without_surrogates

# What no unquoted part of an address holds.
_PARTS = r"\s\"<>(),;:\\\[\]{}|&@"
_LOCAL = re.compile(rf"[^{_PARTS}]{{1,{MAX_ADDRESS_CHARACTERS}}}")
_OF_DOMAIN = rf"[^{_PARTS}%=/?#!'`*]"
_DOMAIN = re.compile(rf"{_OF_DOMAIN}{{1,{MAX_DOMAIN_CHARACTERS + 1}}}")
_LAST_PART = re.compile(rf"[^{_PARTS}=]{{1,{MAX_ADDRESS_CHARACTERS}}}")
# Each begins with a literal character, and refuses within the search what can be no address.
_AT = re.compile(f"@(?={_OF_DOMAIN})")
_VERP = re.compile(rf"=(?=[^{_PARTS}%=/?#!'`*.]{{0,{MAX_DOMAIN_CHARACTERS}}}\.)")
_SRS_BACKWARDS = re.compile(rf"=(?=[^{_PARTS}=.]{{0,{MAX_ADDRESS_CHARACTERS}}}\.)")
# Longest quoted local part that is looked for.
_QUOTED_CHARACTERS = 66
# Behind one of these an address may begin: a URL's path, a parameter, a quotation mark.
_BEGINS = re.compile(r"['`*=/!]")
# VERP: bounces+anna=example.com@lists.example.org
_BEGINS_VERP = re.compile(r"[^\w.]|_")
# Places before one @ where an address may begin. More find stranger local parts, and cost more for each @.
_MOST_BEGINNINGS = 8
# Microsoft's name of a guest: anna_example.com#EXT#@tenant.example
_GUEST = re.compile(r"#ext#$", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
# Both begin with a literal character, which is searched for fast.
_JSON_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_BACKSLASHES = re.compile(r"\\{2,}")
_URL_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")
# Different escapes that are replaced one after the other, at 1 ms each for a megabyte; more of them are undone at once.
_FEW_ESCAPES = 40
_JSON_SPACE = re.compile(r"\\[nrtbf](?![a-zA-Z]:)")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
# Without one of these there is no @ or = in a text, nor an escape of one.
_SIGN = re.compile(r"[@=\\%&\x80-\U0010ffff]")
# JSON in a URL in HTML.
_MOST_ESCAPES = 3


def keys_in(text: str | None) -> set[str]:
    """Return the keys of whatever in a text, or in the body of a message, may be an address."""
    found: set[str] = set()
    seen: set[tuple[str, str, str]] = set()
    for reading in _readings("\n".join(dict.fromkeys(leaves(text)))) if text else ():
        _collect(reading, seen, found)
    return found


def leaves(text: str) -> list[str]:
    """Return the texts within a body of JSON, also of JSON within it; the text itself where it is no JSON.

    A text of JSON that holds no sign of an address is left out.
    """
    found: list[str] = []
    waiting = [text]
    while waiting:
        leaf = waiting.pop()
        inside = _strings(leaf) if leaf.lstrip()[:1] in ("{", "[") else None
        if inside is None:
            found.append(leaf)
        else:
            waiting += inside
    return found


def _strings(text: str) -> list[str] | None:
    """Return the strings of a JSON text that may be of an address, names among them; None: it is no JSON."""
    if not _is_json(text):
        # A lone surrogate is of no address, and msgspec refuses it.
        text = without_escaped_surrogates(text) if "\\ud" in text.lower() else without_surrogates(text)
        if not _is_json(text):
            return _strings_of_a_tree(text)
    # One by one, and not by name: of names that come twice a dict would keep one.
    return [json.loads(string) for string in dict.fromkeys(_STRING.findall(text)) if _SIGN.search(string)]


def _is_json(text: str) -> bool:
    try:
        # Nothing is built: a megabyte of brackets would be a tree of half a million lists.
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _strings_of_a_tree(text: str) -> list[str] | None:
    """The same of what msgspec refuses and Python's decoder takes, like NaN."""
    try:
        waiting: list[Any] = [json.loads(text, object_pairs_hook=tuple)]
    except (ValueError, RecursionError):
        return None
    found = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, (list, tuple)):
            waiting += node
        elif isinstance(node, str):
            found.append(node)
    return found


def _readings(text: str) -> Iterator[str]:
    """Yield a text as it stands, and with its escapes undone."""
    reading = text
    yield reading
    for _ in range(_MOST_ESCAPES):
        undone = _undo(reading)
        if undone == reading:
            break
        yield undone
        reading = undone
    if not reading.isascii():
        plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", reading))
        yield from {plain, plain.lower()} - {reading}


def _undo(text: str) -> str:
    if "\\" in text:
        # JSON within JSON doubles them: any number of them escapes the same.
        text = _BACKSLASHES.sub(r"\\", text)
        text = _JSON_SPACE.sub(" ", _JSON_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text))
    if "%" in text:
        text = _unquote(text)
    if "&" in text:
        text = html.unescape(text)
    return text.replace("=40", "@")


def _unquote(text: str) -> str:
    escapes = set(_URL_ESCAPE.findall(text))
    if len(escapes) > _FEW_ESCAPES or any(escape[1] in "89abcdefABCDEF" for escape in escapes):
        return unquote(text)
    # The percent sign last: what it escapes is the next round's.
    for escape in sorted(escapes, key=lambda escape: escape == "%25"):
        text = text.replace(escape, chr(int(escape[1:], 16)))
    return text


def _collect(text: str, seen: set[tuple[str, str, str]], found: set[str]) -> None:
    if "@" not in text and "=" not in text:
        return
    # Reversed, the part before is matched from its end: a search for it would read it once for each character.
    backwards = text[::-1]
    for place, separator in _separators(text, backwards):
        behind = _DOMAIN.match(text, place + 1)
        if behind is None:
            continue
        # What stands before a = is read back to the = before it, and no further.
        before = (_LOCAL if separator == "@" else _LAST_PART).match(backwards, len(text) - place)
        local = before[0][::-1] if before else _quoted(text, place)
        part = (local, separator, behind[0])
        if local and part not in seen:
            seen.add(part)
            for spelled in _addresses(*part):
                key = address_key(spelled)
                if key is not None:
                    found.add(key)
                    if not key.isascii():
                        found.add(unicodedata.normalize("NFC", key))
                        found.add(unicodedata.normalize("NFD", key))


def _separators(text: str, backwards: str) -> Iterator[tuple[int, str]]:
    """Yield each place that may part an address, and its character; one place may come twice."""
    for found in _AT.finditer(text):
        yield found.start(), "@"
    for found in _VERP.finditer(text):
        yield found.start(), "="
    for found in _SRS_BACKWARDS.finditer(backwards):
        yield len(text) - found.end(), "="


def _quoted(text: str, place: int) -> str:
    """Return the quoted local part that ends before a place; empty where there is none."""
    if text[place - 1 : place] != '"':
        return ""
    begins = text.rfind('"', max(0, place - _QUOTED_CHARACTERS), place - 1)
    return text[begins:place] if begins >= 0 else ""


def _addresses(local: str, separator: str, domain: str) -> Iterator[str]:
    """Yield what the text around an ``@`` or ``=`` may mean."""
    domain = domain.rstrip(".-_~")
    if separator == "=":
        yield from (f"{name}@{domain}" for name in _ends(local, _BEGINS_VERP) if "." in domain)
        # SRS: SRS0=hash=day=example.com=anna@forwarder.example
        if "." in local:
            yield f"{domain}@{local}"
        return
    for name in _ends(local, _BEGINS):
        yield f"{name}@{domain}"
    if "%" in local:
        name, _, relayed = local.rpartition("%")
        yield f"{name}@{relayed}"
    if "!" in local:
        path, _, name = local.rpartition("!")
        yield f"{name}@{path.rpartition('!')[2]}"
    if _GUEST.search(local):
        guest = local[: -len("#ext#")]
        for sign in "_#":
            name, is_there, home = guest.rpartition(sign)
            if is_there:
                yield f"{name}@{home}"


def _ends(local: str, begins: re.Pattern[str]) -> Iterator[str]:
    """Yield a local part, and those ends of it that may be one."""
    yield local
    stripped = local.lstrip(".'`*")
    if stripped != local:
        yield stripped
    places = [found.end() for found in begins.finditer(local)]
    for place in places[-_MOST_BEGINNINGS:]:
        yield local[place:]
