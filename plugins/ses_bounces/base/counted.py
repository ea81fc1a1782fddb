"""Numbers with what they count, in the words of logs and messages."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return ``1 message``, ``1,234 messages``; ``many``: where it is not ``one`` with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
