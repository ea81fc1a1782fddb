"""What a server said, without addresses, so that it may be logged, and counted."""

from __future__ import annotations

import re

from ses_bounces.ledger.erased.candidates import keys_in

MAX_DIAGNOSTIC_CHARACTERS = 200

_PARTS = r"\s<>()\[\]{}\"',;:="
# From the beginning of a word only, so that each word is read once.
_ADDRESS = re.compile(rf"(?<![^{_PARTS}])[^{_PARTS}@]+@[^\s<>()\[\]{{}}\"',;]+")
_WORD = re.compile(r"[^\s<>\"(),;\[\]{}']+")
# A domain ends with letters: a version or an address of IPv4 doesn't.
_DOMAIN = re.compile(r"\.[^\W\d_][^.]+$")
# A server's answers differ in session ids and times.
_RUN = re.compile(r"[\w.-]+")
_NUMBER = re.compile(r"\b\d{5,}\b")
_LETTER, _DIGIT = re.compile("[A-Za-z]"), re.compile(r"\d")
_ID_CHARACTERS = 10
_SPACE = re.compile(r"\s+")


def masked(diagnostic: str | None, address: str = "") -> str:
    """Return what a server said, without addresses and without what differs in every answer."""
    text = _SPACE.sub(" ", diagnostic or "").strip()
    if _spells_an_address(text):
        text = _WORD.sub(lambda word: "‹address›" if _spells_an_address(word[0]) else word[0], text)
    # One at a host without a dot.
    text = _ADDRESS.sub("‹address›", text)
    local = address.rpartition("@")[0]
    if len(local) > 1:
        text = re.sub(rf"(?<![^\W_]){re.escape(local)}(?![^\W_])", "‹address›", text, flags=re.IGNORECASE)
    return _RUN.sub(_masked_run, text)[:MAX_DIAGNOSTIC_CHARACTERS]


def _spells_an_address(text: str) -> bool:
    return any(_DOMAIN.search(key) for key in keys_in(text))


def _masked_run(found: re.Match[str]) -> str:
    run = found[0]
    begins = re.search(r"\w", run)
    if begins and len(run) - begins.start() >= _ID_CHARACTERS and _LETTER.search(run) and _DIGIT.search(run):
        return f"{run[: begins.start()]}…"
    return _NUMBER.sub("…", run)
