"""What SES says through EventBridge of sending itself: *Sending Status Disabled* and *Enabled*.

Field reference: Amazon EventBridge Events Reference, "Amazon Simple Email Service events".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from ses_bounces.classify.entry import SendingStatus
from ses_bounces.classify.provenance import published
from ses_bounces.classify.rules import SENDING_DISABLED, SENDING_ENABLED
from ses_bounces.classify.structs import Node
from ses_bounces.classify.unwrapping import Event, Problem

_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}")
# The end of an ARN, like "configuration-set/news"; an identity may be an address, and is then not named.
_RESOURCE = re.compile(r"(?:identity|tenant|configuration-set)/[A-Za-z0-9_./-]{1,100}")


def sending_statuses(items: Iterable[Event | Problem], sent_at: datetime | None) -> tuple[SendingStatus, ...]:
    """Return what events say of sending; most say nothing.

    :param sent_at: when SQS got them (aware).
    """
    return tuple(
        SendingStatus(_subject(item.content), item.type == SENDING_ENABLED, published(item, sent_at))
        for item in items
        if isinstance(item, Event) and item.type in (SENDING_DISABLED, SENDING_ENABLED)
    )


def _subject(node: Node) -> str:
    region = node.region if node.region and _REGION.fullmatch(node.region) else "a region that is not named"
    first = next(iter(node.resources or ()), "")
    resource = first.split(":", 5)[-1]
    return f"{region}, {resource}" if _RESOURCE.fullmatch(resource) else region
