"""A received message as a person can read it: indented, and what is JSON within JSON decoded."""

from __future__ import annotations

import json
from typing import Any

# SNS in SQS in a Lambda event: what is nested more deeply stays the text that it is.
_DEPTH = 4


def readable(body: str) -> str | None:
    """Return a JSON body indented, with the JSON texts in it decoded; None: it is no JSON object or list."""
    try:
        found = json.loads(body)
        if not isinstance(found, dict | list):
            return None
        text = json.dumps(_decoded(found, _DEPTH), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    # A lone surrogate is none of UTF-8's characters.
    return text.encode("utf-8", "backslashreplace").decode()


def _decoded(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {key: _decoded(item, depth) for key, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item, depth) for item in value]
    if isinstance(value, str) and depth and value.lstrip()[:1] == "{":
        try:
            inner = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return _decoded(inner, depth - 1)
    return value
