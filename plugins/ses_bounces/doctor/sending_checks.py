"""What AWS tells of each account and region that sends: rights, pauses, rates, and whether reports come at all.

API: Amazon SES API v2 Reference, GetAccount; Amazon CloudWatch API Reference, GetMetricStatistics. Thresholds: Amazon
SES Developer Guide, sending review process FAQ (bounce rate 5 % review, 10 % pause; complaint rate 0.1 % and 0.5 %).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ses_bounces.base.aws.clients import Place, explained, places
from ses_bounces.base.exceptions import SesBouncesError
from ses_bounces.base.sites import SETUP, dag_id
from ses_bounces.doctor.clients import Clients
from ses_bounces.doctor.finding import Finding, Findings, Severity
from ses_bounces.doctor.health import Health, ago
from ses_bounces.doctor.identity_checks import check_reports
from ses_bounces.doctor.queue_checks import latest
from ses_bounces.doctor.reputation_checks import check_reputation
from ses_bounces.doctor.rights import try_list
from ses_bounces.doctor.sent_checks import keep_sends
from ses_bounces.feed.senders import lately

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

RATES = (
    ("bounce rate", "Reputation.BounceRate", 0.05, 0.10),
    ("complaint rate", "Reputation.ComplaintRate", 0.001, 0.005),
)
# With deliveries each mail is reported, within minutes; without, one in a hundred or fewer is.
SILENT_HOURS = 24
SILENT_HOURS_WITHOUT_DELIVERIES = 72
MANY_SENT = 1_000
_RATE = re.compile(r"It is (\d+\.\d+)%;")


def check_sending(connection: Connection, clients: Clients) -> Findings:
    """Look at each account and region in which SES sends.

    :param connection: autocommit.
    """
    findings = Findings("sending")
    health = Health.of(connection)
    senders = lately(connection)
    for place in places(clients.settings):
        try:
            sesv2 = clients.get("sesv2", place)
            clients.account(place)
        except SesBouncesError as error:
            name = place.region or place.aws_conn_id or "default"
            findings.add("region", name, "critical", str(error), "Nothing of it can be asked.", "Correct that.")
            continue
        region = sesv2.meta.region_name
        try_list(findings, clients, sesv2, region)
        account = _check_account(findings, clients, sesv2, region)
        sent = None if account is None else float(account.get("SendQuota", {}).get("SentLast24Hours", 0))
        has_vdm = None if account is None else account.get("VdmAttributes", {}).get("VdmEnabled") == "ENABLED"
        deliveries = check_reports(findings, clients, place, region, senders, sent)
        _check_silence(findings, region, sent, health.landed, deliveries)
        _check_rates(findings, clients, place, region)
        keep_sends(findings, connection, clients, place, region, has_vdm)
        check_reputation(findings, connection, clients, place, region)
    return findings


def _check_account(findings: Findings, clients: Clients, sesv2: Any, region: str) -> dict[str, Any] | None:
    """Return what SES says of the account; None: it could not be asked."""
    with findings.trying("account", region, needed=False):
        clients.pace.wait()
        with explained("ses:GetAccount", region):
            account: dict[str, Any] = sesv2.get_account()
        status = account.get("EnforcementStatus", "HEALTHY")
        if not account.get("SendingEnabled", True) or status == "SHUTDOWN":
            findings.add(
                "account", region, "critical", f"Sending is paused ({status}).", "No mail of yours goes out.",
                "See the SES console: AWS says there what it wants done.",
            )  # fmt: skip
        elif status != "HEALTHY":
            findings.add(
                "account", region, "critical", f"AWS is reviewing the account ({status}).",
                "AWS may pause its sending.", "See the SES console, and the Email Blocked Report for the causes.",
            )  # fmt: skip
        elif not account.get("ProductionAccessEnabled"):
            findings.add(
                "account", region, "warning", "The account is in the sandbox.",
                "SES sends to verified addresses only.", "Ask for production access in the SES console.",
            )  # fmt: skip
        else:
            findings.ok("account", region, "Sending is enabled.")
        _check_suppression_reasons(findings, account, region)
        return account
    return None


def _check_suppression_reasons(findings: Findings, account: dict[str, Any], region: str) -> None:
    reasons = set(account.get("SuppressionAttributes", {}).get("SuppressedReasons", []))
    lacking = sorted({"BOUNCE", "COMPLAINT"} - reasons)
    if lacking:
        findings.add(
            "account suppression", region, "warning", f"SES's list does not take: {', '.join(lacking)}.",
            "Reports that are lost in an outage can't come back from it.",
            "Switch both reasons on under Suppression list in the SES console.",
        )  # fmt: skip
    else:
        findings.ok("account suppression", region, "SES's list takes bounces and complaints.")


def _check_silence(findings: Findings, region: str, sent: float | None, landed: float | None, deliveries: bool) -> None:
    if sent is None:
        return
    limit = SILENT_HOURS if deliveries else SILENT_HOURS_WITHOUT_DELIVERIES
    is_silent = landed is None or landed > limit
    if is_silent and sent > (0 if deliveries else MANY_SENT):
        findings.add(
            "feed", region, "critical", f"{sent:.0f} mails were sent in the last day; the last report came "
            f"{ago(landed)}.", "The feed is dead: bounces are not noticed.",
            f"Look at the other findings; then run {dag_id(SETUP)}, which finds and mends what is broken.",
        )  # fmt: skip
    else:
        findings.ok("feed", region, f"{sent:.0f} mails were sent in the last day; the last report came {ago(landed)}.")


def _check_rates(findings: Findings, clients: Clients, place: Place, region: str) -> None:
    with findings.trying("rates", region, needed=False):
        cloudwatch = clients.get("cloudwatch", place)
        for name, metric, review, pause in RATES:
            rate = latest(cloudwatch, "AWS/SES", metric)
            if rate is None:
                findings.ok(name, region, "CloudWatch has none of the last day.")
                continue
            severity: Severity = "critical" if rate >= pause else "warning" if rate >= review else "ok"
            findings.add(
                name, region, severity, f"It is {rate:.2%}; AWS reviews from {review:.1%}, may pause from {pause:.1%}.",
                "AWS may pause the account's sending.",
                "Stop mailing old lists; the Email Blocked Report shows which domains and sources it comes from.",
            )  # fmt: skip


def rate_found(finding: Finding, name: str) -> float | None:
    """Return the rate, from 0 to 1, that a finding of one of ``RATES`` says; None: it says none, or is another."""
    said = _RATE.match(finding.found) if finding.check == name else None
    return float(said[1]) / 100 if said else None
