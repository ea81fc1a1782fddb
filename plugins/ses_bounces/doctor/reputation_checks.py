"""Whether SES sends for each identity and configuration set in use: one may be paused while the account is not.

API: Amazon SES API v2 Reference, GetReputationEntity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_bounces.base.aws.clients import Place, explained
from ses_bounces.base.aws.errors import code_of
from ses_bounces.doctor.clients import Clients
from ses_bounces.doctor.finding import Findings
from ses_bounces.ledger.figures.sends import names_in_use

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

_UNKNOWN = ("NotFoundException", "BadRequestException")
_KINDS = {"identity": "identity", "configuration_set": "configuration-set"}


def check_reputation(findings: Findings, connection: Connection, clients: Clients, place: Place, region: str) -> None:
    """Look at the identities and configuration sets that bounces of the last 30 days name.

    Of an identity only the domain is known here: one that is an address is looked at by no name.
    """
    sesv2 = clients.get("sesv2", place)
    if not hasattr(sesv2, "get_reputation_entity"):
        found = "The installed botocore does not know GetReputationEntity; a later one does."
        findings.ok("reputation", region, found)
        return
    arn = f"arn:{sesv2.meta.partition}:ses:{region}:{clients.account(place)}"
    with findings.trying("reputation", region, needed=False):
        looked_at = 0
        for dimension, kind in _KINDS.items():
            for name in names_in_use(connection, dimension):
                clients.pace.wait()
                entity = _entity(sesv2, f"{arn}:{kind}/{name}", f"{kind} {name}")
                if entity is not None:
                    looked_at += 1
                    _tell(findings, f"{region}: {kind} {name}", entity)
        findings.ok("reputation", region, f"{looked_at} identities and configuration sets in use were looked at.")


def _entity(sesv2: Any, reference: str, what: str) -> dict[str, Any] | None:
    """Return what SES says of a resource; None: it has no such resource in this region."""
    from botocore.exceptions import ClientError

    with explained("ses:GetReputationEntity", what):
        try:
            answer = sesv2.get_reputation_entity(ReputationEntityType="RESOURCE", ReputationEntityReference=reference)
        except ClientError as error:
            if (code_of(error) or "").rpartition("#")[2].rpartition(".")[2] in _UNKNOWN:
                return None
            raise
    entity: dict[str, Any] = answer.get("ReputationEntity", {})
    return entity


def _tell(findings: Findings, subject: str, entity: dict[str, Any]) -> None:
    if entity.get("SendingStatusAggregate") == "DISABLED":
        by_ses = entity.get("AwsSesManagedStatus", {}).get("Status") == "DISABLED"
        findings.add(
            "reputation", subject, "critical",
            f"Its sending is paused by {'SES' if by_ses else 'your account'}, though the account's is not.",
            "No mail of it goes out.",
            "See its reputation in the SES console, which names the cause; then have it reinstated there.",
        )  # fmt: skip
    elif entity.get("ReputationImpact") == "HIGH":
        findings.add(
            "reputation", subject, "warning", "SES says that its findings have a high impact on reputation.",
            "SES may pause it.", "See its reputation in the SES console, and the page Figures for where it hurts.",
        )  # fmt: skip
    else:
        findings.ok("reputation", subject, "SES sends for it.")
