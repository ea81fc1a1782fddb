"""Where a text or a message body spells an address, and the same without it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import idna

from ses_bounces.classify.address import address_key
from ses_bounces.ledger.erased.candidates import keys_in

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
_WORD = re.compile(r"[^\s\"<>]+")
# Fields of a mail that may name the person: names, subjects, and whatever the sender noted.
_OF_A_MAIL = ("headers", "commonHeaders", "tags")
# Places of a JSON text that is taken apart. No event of SES has as many; of one that has, only the addresses go.
_MOST_PLACES = 20_000
_OF_A_RECIPIENT = ("emailAddress", "action", "status")


class Spelling:
    """The ways in which texts spell one address."""

    def __init__(self, key: str) -> None:
        """:param key: the address key."""
        self.key = key
        self.local, _, self.domain = key.rpartition("@")
        domains = {self.domain, _unicode(self.domain), _percent(_unicode(self.domain))}
        # In a URL, and in JSON within JSON within JSON.
        locals_ = {self.local, _percent(self.local), *_escaped(self.local)}
        self._begins = sorted({text.lower() for text in locals_})
        local = "|".join(re.escape(text) for text in sorted(locals_))
        domain = "|".join(re.escape(text) for text in sorted({*domains, *(x for d in domains for x in _escaped(d))}))
        # The spellings that are usual: of these a text loses no more than the address.
        self._usual = re.compile(
            f"(?:{_BEFORE}(?:{local}){_AT}(?:{domain})|{_BEFORE_VERP}(?:{local})=(?:{domain})){_BEHIND}", re.IGNORECASE
        )

    def is_in(self, text: str | None) -> bool:
        """Tell whether a text or the body of a message spells the address, in whatever way."""
        return bool(text) and self.key in keys_in(text)

    def erase(self, text: str | None) -> str | None:
        """Return a text without the address; without the word that spells it in an unusual way."""
        if not text or not self.is_in(text):
            return text
        text = self._without_usual(text)
        if self.is_in(text):
            text = _WORD.sub(lambda word: ERASED if self.is_in(word[0]) else word[0], text)
        return ERASED if self.is_in(text) else text

    def _without_usual(self, text: str) -> str:
        # Searching for the local part as text is ten times as fast as trying the expression at each character.
        lowered = text.lower()
        if len(lowered) != len(text):
            return self._usual.sub(ERASED, text)
        kept: list[str] = []
        last = 0
        for place in sorted({place for begin in self._begins for place in _places(lowered, begin)}):
            if place >= last and (found := self._usual.match(text, place)):
                kept += text[last:place], ERASED
                last = found.end()
        return "".join([*kept, text[last:]])

    def erase_all(self, value: Any) -> Any:
        """Return a value of JSON, or a list of texts, without the address."""
        if isinstance(value, str):
            return self.erase(value)
        if isinstance(value, list):
            return [self.erase_all(item) for item in value]
        if isinstance(value, dict):
            return {self.erase(name) or name: self.erase_all(item) for name, item in value.items()}
        return value

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
        if text.lstrip()[:1] in ("{", "[") and sum(map(text.count, "{[,")) < _MOST_PLACES:
            try:
                loaded = json.loads(text)
            except ValueError:
                pass
            else:
                return json.dumps(self._node(loaded, name), ensure_ascii=False)
        return name if address_key(text) == self.key else self.erase(text) or ""

    def _node(self, node: Any, name: str) -> Any:
        if isinstance(node, str):
            return self._text(node, name)
        if isinstance(node, list):
            return [self._node(item, name) for item in node]
        if isinstance(node, dict):
            if self._is_key(node.get("emailAddress")):
                kept = {key: node[key] for key in _OF_A_RECIPIENT if key in node} | {"emailAddress": name}
                # That there was one tells a failure from an auto-reply.
                return kept | ({"diagnosticCode": ERASED} if node.get("diagnosticCode") else {})
            if "destination" in node and self.is_in(json.dumps(node["destination"])):
                node = {key: value for key, value in node.items() if key not in _OF_A_MAIL}
            return {self.erase(key) or key: self._node(value, name) for key, value in node.items()}
        return node

    def _is_key(self, text: Any) -> bool:
        return isinstance(text, str) and address_key(text) == self.key


def _places(text: str, part: str) -> Iterator[int]:
    place = text.find(part)
    while place >= 0:
        yield place
        place = text.find(part, place + 1)


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
