"""A message as it landed."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Message(msgspec.Struct, frozen=True, gc=False):
    """A landed message; times are aware."""

    message_id: int
    received_at: datetime
    sent_at: datetime
    event_type: str | None
    body: str
