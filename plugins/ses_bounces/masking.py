"""What a server said, without addresses, so that it may be logged, and counted."""

from __future__ import annotations

import re

MAX_DIAGNOSTIC_CHARACTERS = 200

_ADDRESS = re.compile(r"[^\s<>()\[\]{}\"',;:=]+@[^\s<>()\[\]{}\"',;]+")
# Session ids, times and the like differ in every answer of a server.
_CHANGING = re.compile(r"\b(?=[\w.-]*\d)(?=[\w.-]*[A-Za-z])[\w.-]{10,}|\b\d{5,}\b")
_SPACE = re.compile(r"\s+")


def masked(diagnostic: str | None, address: str = "") -> str:
    """Return what a server said, without addresses and without what differs in every answer."""
    text = _SPACE.sub(" ", diagnostic or "").strip()
    text = _ADDRESS.sub("‹address›", text)
    local = address.rpartition("@")[0]
    if len(local) > 1:
        text = re.sub(rf"(?<![^\W_]){re.escape(local)}(?![^\W_])", "‹address›", text, flags=re.IGNORECASE)
    return _CHANGING.sub("…", text)[:MAX_DIAGNOSTIC_CHARACTERS]
