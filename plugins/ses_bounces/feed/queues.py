"""The queues of the settings, as functions in SQL know them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def mirror_queues(connection: Connection, queue_urls: Iterable[str]) -> None:
    """Note which queues are awaited before a deadline is acted upon; one that left the settings is no longer awaited.

    :param connection: autocommit.
    """
    queues = {"queue_urls": list(queue_urls)}
    with quiet():
        connection.execute(statement("feed/mirror_queues"), queues)
        connection.execute(statement("feed/forget_queues"), queues)
