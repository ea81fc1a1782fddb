"""Bounces and complaints of the last weeks: the part of the sample that makes the report worth looking at."""

import json
import random
from datetime import datetime, timedelta

from dev import notifications as make
from dev.item import Item

LENGTH = 120
HISTORY_DAYS = 30
# Transients are younger than their grace period of 14 days, some by hours.
OPEN_DAYS = 13.9
FIRST_NAMES = "ada ben cleo dan elif femi gus hana ivo june kofi lou mina nils olga pau qiu rosa sam tess"
LAST_NAMES = "adler baker costa dunn evans fuchs garcia hale ito jansen keller lund moreau novak okoye"
# Most of the addresses are at the first ones.
DOMAINS = "northwind.example mail.example.com riverside.example post.example.net uni.example office.example.org"
NO_SUCH_USER = ("5.1.1", "550 5.1.1 No such user")
TRANSIENT_SUBTYPES = {
    "General": ("4.4.7", "554 4.4.7 Message expired: unable to deliver in 840 minutes"),
    "MailboxFull": ("5.2.2", "552 5.2.2 Mailbox full"),
    "MessageTooLarge": ("5.3.4", "552 5.3.4 Message too big for system"),
    "CustomTimeoutExceeded": ("4.4.7", "451 4.4.7 Delivery time limit exceeded"),
    "ContentRejected": ("5.7.1", "550 5.7.1 Message content rejected"),
    "AttachmentRejected": ("5.7.1", "552 5.7.1 Attachment type not allowed"),
}


def history(now: datetime) -> list[Item]:
    """Messages dated over the last weeks; the same ones for the same `now` (aware)."""
    chance = random.Random("history")
    firsts, lasts, domains = FIRST_NAMES.split(), LAST_NAMES.split(), DOMAINS.split()
    found = []
    for number in range(LENGTH):
        first, last = firsts[number % len(firsts)], lasts[number % len(lasts)]
        address = f"{first}.{last}{number}@{domains[int(len(domains) * chance.random() ** 2)]}"
        name, draw, age = (
            f"history {number}",
            chance.random(),
            timedelta(days=HISTORY_DAYS * chance.random()),
        )
        if draw < 0.6:
            notification = make.bounce(
                name,
                ("Permanent", "General"),
                [address],
                now - age,
                diagnostic=NO_SUCH_USER,
            )
            found.append(
                Item(
                    name,
                    "sns",
                    json.dumps(notification),
                    blocks={address: "permanent_bounce"},
                )
            )
        elif draw < 0.7:
            notification = make.complaint(name, [address], now - age)
            found.append(Item(name, "sns", json.dumps(notification), blocks={address: "complaint"}))
        else:
            at = now - age * (OPEN_DAYS / HISTORY_DAYS)
            sub_type, diagnostic = chance.choice(list(TRANSIENT_SUBTYPES.items()))
            notification = make.bounce(name, ("Transient", sub_type), [address], at, diagnostic=diagnostic)
            found.append(Item(name, "sns", json.dumps(notification), opens={address: at}))
    return found
