"""One message of the sample, with what it must lead to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

SIMULATOR = "simulator.amazonses.com"

Way = Literal["sns", "queue", "dead_letter_queue"]


@dataclass(frozen=True)
class Item:
    """One message and what it must lead to.

    `blocks` names the reason by address, `opens` the time of the bounce of each address that must be on the bounce
    list as transient. An address that a later item settles otherwise is in neither.
    """

    name: str
    way: Way
    body: str
    outcome: str = "applied"
    blocks: Mapping[str, str] = field(default_factory=dict)
    opens: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Mail:
    """One mail to the mailbox simulator, and the messages and blocks that the emulator's SES must make of it.

    Of the simulator's addresses the emulator knows bounce, complaint (a delivery and a complaint) and
    suppressionlist; to any other it delivers. Real SES also answers for ooto: that answer is among the hand-written.
    """

    to: Sequence[str]
    messages: int
    blocks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Expected:
    """What must be there when all was drained: pairs of address and reason, addresses, and messages by outcome."""

    blocked: frozenset[tuple[str, str]]
    transient: frozenset[str]
    outcomes: Mapping[str, int]


def simulator(local: str) -> str:
    """An address of SES's mailbox simulator."""
    return f"{local}@{SIMULATOR}"
