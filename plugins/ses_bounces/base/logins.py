"""Logins and passwords that stand in URLs."""

from __future__ import annotations

import re

_LOGIN = re.compile(r"//[^/@\s\"]+@")


def without_logins(text: str) -> str:
    """Return a text with what stands before the @ of its URLs left out: a password may be there."""
    return _LOGIN.sub("//…@", text)
