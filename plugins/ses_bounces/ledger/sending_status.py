"""What SES says of sending itself, kept among the doctor's findings: the overview shows it as soon as it is read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ses_bounces.base.database.statements import statement
from ses_bounces.classify.entry import SendingStatus

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_DISABLED = (
    "critical",
    "SES said that it has stopped sending (Sending Status Disabled).",
    "Mail of yours does not go out.",
    "See the SES console: AWS says there what it wants done. The alarm ends when SES says that it sends again, or "
    "after 14 days.",
)
_ENABLED = ("ok", "SES said that it sends (Sending Status Enabled).", "", "")


def note_sending(connection: Connection, statuses: Iterable[SendingStatus]) -> None:
    """Keep the last word of each subject, in whatever order they are read."""
    last: dict[str, SendingStatus] = {}
    for status in statuses:
        before = last.get(status.subject)
        if before is None or (before.at or _LONG_AGO) <= (status.at or _LONG_AGO):
            last[status.subject] = status
    if not last:
        return
    words = [_ENABLED if status.is_enabled else _DISABLED for status in last.values()]
    severities, founds, meanings, todos = (list(column) for column in zip(*words, strict=True))
    connection.execute(
        statement("ledger/note_sending_status"),
        {
            "subjects": list(last),
            "severities": severities,
            "founds": founds,
            "meanings": meanings,
            "todos": todos,
            "said": [status.at for status in last.values()],
        },
    )
