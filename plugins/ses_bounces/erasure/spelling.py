"""Where a text or a message body spells an address, and the same without it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

import idna

from ses_bounces.address import address_key

# What stands where an address stood within a text.
ERASED = "[erased]"
# What stands where nothing of a body could be kept; it is no event of SES.
NOTHING = '{"erased": true}'

_AT = "(?:@|%40|&#64;|&commat;|\\\\+u0040)"
# Before an address: no character of one (a quotation mark or so, = and / part words more often than not), unless it
# ends an escape of JSON or of a URL.
_OF_ONE = "[a-z0-9.!#$%&+?^_{|}~-]"
_BEFORE = (
    f"(?:(?<!{_OF_ONE})(?<!{_OF_ONE}['`*])"
    "|(?<=\\\\[nrtbf])|(?<=%[0-9a-f][0-9a-f])|(?<=\\\\u[0-9a-f][0-9a-f][0-9a-f][0-9a-f]))"
)
# VERP: bounces+anna=example.com@lists.example.org
_BEFORE_VERP = "(?<![a-z0-9.])"
_BEHIND = "(?![a-z0-9-]|\\.[a-z0-9])"
_TOKEN = re.compile(r"[^\s\"'<>(),;:\\\[\]{}@|&]+@[^\s\"'<>(),;:\\\[\]{}@|&%=/?]+")
_ESCAPED = re.compile(r"\\+u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}|&#")
_VERP = re.compile(r"([^\s\"'<>(),;:\\@=]+)=([a-zA-Z0-9.-]+\.[a-zA-Z]{2,})")
# Of a mail that names the address: names, subjects, and whatever the sender noted.
_OF_A_MAIL = ("headers", "commonHeaders", "tags")
_OF_A_RECIPIENT = ("emailAddress", "action", "status")


def tokens(texts: Iterable[str]) -> set[str]:
    """Return the keys of whatever in some texts may be an address; bodies of JSON are read as well."""
    found: set[str] = set()
    for text in texts:
        parts = [text, *(leaves(text) if _ESCAPED.search(text) else ())]
        for part in [*parts, *(unquote(part) for part in parts if "%" in part)]:
            for token in _TOKEN.findall(part):
                for spelled in (token, token.strip(".'`"), token.rpartition("=")[2], token.rpartition("/")[2]):
                    found.add(spelled)
            found.update(f"{local}@{domain}" for local, domain in _VERP.findall(part))
            found.update(
                f"{local[place:]}@{domain}"
                for local, domain in _VERP.findall(part)
                for place in (index + 1 for index, character in enumerate(local) if character in "+-")
            )
    return {key for spelled in found if (key := address_key(spelled)) is not None}


class Spelling:
    """The ways in which texts spell one address."""

    def __init__(self, key: str) -> None:
        """:param key: the address key."""
        self.key = key
        self.local, _, self.domain = key.rpartition("@")
        domains = {self.domain, _unicode(self.domain), _percent(_unicode(self.domain))}
        # In a URL, and in JSON within JSON within JSON.
        locals_ = {self.local, _percent(self.local), *_escaped(self.local)}
        local = "|".join(re.escape(text) for text in sorted(locals_))
        domain = "|".join(re.escape(text) for text in sorted({*domains, *(x for d in domains for x in _escaped(d))}))
        #: For both Python's ``re`` and Postgres's ``~*``.
        self.pattern = f"(?:{_BEFORE}(?:{local}){_AT}(?:{domain})|{_BEFORE_VERP}(?:{local})=(?:{domain})){_BEHIND}"
        self._compiled = re.compile(self.pattern, re.IGNORECASE)

    def is_in(self, text: str | None) -> bool:
        """Tell whether a text or the body of a message spells the address."""
        if not text:
            return False
        if self._compiled.search(text):
            return True
        return bool(_ESCAPED.search(text)) and any(self._compiled.search(part) for part in leaves(text))

    def erase(self, text: str | None) -> str | None:
        """Return a text without the address."""
        return self._compiled.sub(ERASED, text) if text else text

    def rewrite(self, body: str | None, name: str) -> str:
        """Return the body of a message that says the same of others, and has ``name`` as this recipient."""
        if body is None:
            return NOTHING
        if not self.is_in(body):
            return body
        try:
            written = self._text(body, name)
        except RecursionError:
            return NOTHING
        return NOTHING if self.is_in(written) else written

    def _text(self, text: str, name: str) -> str:
        if text.lstrip()[:1] in ("{", "["):
            try:
                loaded = json.loads(text)
            except ValueError:
                pass
            else:
                return json.dumps(self._node(loaded, name), ensure_ascii=False)
        return name if address_key(text) == self.key else self._compiled.sub(ERASED, text)

    def _node(self, node: Any, name: str) -> Any:
        if isinstance(node, str):
            return self._text(node, name)
        if isinstance(node, list):
            return [self._node(item, name) for item in node]
        if isinstance(node, dict):
            if self._is_key(node.get("emailAddress")):
                return {key: node[key] for key in _OF_A_RECIPIENT if key in node} | {"emailAddress": name}
            if "destination" in node and self.is_in(json.dumps(node["destination"])):
                node = {key: value for key, value in node.items() if key not in _OF_A_MAIL}
            return {self._compiled.sub(ERASED, key): self._node(value, name) for key, value in node.items()}
        return node

    def _is_key(self, text: Any) -> bool:
        return isinstance(text, str) and address_key(text) == self.key


def leaves(text: str) -> list[str]:
    """Return the texts within a body of JSON, also of JSON within it; none where it is no JSON."""
    found: list[str] = []
    waiting: list[Any] = [text]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += [*node.keys(), *node.values()]
        elif isinstance(node, list):
            waiting += node
        elif isinstance(node, str):
            found.append(node)
            if node.lstrip()[:1] in ("{", "["):
                try:
                    waiting.append(json.loads(node))
                except (ValueError, RecursionError):
                    continue
    return found


def _unicode(domain: str) -> str:
    try:
        return idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return domain


def _percent(text: str) -> str:
    return quote(text, safe="")


def _escaped(text: str) -> set[str]:
    once = json.dumps(text)[1:-1]
    twice = json.dumps(once)[1:-1]
    kept = json.dumps(text, ensure_ascii=False)[1:-1]
    return {once, twice, kept, json.dumps(kept, ensure_ascii=False)[1:-1]}
