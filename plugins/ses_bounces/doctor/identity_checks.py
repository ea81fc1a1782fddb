"""Whether the identities that mail is sent from report to us, by notifications or by a configuration set."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ses_bounces.base.aws.clients import Place, explained
from ses_bounces.base.counted import counted
from ses_bounces.base.exceptions import AwsRefusedError
from ses_bounces.base.sites import SETUP, dag_id
from ses_bounces.doctor.clients import Clients
from ses_bounces.doctor.finding import Findings
from ses_bounces.doctor.identities import Identity, Sets, read_defaults, read_identities, read_sets
from ses_bounces.doctor.subscription_checks import subscriptions, topic_places
from ses_bounces.feed.senders import Sender, domain_of, identity_of


@dataclass
class Domain:
    """The identities of a domain that do not report to us: the domain itself, or FROM addresses of it.

    ``silent``: mail was sent from them, and what reported it is no more. ``idle``: no mail of theirs was reported
    lately. ``named``: configuration sets that report mail of others of them, because it names them, or by default.
    ``reports``: whether the notifications of any report to us.
    """

    silent: list[Identity] = field(default_factory=list)
    idle: list[Identity] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    reports: bool = False

    def lacking(self) -> str:
        """Say what is not reported."""
        return ", ".join(sorted({what for one in (*self.silent, *self.idle) for what in one.lacking}))


def check_reports(
    findings: Findings, clients: Clients, place: Place, region: str, senders: Collection[Sender], sent: float | None
) -> bool:
    """Look at what the identities of a region report; returns whether deliveries are reported to us.

    :param senders: whose mail was reported lately: one of them that reports no more was switched off.
    :param sent: mails of the last day; None: not known.
    """
    deliveries = False
    with findings.trying("notifications", region, needed=False):
        topics = _our_topics(clients, place)
        if not topics:
            # The subscription check covers the queue's own region.
            places = [clients.place_of(queue) for queue in clients.settings.queue_urls]
            if sent and region not in [clients.get("sqs", own).meta.region_name for own in places]:
                findings.add(
                    "notifications", region, "warning",
                    f"{sent:.0f} mails were sent in the last day, and no queue of ours is subscribed to a topic here.",
                    "Unless EventBridge reports them, their bounces are not noticed.",
                    f"Run {dag_id(SETUP)} for this region, and add its queue to queue_urls.",
                )  # fmt: skip
            return False
        sets = read_sets(clients, place, topics)
        identities = read_identities(clients, place, topics)
        reporting = [identity for identity in identities if not identity.lacking]
        deliveries = bool(sets.deliveries) or any(identity.deliveries for identity in reporting)
        if not sets.names and not reporting:
            findings.add(
                "notifications", region, "critical", "No identity reports both bounces and complaints to our topic.",
                "Nothing is reported.", f"Run {dag_id(SETUP)} for the identity that you send from.",
            )  # fmt: skip
        else:
            read_defaults(clients, place, _to_ask(identities, sets, senders))
            for name, domain in _domains(identities, sets, senders).items():
                _tell(findings, f"{region}: {name}", domain, sets, any(sender.domain == name for sender in senders))
            _check_deliveries(findings, clients, region, reporting, sets)
    return deliveries


def _to_ask(identities: Iterable[Identity], sets: Sets, senders: Collection[Sender]) -> list[Identity]:
    """Return the identities whose default configuration set matters, those that mail is sent from first."""
    seen = {sender.domain for sender in senders}
    lacking = [one for one in identities if one.lacking and (sets.names or domain_of(one.name) in seen)]
    return sorted(lacking, key=lambda one: domain_of(one.name) not in seen)


def _domains(identities: Iterable[Identity], sets: Sets, senders: Iterable[Sender]) -> dict[str, Domain]:
    verified = {one.key: one for one in identities if one.is_verified}
    mail: dict[str | None, set[str | None]] = defaultdict(set)
    for sender in senders:
        mail[identity_of(sender.address, verified)].add(sender.configuration_set)
    domains: dict[str, Domain] = {}
    for key, identity in verified.items():
        domain = domains.setdefault(domain_of(key), Domain())
        if not identity.lacking:
            domain.reports = True
        elif identity.default_set in sets.names:
            domain.named.add(str(identity.default_set))
        elif mail[key] and mail[key] <= sets.names:
            domain.named |= {str(name) for name in mail[key]}
        else:
            (domain.silent if mail[key] else domain.idle).append(identity)
    return domains


def _tell(findings: Findings, subject: str, domain: Domain, sets: Sets, is_seen: bool) -> None:
    names = ", ".join(sorted(sets.names))
    if domain.silent:
        findings.add(
            "notifications", subject, "warning" if sets.names else "critical",
            f"Not reported to our topic any more: {domain.lacking()}, of {_who(domain.silent)}.",
            f"Only mail that names configuration set {names} is noticed." if sets.names else
            "Mail of this domain was reported until lately.",
            _mend(subject, domain.silent),
        )  # fmt: skip
    elif domain.idle and (domain.reports or domain.named or is_seen):
        findings.add(
            "notifications", subject, "warning",
            f"Not reported to our topic: {domain.lacking()}, of {_who(domain.idle)}. No mail of it came lately.",
            "What is sent from it is not noticed.", _mend(subject, domain.idle),
        )  # fmt: skip
    elif domain.idle and sets.names:
        findings.add(
            "notifications", subject, "unknown",
            f"It reports by no notification, and has no default configuration set that does. Mail that names {names} "
            "is reported; no mail of this domain was lately.",
            "What is sent without that set is not noticed.", _mend(subject, domain.idle),
        )  # fmt: skip
    elif domain.idle:
        findings.ok("notifications", subject, "It reports to nobody here, and no mail of it was ever reported.")
    elif domain.named:
        findings.ok("notifications", subject, f"Reported by configuration set {', '.join(sorted(domain.named))}.")
    else:
        findings.ok("notifications", subject, "Bounces and complaints are reported to us.")


def _check_deliveries(findings: Findings, clients: Clients, region: str, reporting: list[Identity], sets: Sets) -> None:
    are_reported = bool(sets.deliveries) or (bool(reporting) and all(identity.deliveries for identity in reporting))
    if not are_reported and clients.settings.promotion == "age":
        findings.add(
            "deliveries", region, "warning", "Deliveries are not reported, and promotion is age.",
            "Nothing ends a transient problem: every out-of-office reply becomes a block after the grace period.",
            f"Report deliveries ({dag_id(SETUP)}), or set promotion to age_and_rebounce or expire.",
        )  # fmt: skip
    else:
        findings.ok("deliveries", region, f"Deliveries are {'' if are_reported else 'not '}reported.")


def _our_topics(clients: Clients, place: Place) -> set[str]:
    topics: set[str] = set()
    for queue in clients.settings.queue_urls:
        if place not in topic_places(clients, queue):
            continue
        sqs = clients.get("sqs", clients.place_of(queue))
        # A queue that can't be asked is a finding of its own.
        arn = ""
        with contextlib.suppress(AwsRefusedError), explained("sqs:GetQueueAttributes", queue.url):
            answer = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["QueueArn"])
            arn = answer["Attributes"]["QueueArn"]
        if arn:
            topics |= {topic for topic, _ in subscriptions(clients.get("sns", place), arn)}
    return topics


def _who(identities: Collection[Identity]) -> str:
    """Say which identities of a domain these are, without an address."""
    addresses = sum("@" in one.name for one in identities)
    parts = ["the domain itself"] if addresses < len(identities) else []
    # SES has identities of its own for them, beside the domain's.
    parts += [counted(addresses, "FROM address", "FROM addresses")] if addresses else []
    return " and ".join(parts)


def _mend(subject: str, identities: Collection[Identity]) -> str:
    domain = subject.rpartition(" ")[2]
    named = f"`ses-bounces setup {domain}` names them. " if any("@" in one.name for one in identities) else ""
    return (
        f"{named}Run {dag_id(SETUP)} for each that you send from, or set its notifications to the topic in the SES "
        "console; delete what you don't send from."
    )
