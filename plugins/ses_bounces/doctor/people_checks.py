"""What the people table tells: is it as the settings say, and can everybody in it be found at their address?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_bounces.base.database.key_indexes import stale
from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.settings import Settings
from ses_bounces.doctor.finding import Findings
from ses_bounces.people.table import People

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def check_people(findings: Findings, connection: Connection, settings: Settings) -> None:
    """Look at the people table.

    :param connection: autocommit.
    """
    _check_indexes(findings, connection)
    if settings.people_table is None:
        findings.ok("people table", "", "people_table is not set: nobody's Allow Group Email is touched.")
        return
    try:
        People(connection, settings)
    except SettingsError as error:
        findings.add(
            "people table", "", "critical", str(error),
            "Nobody's Allow Group Email is switched off or on until then.", "Correct the table or the settings.",
        )  # fmt: skip
    else:
        findings.ok("people table", "", f"{settings.people_table} is as the settings say.")
    _check_emails(findings, connection, settings)


def _check_indexes(findings: Findings, connection: Connection) -> None:
    for index in stale(connection):
        findings.add(
            "people index", index.name, "warning", f"{index}.",
            "It may miss people, so it is not used: the whole table is read for each chunk of changed addresses.",
            f"Run `{index.rebuild.as_string(connection)}` as its owner.",
        )  # fmt: skip


def _check_emails(findings: Findings, connection: Connection, settings: Settings) -> None:
    row = connection.execute("SELECT s.people_unreadable FROM ses_bounces.setting s").fetchone()
    count = row[0] if row else None
    if count:
        findings.add(
            "people emails", "", "warning",
            f"The email of {count:,} people in {settings.people_table} is no address, or is several.",
            "They are found at no blocked address: their Allow Group Email is never switched off.",
            f"Correct them: WHERE {settings.people_email_column} <> '' AND "
            f"ses_bounces.address_key({settings.people_email_column}::text) IS NULL. The log of "
            "sync_allow_group_email has their ids, once a day.",
        )  # fmt: skip
    elif count is None:
        findings.ok("people emails", "", "They were not read yet.")
    else:
        findings.ok("people emails", "", "Everybody's email can be read.")
