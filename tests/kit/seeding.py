"""Addresses with a history, for tests of the pages: from messages as SES sends them, by way of the product itself."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.pending import classify_pending
from tests.kit.builders import iso, sns

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

_numbers = itertools.count(1)


def dated(event: dict[str, Any], days_ago: float) -> dict[str, Any]:
    """Date an event and the mail that it is about, and make them ones of their own."""
    moment, number = datetime.now(UTC) - timedelta(days=days_ago), next(_numbers)
    content = event.get("bounce") or event.get("complaint") or event["delivery"]
    content["timestamp"] = iso(moment)
    if "recipients" not in content:
        content["feedbackId"] = f"0102-feedback-{number}"
    event["mail"] |= {"timestamp": iso(moment - timedelta(seconds=5)), "messageId": f"0102-mail-{number}"}
    return event


def receive(connection: Connection, *events: dict[str, Any] | str, rules: Rules | None = None) -> None:
    """Put messages into the raw log as a drain does, and classify them."""
    now = datetime.now(UTC)
    bodies = [event if isinstance(event, str) else json.dumps(sns(event, Timestamp=iso(now))) for event in events]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
            " VALUES ('id', 'http://127.0.0.1:9/000000000000/ses-bounces-queue', %s, %s, 'pending')",
            [(body, now) for body in bodies],
        )
    classify_pending(connection, rules or Rules())


def add_people(connection: Connection, **emails: str) -> None:
    """Add people, by their id after a letter: ``p7="someone@example.com"``."""
    for name, email in emails.items():
        connection.execute("INSERT INTO public.people (id, email) VALUES (%s, %s)", [int(name[1:]), email])


def address_id(connection: Connection, address: str) -> int:
    """The id of an address that is on record."""
    row = connection.execute("SELECT address_id FROM ses_bounces.address WHERE address = %s", [address]).fetchone()
    assert row is not None, "not on record"
    return int(row[0])
