"""The table `people`, as another application might have it, with people at the sample's addresses."""

import re
from collections.abc import Collection
from typing import NamedTuple

import psycopg

from dev import sample
from dev.history import FIRST_NAMES, LAST_NAMES

TABLE = "public.people"
COUNT = 400
# One person in this many has an address written in another case than SES reports it in.
SPELLED_DIFFERENTLY = 5
SHARED_ADDRESS = "twice@harbour.example"
ALREADY_OFF = "raw@harbour.example"

_CREATE = f"""
CREATE TABLE {TABLE} (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    email text,
    allow_group_email boolean NOT NULL DEFAULT true
)
"""


class Person(NamedTuple):
    """A row of the table."""

    id: int
    name: str
    email: str
    allow_group_email: bool


def people() -> list[Person]:
    """The people as the table has them at first: two of them share an address, and one is switched off already."""
    emails = [*sorted(sample.addresses()), SHARED_ADDRESS]
    firsts, lasts = FIRST_NAMES.split(), LAST_NAMES.split()
    for number in range(COUNT - len(emails)):
        emails.append(f"{firsts[number % len(firsts)]}.{lasts[number % len(lasts)]}{number}@example.org")
    found = []
    for number, email in enumerate(emails):
        name = " ".join(re.findall("[a-z]+", email.partition("@")[0])).title()
        spelled = email.title() if number % SPELLED_DIFFERENTLY == 0 else email
        found.append(Person(number + 1, name, spelled, email != ALREADY_OFF))
    return found


def switched_off(blocked: Collection[str]) -> set[int]:
    """The ids of the people who must have group email off when these addresses (keys) are blocked."""
    return {person.id for person in people() if not person.allow_group_email or person.email.lower() in blocked}


def create(url: str) -> bool:
    """Makes and fills the table in the database at a libpq URI; False, and no change, if it is there."""
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass(%s)", [TABLE]).fetchone() != (None,):
            return False
        connection.execute(_CREATE)
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {TABLE} FROM STDIN") as copy,
        ):
            for person in people():
                copy.write_row(person)
    return True
