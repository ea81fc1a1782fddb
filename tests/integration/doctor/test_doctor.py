"""The doctor over HTTP and on a real database: a healthy account gives no finding; each thing broken gives its own."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.ses import FakeSes
from dev.ses_protocol import json_answer
from ses_bounces.actions.action import Action
from ses_bounces.actions.erase import Secret, erase
from ses_bounces.base.aws.clients import Pace
from ses_bounces.base.settings import Settings, parse
from ses_bounces.classify.rules import Rules
from ses_bounces.doctor.clients import Clients
from ses_bounces.doctor.dag_checks import check_dags
from ses_bounces.doctor.finding import Finding, Findings, open_findings, read_findings, store_findings, table_of
from ses_bounces.doctor.ledger_checks import check_ledger
from ses_bounces.doctor.queue_checks import check_queues
from ses_bounces.doctor.sending_checks import check_sending, rate_found
from ses_bounces.doctor.size_checks import check_size
from ses_bounces.feed.setup.in_use import Use
from ses_bounces.feed.setup.options import Options, Target, open_target
from ses_bounces.feed.setup.plan import apply
from ses_bounces.feed.setup.provision import plan_setup, plan_teardown
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.ledger.writing import writing
from tests.kit.builders import bounce, iso

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

REGION, ACCOUNT = "us-east-1", "000000000000"
IDENTITY = "news@example.com"
OPTIONS = Options(IDENTITY, REGION, topic="t", queue="q", dead_letter_queue="d")
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:t"
FEED = f"q to {TOPIC}"
ACCOUNT_STATE = {
    "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
    "SendQuota": {"SentLast24Hours": 500.0},
}

Found = set[tuple[str, str, str]]
_made: dict[str, Any] = {}


@pytest.fixture(scope="module")
def server(server: FakeSes) -> Iterator[FakeSes]:
    yield server
    _made.clear()


@pytest.fixture
def ses(server: FakeSes, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSes]:
    """An account in which the feed is set up."""
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", server.connection_json(region=REGION))
    server.account.update(ACCOUNT_STATE)
    apply(plan_setup(target()))
    yield server
    server.refuse.clear()
    server.account.clear()
    server.aws.reset()
    server.region().topics.clear()
    server.region().forwarding.clear()
    server.region().listed.clear()


@pytest.fixture
def healthy(database: Connection, settings: Settings) -> Connection:
    """A database as after an hourly run."""
    database.execute("INSERT INTO ses_bounces.run (run_id, task_id, started_at) VALUES ('r', 'plan_drain', now())")
    database.execute(
        "INSERT INTO ses_bounces.queue (queue_url, belongs_to, first_drained_at, last_drained_at, emptied_at)"
        " VALUES (%(url)s, %(url)s, now(), now(), now())",
        {"url": settings.queue_urls[0].url},
    )
    database.execute("INSERT INTO ses_bounces.suppression_pass (account, region, finished_at) VALUES ('a', 'r', now())")
    land(database, bounce("anna@example.com"), bounce("bo@example.com", "Transient"))
    return database


@pytest.fixture
def settings(ses: FakeSes) -> Settings:
    return of()


def of(**changes: Any) -> Settings:
    """Settings of the feed."""
    url = target().sqs.get_queue_url(QueueName="q")["QueueUrl"]
    return parse({"queue_urls": [url], "ses_regions": [REGION], "allowed_topic_arns": [TOPIC], **changes})


def target() -> Target:
    """The account, with clients that are made once: each takes a second."""
    found: Target = _made.get("target") or _made.setdefault("target", open_target(OPTIONS))
    return found


def clients(settings: Settings) -> Clients:
    found = Clients(settings, Pace(0))
    found._made = _made.setdefault("clients", {})
    return found


def land(connection: Connection, *events: dict[str, Any], days_ago: float = 1) -> None:
    """Land and classify some events."""
    moment = datetime.now(UTC) - timedelta(days=days_ago)
    with connection.cursor() as cursor:
        for number, event in enumerate(events):
            event["bounce"] |= {"timestamp": iso(moment), "feedbackId": f"{number} {moment}"}
            event["mail"] |= {"timestamp": iso(moment - timedelta(seconds=5)), "messageId": f"{number} {moment}"}
            cursor.execute(
                "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
                " VALUES ('id', 'queue', %s, %s, 'pending')",
                [json.dumps(event), moment],
            )
    classify_pending(connection, Rules())


def problems(*areas: Findings) -> Found:
    return {(f.check, f.subject, f.severity) for area in areas for f in area.all if f.severity != "ok"}


def of_aws(settings: Settings) -> Found:
    return problems(check_queues(clients(settings)))


def of_sending(connection: Connection, settings: Settings) -> Found:
    return problems(check_sending(connection, clients(settings)))


def of_ledger(connection: Connection, **changes: Any) -> Found:
    return problems(check_ledger(connection, of(**changes)))


def set_policy(policy: dict[str, Any] | str) -> None:
    text = policy if isinstance(policy, str) else json.dumps(policy)
    target().sqs.set_queue_attributes(QueueUrl=of().queue_urls[0].url, Attributes={"Policy": text})


def set_queue(**attributes: str) -> None:
    target().sqs.set_queue_attributes(QueueUrl=of().queue_urls[0].url, Attributes=attributes)


def subscription() -> str:
    arn: str = target().sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"]
    return arn


def report_to(identity: str, topic: str | None, *types: str) -> None:
    for type_ in types:
        more = {"SnsTopic": topic} if topic else {}
        target().ses.set_identity_notification_topic(Identity=identity, NotificationType=type_, **more)


def put_metric(ses: FakeSes, namespace: str, metric: str, value: float, **dimensions: str) -> None:
    named = [{"Name": name, "Value": text} for name, text in dimensions.items()]
    data = {"MetricName": metric, "Value": value, "Timestamp": datetime.now(UTC) - timedelta(minutes=6)}
    ses.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[data | {"Dimensions": named}])


def test_a_healthy_account_gives_no_finding(ses: FakeSes, healthy: Connection, settings: Settings) -> None:
    ses.calls.clear()
    areas = [check_queues(clients(settings)), check_sending(healthy, clients(settings))]
    areas.append(check_ledger(healthy, settings))
    assert problems(*areas) == set()
    looked_at = {finding.check for area in areas for finding in area.all}
    assert looked_at >= {
        "queue", "right", "retention", "encryption", "dead letters", "oldest message", "subscription", "queue policy",
        "raw delivery", "topic", "allowed topics", "account", "account suppression", "notifications", "deliveries",
        "feed", "bounce rate", "complaint rate", "processing", "drain", "pending messages", "quarantine", "promotion",
        "flags", "lifts", "suppression lists", "partitions", "lists", "people table", "size",
    }  # fmt: skip
    rights = {f.subject for area in areas for f in area.all if f.check == "right"}
    assert rights == {
        *(f"{queue}: sqs:{name}" for queue in "qd" for name in ("ChangeMessageVisibility", "DeleteMessage")),
        *(f"{queue}: sqs:ReceiveMessage" for queue in "qd"),
        *(f"{REGION}: ses:{name}SuppressedDestination" for name in ("Delete",)),
        f"{REGION}: ses:ListSuppressedDestinations",
    }


def test_it_changes_nothing(ses: FakeSes, healthy: Connection) -> None:
    ses.region().listed["Anna@example.com"] = ("BOUNCE", datetime.now(UTC))
    url = of().queue_urls[0].url
    target().sqs.send_message(QueueUrl=url, MessageBody="waits")
    settings = of(push_to_ses=True, ses_import_url="s3://b/c")
    assert of_aws(settings) | of_sending(healthy, settings) == set()
    assert set(ses.region().listed) == {"Anna@example.com"}
    assert ses.region().jobs == {}
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    assert target().sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] == {
        "ApproximateNumberOfMessages": "1",
        "ApproximateNumberOfMessagesNotVisible": "0",
    }
    assert {op for op in ses.calls if op.startswith(("PutSuppressed", "GetImportJob"))} == {
        "PutSuppressedDestination",
        "GetImportJob",
    }


QUEUE_BREAKS: dict[str, tuple[Callable[[], object], Found]] = {
    "no subscription": (
        lambda: target().sns.unsubscribe(SubscriptionArn=subscription()),
        {("subscription", "q", "critical")},
    ),
    "no queue policy": (lambda: set_policy(""), {("queue policy", FEED, "critical")}),
    "a queue policy of another topic": (
        lambda: set_policy(sending_statement({"ArnEquals": {"aws:SourceArn": TOPIC + "other"}})),
        {("queue policy", FEED, "critical")},
    ),
    "a queue policy with wildcards": (
        lambda: set_policy(sending_statement({"ArnLike": {"AWS:SourceArn": f"arn:aws:sns:*:{ACCOUNT}:*"}})),
        set(),
    ),
    "a queue open to everybody": (
        lambda: set_policy({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]}),
        {("open queue", "q", "warning")},
    ),
    "raw delivery": (
        lambda: target().sns.set_subscription_attributes(
            SubscriptionArn=subscription(), AttributeName="RawMessageDelivery", AttributeValue="true"
        ),
        {("raw delivery", FEED, "critical")},
    ),
    "a filter": (
        lambda: target().sns.set_subscription_attributes(
            SubscriptionArn=subscription(), AttributeName="FilterPolicy", AttributeValue='{"a": ["b"]}'
        ),
        {("filter policy", FEED, "warning")},
    ),
    "a topic policy without SES": (
        lambda: target().sns.set_topic_attributes(
            TopicArn=TOPIC, AttributeName="Policy", AttributeValue='{"Version": "2012-10-17", "Statement": []}'
        ),
        {("topic", TOPIC, "critical")},
    ),
    "a short retention": (lambda: set_queue(MessageRetentionPeriod="345600"), {("retention", "q", "warning")}),
    "a key that keeps SNS out": (
        lambda: set_queue(KmsMasterKeyId="alias/aws/sqs"),
        {("encryption", "q", "critical")},
    ),
    "dead letters": (
        lambda: target().sqs.send_message(
            QueueUrl=target().sqs.get_queue_url(QueueName="d")["QueueUrl"], MessageBody="-"
        ),
        {("dead letters", "q", "warning")},
    ),
    "a receipt counts": (
        lambda: set_queue(
            RedrivePolicy=json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:d", "maxReceiveCount": 3})
        ),
        {("right", "q: sqs:ReceiveMessage", "unknown")},
    ),
}


def sending_statement(condition: dict[str, Any], service: str = "sns.amazonaws.com") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement | {"Condition": condition}]}


@pytest.mark.parametrize("name", QUEUE_BREAKS)
def test_each_thing_broken_at_a_queue_is_its_own_finding(ses: FakeSes, name: str) -> None:
    break_it, expected = QUEUE_BREAKS[name]
    assert of_aws(of()) == set()
    break_it()
    assert of_aws(of()) == expected


def test_a_queue_that_eventbridge_or_another_account_feeds(ses: FakeSes) -> None:
    target().sns.unsubscribe(SubscriptionArn=subscription())
    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/ses"
    set_policy(sending_statement({"ArnEquals": {"aws:SourceArn": rule}}, "events.amazonaws.com"))
    assert of_aws(of()) == set()
    elsewhere = f"arn:aws:sns:{REGION}:111111111111:t"
    set_policy(sending_statement({"ArnEquals": {"aws:SourceArn": elsewhere}}))
    assert of_aws(of()) == {("subscription", "q", "unknown")}


def test_allowed_topics_and_raw_delivery_by_setting(ses: FakeSes) -> None:
    assert of_aws(of(allowed_topic_arns=[])) == {("allowed topics", "", "warning")}
    [found] = [
        found for found in check_queues(Clients(of(allowed_topic_arns=[]))).all if found.check == "allowed topics"
    ]
    # As it is to be set.
    assert found.todo.endswith(f' The queues are subscribed to: ["{TOPIC}"].')
    other = TOPIC + "other"
    assert of_aws(of(allowed_topic_arns=[other])) == {("allowed topics", FEED, "critical")}
    QUEUE_BREAKS["raw delivery"][0]()
    assert of_aws(of(allow_raw=True)) == set()
    unlisted = {"allowed_topic_arns": [], "verify_signatures": True}
    assert ("raw delivery", FEED, "critical") in of_aws(of(**unlisted))
    assert of_aws(of(**unlisted, allow_raw=True)) == {("allowed topics", "", "warning")}
    assert of_aws(of(allowed_topic_arns=[])) == {("allowed topics", "", "warning")}


@pytest.mark.parametrize(("hours", "severity"), [(80, None), (90, "warning"), (170, "critical")])
def test_the_age_of_the_oldest_message(ses: FakeSes, hours: float, severity: str | None) -> None:
    put_metric(ses, "AWS/SQS", "ApproximateAgeOfOldestMessage", hours * 3600, QueueName="q")
    assert of_aws(of()) == ({("oldest message", "q", severity)} if severity else set())


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("ReceiveMessage", {("right", f"{queue}: sqs:ReceiveMessage", "critical") for queue in "qd"}),
        ("DeleteMessage", {("right", f"{queue}: sqs:DeleteMessage", "critical") for queue in "qd"}),
        ("ChangeMessageVisibility", {("right", f"{q}: sqs:ChangeMessageVisibility", "critical") for q in "qd"}),
        ("GetQueueAttributes", {("queue", "q", "critical")}),
        ("GetQueueUrl", {("dead letters", "q", "critical")}),
        ("ListSubscriptions", {("subscription", "q", "unknown")}),
        ("GetSubscriptionAttributes", {("raw delivery", FEED, "unknown")}),
        ("GetTopicAttributes", {("topic", TOPIC, "unknown")}),
        ("GetMetricStatistics", {("oldest message", "q", "unknown")}),
    ],
)
def test_each_right_refused_at_a_queue(ses: FakeSes, operation: str, expected: Found) -> None:
    settings = of()
    ses.refuse[operation] = ("AccessDenied", None)
    assert of_aws(settings) == expected


def test_a_queue_that_is_not_there_and_a_connection_that_is_missing(ses: FakeSes, healthy: Connection) -> None:
    gone = f"{of().queue_urls[0].url}-gone"
    findings = check_queues(clients(of(queue_urls=[gone])))
    assert problems(findings) == {("queue", "q-gone", "critical")}
    [found] = [finding for finding in findings.all if finding.severity == "critical"]
    assert 'there is no such queue; correct "queue_urls"' in found.found
    assert of_aws(of(aws_conn_id="missing")) == {("queue", "q", "critical")}
    assert of_sending(healthy, of(aws_conn_id="missing")) == {("region", REGION, "critical")}


SENDING_BREAKS: dict[str, tuple[Callable[[FakeSes], object], Found]] = {
    "bounces go nowhere": (
        lambda ses: report_to(IDENTITY, None, "Bounce"),
        {("notifications", REGION, "critical")},
    ),
    "complaints go to another topic": (
        lambda ses: report_to(IDENTITY, TOPIC + "other", "Complaint"),
        {("notifications", REGION, "critical")},
    ),
    "no deliveries": (lambda ses: report_to(IDENTITY, None, "Delivery"), {("deliveries", REGION, "warning")}),
    "paused": (
        lambda ses: ses.account.update(SendingEnabled=False, EnforcementStatus="SHUTDOWN"),
        {("account", REGION, "critical")},
    ),
    "under review": (
        lambda ses: ses.account.update(EnforcementStatus="PROBATION"),
        {("account", REGION, "critical")},
    ),
    "sandbox": (
        lambda ses: ses.account.update(ProductionAccessEnabled=False),
        {("account", REGION, "warning")},
    ),
    "SES's list takes no complaints": (
        lambda ses: ses.account.update(SuppressionAttributes={"SuppressedReasons": ["BOUNCE"]}),
        {("account suppression", REGION, "warning")},
    ),
    "bounces near the threshold": (
        lambda ses: put_metric(ses, "AWS/SES", "Reputation.BounceRate", 0.049),
        set(),
    ),
    "bounces under review": (
        lambda ses: put_metric(ses, "AWS/SES", "Reputation.BounceRate", 0.05),
        {("bounce rate", REGION, "warning")},
    ),
    "bounces that pause": (
        lambda ses: put_metric(ses, "AWS/SES", "Reputation.BounceRate", 0.10),
        {("bounce rate", REGION, "critical")},
    ),
    "complaints under review": (
        lambda ses: put_metric(ses, "AWS/SES", "Reputation.ComplaintRate", 0.001),
        {("complaint rate", REGION, "warning")},
    ),
    "complaints that pause": (
        lambda ses: put_metric(ses, "AWS/SES", "Reputation.ComplaintRate", 0.005),
        {("complaint rate", REGION, "critical")},
    ),
    **{
        f"{operation} refused": (
            lambda ses, operation=operation: ses.refuse.update({operation: ("AccessDeniedException", None)}),
            expected,
        )
        for operation, expected in {
            "ListSuppressedDestinations": {("right", f"{REGION}: ses:ListSuppressedDestinations", "critical")},
            "DeleteSuppressedDestination": {("right", f"{REGION}: ses:DeleteSuppressedDestination", "critical")},
            "GetAccount": {("account", REGION, "unknown")},
            "ListIdentities": {("notifications", REGION, "unknown")},
            "GetIdentityNotificationAttributes": {("notifications", REGION, "unknown")},
            "GetMetricStatistics": {("rates", REGION, "unknown")},
        }.items()
    },
}


@pytest.mark.parametrize("name", SENDING_BREAKS)
def test_each_thing_broken_of_sending_is_its_own_finding(ses: FakeSes, healthy: Connection, name: str) -> None:
    break_it, expected = SENDING_BREAKS[name]
    settings = of()
    break_it(ses)
    assert of_sending(healthy, settings) == expected


def test_a_rate_is_read_out_of_its_finding(ses: FakeSes, healthy: Connection) -> None:
    put_metric(ses, "AWS/SES", "Reputation.BounceRate", 0.0512)
    found = check_sending(healthy, clients(of())).all
    assert [rate for one in found if (rate := rate_found(one, "bounce rate")) is not None] == [0.0512]


def test_rights_that_only_some_settings_need(ses: FakeSes, healthy: Connection) -> None:
    settings = of(push_to_ses=True, ses_import_url="s3://b/c")
    for operation in ("PutSuppressedDestination", "GetImportJob"):
        ses.refuse[operation] = ("AccessDeniedException", None)
    ses.refuse["DeleteSuppressedDestination"] = ("AccessDeniedException", None)
    assert of_sending(healthy, of(lift_at_ses=False)) == set()
    assert of_sending(healthy, of()) == {("right", f"{REGION}: ses:DeleteSuppressedDestination", "critical")}
    ses.refuse.pop("DeleteSuppressedDestination")
    assert of_sending(healthy, settings) == {
        ("right", f"{REGION}: ses:PutSuppressedDestination", "critical"),
        ("right", f"{REGION}: ses:GetImportJob", "critical"),
    }


def test_without_deliveries_other_promotions_are_right(ses: FakeSes, healthy: Connection) -> None:
    report_to(IDENTITY, None, "Delivery")
    for promotion in ("age_and_rebounce", "expire"):
        assert of_sending(healthy, of(promotion=promotion)) == set()


def test_one_identity_of_several_that_stops_reporting(ses: FakeSes, healthy: Connection) -> None:
    v1 = target().ses
    v1.verify_domain_identity(Domain="shop.example")
    report_to(IDENTITY, None, "Complaint")
    v1.verify_domain_identity(Domain="example.com")
    report_to("example.com", TOPIC, "Bounce", "Complaint", "Delivery")
    # Mail is sent from news@: its own identity counts for it, and not that of its domain.
    assert of_sending(healthy, of()) == {("notifications", f"{REGION}: example.com", "critical")}
    report_to(IDENTITY, TOPIC, "Complaint")
    # Of a domain that never sent nobody wants to know.
    assert of_sending(healthy, of()) == set()
    land(healthy, bounce("cy@example.com", mail_fields={"source": "Shop <a@Mail.Shop.example>"}))
    findings = check_sending(healthy, clients(of()))
    assert problems(findings) == {("notifications", f"{REGION}: shop.example", "critical")}
    assert not [f for f in findings.all if "@" in str(f)]
    report_to("shop.example", TOPIC, "Bounce", "Complaint")
    assert of_sending(healthy, of()) == {("deliveries", REGION, "warning")}


def test_a_from_address_that_nobody_sends_from_any_more(ses: FakeSes, healthy: Connection) -> None:
    ses.client("sesv2").create_email_identity(EmailIdentity="Offers@example.com")
    findings = check_sending(healthy, clients(of()))
    assert problems(findings) == {("notifications", f"{REGION}: example.com", "warning")}
    (found,) = [finding for finding in findings.all if finding.severity != "ok"]
    assert found.found == (
        "Not reported to our topic: bounces, complaints, of 1 FROM address. No mail of it came lately."
    )
    # No address is in a finding: the plan for the domain names it.
    assert "`ses-bounces setup example.com` names them." in found.todo
    # One that SES takes no mail from does nothing.
    with pytest.MonkeyPatch.context() as patch:
        unverified = json_answer({"VerifiedForSendingStatus": False})
        patch.setattr(ses, "_on_GetEmailIdentity", lambda _region, _given: unverified, raising=False)
        assert of_sending(healthy, of()) == set()


@pytest.fixture
def newsletter(ses: FakeSes) -> Iterator[Callable[..., None]]:
    """A configuration set; what it gives is called to have it report, and what."""
    v2 = target().sesv2
    v2.create_configuration_set(ConfigurationSetName="newsletter")
    change = [v2.create_configuration_set_event_destination]

    def report(*types: str, enabled: bool = True) -> None:
        destination = {"Enabled": enabled, "SnsDestination": {"TopicArn": TOPIC}, "MatchingEventTypes": list(types)}
        change[-1](ConfigurationSetName="newsletter", EventDestinationName="ours", EventDestination=destination)
        change.append(v2.update_configuration_set_event_destination)

    yield report
    v2.delete_configuration_set(ConfigurationSetName="newsletter")
    ses.region().default_sets.clear()


def default_set(ses: FakeSes, identity: str, name: str = "newsletter") -> None:
    v2 = ses.client("sesv2")
    v2.put_email_identity_configuration_set_attributes(EmailIdentity=identity, ConfigurationSetName=name)


def test_a_configuration_set_reports_as_well(
    ses: FakeSes, healthy: Connection, newsletter: Callable[..., None]
) -> None:
    report_to(IDENTITY, None, "Bounce", "Complaint", "Delivery")
    default_set(ses, IDENTITY)
    newsletter("BOUNCE", "COMPLAINT")
    assert of_sending(healthy, of()) == {("deliveries", REGION, "warning")}
    newsletter("BOUNCE", "COMPLAINT", "DELIVERY")
    findings = check_sending(healthy, clients(of()))
    assert problems(findings) == set()
    assert "Reported by configuration set newsletter." in {finding.found for finding in findings.all}
    newsletter("BOUNCE", "COMPLAINT", "DELIVERY", enabled=False)
    assert of_sending(healthy, of()) == {("notifications", REGION, "critical")}


def test_a_configuration_set_that_mail_does_not_name(
    ses: FakeSes, healthy: Connection, newsletter: Callable[..., None]
) -> None:
    report_to(IDENTITY, None, "Bounce", "Complaint", "Delivery")
    newsletter("BOUNCE", "COMPLAINT", "DELIVERY")
    found = {("notifications", f"{REGION}: example.com", "warning")}
    assert of_sending(healthy, of()) == found
    # That of the domain is not that of an address of it, nor is one that doesn't report.
    ses.client("sesv2").create_email_identity(EmailIdentity="example.com")
    default_set(ses, "example.com")
    assert of_sending(healthy, of()) == found
    default_set(ses, IDENTITY, "another")
    assert of_sending(healthy, of()) == found
    default_set(ses, IDENTITY)
    assert of_sending(healthy, of()) == set()


def test_mail_that_names_the_configuration_set(
    ses: FakeSes, healthy: Connection, newsletter: Callable[..., None]
) -> None:
    ses.client("ses").verify_domain_identity(Domain="shop.example")
    newsletter("BOUNCE", "COMPLAINT", "DELIVERY")
    # Nothing tells whether mail from it would name the set.
    subject = f"{REGION}: shop.example"
    assert of_sending(healthy, of()) == {("notifications", subject, "unknown")}
    names = {"source": "Shop <a@shop.example>", "tags": {"ses:configuration-set": ["newsletter"]}}
    land(healthy, bounce("cy@example.com", mail_fields=names))
    findings = check_sending(healthy, clients(of()))
    assert problems(findings) == set()
    assert {f.found for f in findings.all if f.subject == subject} == {"Reported by configuration set newsletter."}
    # Some of its mail names none.
    land(healthy, bounce("di@example.com", mail_fields={"source": "a@shop.example"}), days_ago=0.5)
    assert of_sending(healthy, of()) == {("notifications", subject, "warning")}


def test_default_configuration_sets_that_may_not_be_asked_for(
    ses: FakeSes, healthy: Connection, newsletter: Callable[..., None]
) -> None:
    report_to(IDENTITY, None, "Bounce", "Complaint", "Delivery")
    newsletter("BOUNCE", "COMPLAINT", "DELIVERY")
    default_set(ses, IDENTITY)
    ses.refuse["GetEmailIdentity"] = ("AccessDeniedException", None)
    findings = check_sending(healthy, clients(of()))
    assert problems(findings) == {("notifications", f"{REGION}: example.com", "warning")}
    assert not [f for f in findings.all if "@" in str(f)]


def test_a_region_that_sends_and_nobody_listens_to(ses: FakeSes, healthy: Connection) -> None:
    """The queue is in one region, as its URL says in AWS; mail is sent from another one too."""
    both = of(ses_regions=[REGION, "eu-west-1"])
    url = "https://sqs.us-east-1.amazonaws.com/000000000000/q"
    settings = parse({**json.loads(both.model_dump_json()), "queue_urls": [url]})
    assert of_sending(healthy, settings) == {("notifications", "eu-west-1", "warning")}
    ses.account["SendQuota"] = {"SentLast24Hours": 0.0}
    assert of_sending(healthy, settings) == set()


def test_mail_is_sent_and_no_report_comes(ses: FakeSes, healthy: Connection) -> None:
    feed = {("feed", REGION, "critical")}
    healthy.execute("DELETE FROM ses_bounces.message")
    assert of_sending(healthy, of()) == feed
    ses.account["SendQuota"] = {"SentLast24Hours": 0.0}
    assert of_sending(healthy, of()) == set()
    # Without deliveries only one mail of many is reported.
    report_to(IDENTITY, None, "Delivery")
    quiet = of(promotion="expire")
    ses.account["SendQuota"] = {"SentLast24Hours": 900.0}
    assert of_sending(healthy, quiet) == set()
    ses.account["SendQuota"] = {"SentLast24Hours": 1100.0}
    assert of_sending(healthy, quiet) == feed


LEDGER_BREAKS: dict[str, tuple[str, dict[str, Any], Found]] = {
    "a late run": (
        "UPDATE ses_bounces.run SET started_at = now() - interval '4 hours'",
        {},
        {("processing", "", "warning")},
    ),
    "no run for long": (
        "UPDATE ses_bounces.run SET started_at = now() - interval '49 hours'",
        {},
        {("processing", "", "critical")},
    ),
    "no run ever": ("DELETE FROM ses_bounces.run", {}, {("processing", "", "warning")}),
    "switched off now": ("SELECT 1", {"enabled": False}, set()),
    "switched off for long": (
        "UPDATE ses_bounces.run SET started_at = now() - interval '49 hours'",
        {"enabled": False},
        {("processing", "", "critical")},
    ),
    "a queue that is not drained": (
        "UPDATE ses_bounces.queue SET last_drained_at = now() - interval '4 hours'",
        {},
        {("drain", "q", "warning")},
    ),
    "a queue that is not drained for long": (
        "UPDATE ses_bounces.queue SET last_drained_at = now() - interval '49 hours'",
        {},
        {("drain", "q", "critical")},
    ),
    "messages wait": (
        "UPDATE ses_bounces.message SET outcome = 'pending'",
        {},
        set(),
    ),
    "a quarantined message": (
        "UPDATE ses_bounces.message SET outcome = 'quarantined' WHERE message_id = 1",
        {},
        {("quarantine", "", "warning")},
    ),
    "a held message": (
        "UPDATE ses_bounces.message SET outcome = 'held' WHERE message_id = 1",
        {},
        {("quarantine", "", "warning")},
    ),
    "a deadline that nobody acts upon": (
        "UPDATE ses_bounces.bounce_list SET due_at = now() - interval '4 hours' WHERE kind = 'transient'",
        {},
        {("promotion", "", "warning")},
    ),
    "a flag that is late": (
        "CREATE TABLE people (id int PRIMARY KEY, email text, allow_group_email boolean);"
        " INSERT INTO ses_bounces.flag_due (address_id, due_since) VALUES (2, now() - interval '4 hours')"
        " ON CONFLICT (address_id) DO UPDATE SET due_since = excluded.due_since",
        {"people_table": "people"},
        {("flags", "", "warning")},
    ),
    "a people table that is not there": ("SELECT 1", {"people_table": "people"}, {("people table", "", "critical")}),
    "ids that may be several people's": (
        "CREATE TABLE people (id int, email text, allow_group_email boolean)",
        {"people_table": "people"},
        {("people table", "", "critical")},
    ),
    "emails that are no address": (
        "CREATE TABLE people (id int PRIMARY KEY, email text, allow_group_email boolean);"
        " UPDATE ses_bounces.setting SET people_unreadable = 3",
        {"people_table": "people"},
        {("people emails", "", "warning")},
    ),
    "an index by earlier rules of the key": (
        "CREATE TABLE people (id int PRIMARY KEY, email text, allow_group_email boolean);"
        " CREATE INDEX people_key ON people (ses_bounces.address_key(email));"
        " INSERT INTO ses_bounces.stale_index SELECT oid, relfilenode FROM pg_class WHERE relname = 'people_key'",
        {"people_table": "people"},
        {("people index", "people_key", "warning")},
    ),
    "flags that nobody wants": (
        "UPDATE ses_bounces.flag_due SET due_since = now() - interval '4 hours'",
        {},
        set(),
    ),
    "a lift that waits": (
        "INSERT INTO ses_bounces.unblock_request (address_id, lifts, actor, reason, requested_at)"
        " VALUES (1, '{permanent_bounce}', 'eve', 'moved', now() - interval '4 hours')",
        {},
        {("lifts", "", "warning")},
    ),
    "lists of SES that nobody reads": (
        "UPDATE ses_bounces.suppression_pass SET finished_at = now() - interval '49 hours'",
        {},
        {("suppression lists", "", "warning")},
    ),
    "a block taken away by hand": (
        "UPDATE ses_bounces.blocked_list SET unblocked_at = now(), unblocked_by = 'hand', unblock_reason = 'hand'",
        {},
        {("lists", "", "critical")},
    ),
    "a block moved by hand": (
        "UPDATE ses_bounces.blocked_list SET blocked_at = blocked_at - interval '1 day'",
        {},
        {("lists", "", "critical")},
    ),
    "a row of the bounce list changed by hand": (
        "UPDATE ses_bounces.bounce_list SET kind = 'complaint' WHERE kind = 'transient'",
        {},
        {("lists", "", "critical")},
    ),
    "a deadline changed by hand": (
        "UPDATE ses_bounces.bounce_list SET transient_fix_deadline = transient_fix_deadline + interval '1 day'"
        " WHERE kind = 'transient'",
        {},
        {("lists", "", "critical")},
    ),
    "an entry changed by hand": (
        "UPDATE ses_bounces.address_event SET kind = 'complaint' WHERE kind = 'permanent_bounce'",
        {},
        {("lists", "", "critical")},
    ),
}


@pytest.mark.parametrize("name", LEDGER_BREAKS)
def test_each_thing_broken_in_the_ledger_is_its_own_finding(ses: FakeSes, healthy: Connection, name: str) -> None:
    sql, changes, expected = LEDGER_BREAKS[name]
    assert of_ledger(healthy) == set()
    healthy.execute(sql)
    assert of_ledger(healthy, **changes) == expected


@pytest.mark.parametrize(("hours", "severity"), [(4, "warning"), (49, "critical")])
def test_messages_that_wait_for_long(ses: FakeSes, healthy: Connection, hours: int, severity: str) -> None:
    moment = datetime.now(UTC) - timedelta(hours=hours)
    day = moment.date()
    bounds = [day, day + timedelta(days=1)]
    if not healthy.execute("SELECT to_regclass(%s)", [f"ses_bounces.message_{day:%Y%m%d}"]).fetchone()[0]:  # type: ignore[index]
        healthy.execute(
            f"CREATE TABLE ses_bounces.message_{day:%Y%m%d} PARTITION OF ses_bounces.message"
            f" FOR VALUES FROM ('{bounds[0]} 00:00+00') TO ('{bounds[1]} 00:00+00')"
        )
    healthy.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, received_at, outcome)"
        " VALUES ('id', 'queue', '', %(at)s, %(at)s, 'pending')",
        {"at": moment},
    )
    assert of_ledger(healthy) == {("pending messages", "", severity)}


def test_partitions_that_are_missing(ses: FakeSes, healthy: Connection) -> None:
    today = datetime.now(UTC).date()

    def drop(ahead: int) -> None:
        healthy.execute(f"DROP TABLE ses_bounces.message_{today + timedelta(days=ahead):%Y%m%d}")

    drop(7)
    assert of_ledger(healthy) == set()
    drop(3)
    assert of_ledger(healthy) == {("partitions", "", "warning")}
    drop(1)
    assert of_ledger(healthy) == {("partitions", "", "critical")}


def test_today_without_a_partition(ses: FakeSes, healthy: Connection) -> None:
    today = datetime.now(UTC).date()
    healthy.execute("DELETE FROM ses_bounces.message")
    healthy.execute(f"DROP TABLE ses_bounces.message_{today:%Y%m%d}")
    assert of_ledger(healthy) == {("partitions", "", "critical")}


def size_of(connection: Connection, **changes: Any) -> tuple[str, str]:
    [found] = [finding for finding in check_ledger(connection, of(**changes)).all if finding.check == "size"]
    return found.severity, found.found


def note_size(connection: Connection, days_ago: int, less: int) -> None:
    """Note that schema and database were smaller on an earlier day, by so many bytes."""
    connection.execute(
        "INSERT INTO ses_bounces.size_day (day, schema_bytes, database_bytes, noted_at)"
        " SELECT s.day - %(days)s, s.schema_bytes - %(less)s, s.database_bytes - %(less)s,"
        " s.noted_at - make_interval(days => %(days)s) FROM ses_bounces.size_day s"
        " WHERE s.day = (now() AT TIME ZONE 'UTC')::date",
        {"days": days_ago, "less": less},
    )


def test_size_is_noted_once_a_day(ses: FakeSes, healthy: Connection) -> None:
    severity, found = size_of(healthy)
    assert (severity, found.endswith("Set database_max_gb to be told for how many days there is room.")) == ("ok", True)
    assert "How fast they grow is known after a day." in found
    healthy.execute("CREATE TABLE ses_bounces.large AS SELECT repeat('x', 100) AS x FROM generate_series(1, 20_000)")
    before = healthy.execute("SELECT schema_bytes, database_bytes FROM ses_bounces.size_day").fetchone()
    size_of(healthy)
    rows = healthy.execute("SELECT schema_bytes, database_bytes FROM ses_bounces.size_day").fetchall()
    grown = healthy.execute("SELECT pg_total_relation_size('ses_bounces.large')").fetchone()
    assert before
    assert grown
    assert len(rows) == 1
    # Catalogues and statistics are the database's.
    assert rows[0][0] >= before[0] + grown[0]
    assert rows[0][1] >= before[1] + grown[0]
    assert rows[0][1] > rows[0][0]


@pytest.mark.parametrize(
    ("gigabytes", "megabytes_a_day", "severity", "days"),
    [(1, 100, "warning", range(9, 11)), (10, 100, "ok", range(99, 101)), (3, 103, "warning", range(28, 30))],
)
def test_days_of_room_that_are_left(
    ses: FakeSes, healthy: Connection, gigabytes: int, megabytes_a_day: int, severity: str, days: range
) -> None:
    size_of(healthy)
    # The oldest of a month counts; what was before that does not.
    note_size(healthy, 5, 3_000_000)
    note_size(healthy, 20, 20 * megabytes_a_day * 1_000_000)
    note_size(healthy, 40, 0)
    told, found = size_of(healthy, database_max_gb=gigabytes)
    assert told == severity
    grew = f"{megabytes_a_day}.0 MB"
    assert f"In the last 20 days the schema grew by {grew} a day, the database grew by {grew}." in found
    left = re.search(
        r" [\d,.]+ [GM]B of database_max_gb \((\d+) GB\) are left: enough for (\d+) days like those\.", found
    )
    assert left, found
    assert (int(left[1]), int(left[2]) in days) == (gigabytes, True), found


def test_no_days_are_told_where_nothing_grows(ses: FakeSes, healthy: Connection) -> None:
    size_of(healthy)
    note_size(healthy, 1, -5_000_000)
    severity, found = size_of(healthy, database_max_gb=1)
    assert (severity, found.endswith(" MB of database_max_gb (1 GB) are left.")) == ("ok", True)
    assert "In the last 1 day the schema shrank by 5.0 MB a day, the database shrank by 5.0 MB." in found


def test_a_database_over_its_room(ses: FakeSes, healthy: Connection) -> None:
    findings = Findings("ledger")
    # Less than settings can say: no test fills a gigabyte.
    check_size(findings, healthy, of().model_copy(update={"database_max_gb": 0}))
    [found] = findings.all
    assert (found.severity, " MB over database_max_gb (0 GB)." in found.found) == ("warning", True)


def test_messages_kept_in_quarantine_count(ses: FakeSes, healthy: Connection) -> None:
    columns = "message_id, sqs_message_id, queue_url, event_type, body, sent_at, received_at, outcome"
    healthy.execute(
        f"INSERT INTO ses_bounces.quarantine ({columns}) SELECT {columns} FROM ses_bounces.message WHERE message_id = 1"
    )
    healthy.execute("UPDATE ses_bounces.quarantine SET outcome = 'quarantined', reason = 'not JSON'")
    assert of_ledger(healthy) == {("quarantine", "", "warning")}


def test_what_is_due_and_protected_does_not_differ(ses: FakeSes, healthy: Connection) -> None:
    """Lists that lag by what the next run does are not wrong."""
    land(healthy, bounce("dee@example.com", "Transient"), days_ago=20)
    healthy.execute("UPDATE ses_bounces.bounce_list SET due_at = now() WHERE closed_at IS NULL AND kind = 'transient'")
    mirror_settings(healthy, True, ["anna@example.com"])
    assert of_ledger(healthy) == set()
    with writing(healthy) as writer:
        writer.touch_due(100)
    assert of_ledger(healthy) == set()
    # Protected: no cause any more, and nobody forgot to lift it.
    healthy.execute("UPDATE ses_bounces.blocked_list SET unblocked_at = NULL WHERE address = 'anna@example.com'")
    assert of_ledger(healthy) == {("lists", "", "critical")}


class FakeDags:
    """Airflow's answers."""

    def __init__(self, **changes: Any) -> None:
        self.paused: dict[str, bool | None] = {}
        self.runs: dict[tuple[str, str], datetime] = {}
        self.paused |= changes

    def is_paused(self, dag_id: str) -> bool | None:
        return self.paused.get(dag_id, False)

    def last(self, dag_id: str, state: str) -> datetime | None:
        return self.runs.get((dag_id, state))


@pytest.mark.parametrize(
    ("succeeded", "failed", "severity"),
    [
        (None, None, None),
        (1, None, None),
        (1, 2, None),
        (2, 1, None),
        (4, 1, "warning"),
        (49, 1, "critical"),
        (None, 1, "warning"),
    ],
)
def test_a_dag_that_fails(succeeded: float | None, failed: float | None, severity: str | None) -> None:
    now = datetime.now(UTC)
    dags = FakeDags()
    for state, hours in (("success", succeeded), ("failed", failed)):
        if hours is not None:
            dags.runs["ses_bounces", state] = now - timedelta(hours=hours)
    assert problems(check_dags(dags)) == ({("dag", "ses_bounces", severity)} if severity else set())


def test_a_daily_dag_has_more_time_and_none_is_critical() -> None:
    now = datetime.now(UTC)
    dags = FakeDags()
    dags.runs["ses_suppression_sync", "failed"] = now
    for days, severity in ((1, None), (3, "warning"), (9, "warning")):
        dags.runs["ses_suppression_sync", "success"] = now - timedelta(days=days)
        assert problems(check_dags(dags)) == ({("dag", "ses_suppression_sync", severity)} if severity else set())


def test_dags_that_are_paused_or_missing() -> None:
    assert problems(check_dags(FakeDags(ses_bounces=True, ses_lift_blocks=None))) == {
        ("dag", "ses_bounces", "warning"),
        ("dag", "ses_lift_blocks", "warning"),
    }
    assert problems(check_dags(FakeDags(ses_bounces=None))) == {("dag", "ses_bounces", "critical")}


def test_findings_are_kept_by_area_and_their_beginning_too(database: Connection) -> None:
    def store(area: str, *found: tuple[str, str, Any]) -> None:
        findings = Findings(area)
        for check, subject, severity in found:
            findings.add(check, subject, severity, "Found.", "Meaning.", "To do.")
        store_findings(database, findings)

    store("queues", ("queue", "a", "warning"), ("queue", "b", "ok"))
    store("ledger", ("lists", "", "critical"))
    assert [(f.check, f.subject, f.severity) for f in open_findings(database)] == [
        ("lists", "", "critical"),
        ("queue", "a", "warning"),
    ]
    before = {(f.check, f.subject): f for f in read_findings(database)}
    assert before["queue", "b"].meaning == ""
    store("queues", ("queue", "a", "warning"), ("queue", "c", "unknown"))
    after = {(f.check, f.subject): f for f in read_findings(database)}
    assert set(after) == {("lists", ""), ("queue", "a"), ("queue", "c")}
    assert after["queue", "a"].since == before["queue", "a"].since
    assert after["queue", "a"].checked_at > before["queue", "a"].checked_at  # type: ignore[operator]
    store("queues", ("queue", "a", "critical"))
    [graver] = [f for f in open_findings(database) if f.check == "queue"]
    assert graver.since > after["queue", "a"].since  # type: ignore[operator]
    assert graver == Finding("queue", "a", "critical", "Found.", "Meaning.", "To do.", graver.since, graver.checked_at)


def test_of_one_thing_the_gravest_counts_and_the_table_shows_all() -> None:
    findings = Findings("queues")
    for severity in ("ok", "critical", "warning"):
        findings.add("queue", "a", severity, f"It is {severity}.", "It means this.", "Do that.")  # type: ignore[arg-type]
    findings.ok("retention", "a-queue-with-a-name-that-is-longer-than-a-third-of-the-line", "14 days.")
    assert table_of(findings.all, 60) == [
        "critical  queue (a)             It is critical.",
        "                                It means this.",
        "                                → Do that.",
        "ok        retention (a-queue-with-a-name-that-is-longer-than-a-third-of-the-line)",
        "                                14 days.",
    ]
    assert table_of([], 60) == ["Nothing was looked at."]


def test_teardown_is_a_dead_feed(ses: FakeSes, healthy: Connection) -> None:
    settings = of()
    apply(plan_teardown(target(), Use({})))
    assert of_aws(settings) == {("queue", "q", "critical")}
    assert of_sending(healthy, settings) == set()


def test_reports_that_were_not_sent(healthy: Connection) -> None:
    assert of_ledger(healthy, report_email_to="ops@example.com", report_chat_conn_id="chat") == set()
    healthy.execute(
        "INSERT INTO ses_bounces.report_day (day, timezone, made_at, ledger_position, summary, html, csv)"
        " SELECT (now() AT TIME ZONE 'UTC')::date - n, 'UTC', now() - interval '7 hours', 0, '{\"new_addresses\": 0}', '', ''"
        " FROM generate_series(2, 3) n"
    )
    assert of_ledger(healthy) == set()
    assert of_ledger(healthy, report_email_to="ops@example.com") == {("report", "email", "warning")}
    healthy.execute(
        "INSERT INTO ses_bounces.report_notice (day, channel, sent_at) SELECT r.day, 'email', now()"
        " FROM ses_bounces.report_day r"
    )
    changes = {"report_email_to": "ops@example.com", "report_chat_conn_id": "chat"}
    assert of_ledger(healthy, **changes) == {("report", "chat", "warning")}


SECRET = "a secret of the tests, long enough to be one"


@pytest.mark.parametrize(
    ("password", "severity", "says"),
    [
        (SECRET, "ok", "It is the one that addresses were erased with."),
        (None, "critical", 'Airflow connection "ses_bounces_erasure" is missing, or has no password'),
        ("", "critical", 'Airflow connection "ses_bounces_erasure" is missing, or has no password'),
        ("short", "critical", "has 5 characters; it must have at least 32"),
        (
            "another secret, that nobody was erased with",
            "critical",
            "is not the secret that addresses were erased with",
        ),
    ],
)
def test_the_secret_that_erased_addresses_are_recognised_by(
    healthy: Connection, monkeypatch: pytest.MonkeyPatch, password: str | None, severity: str, says: str
) -> None:
    def found() -> tuple[str, str]:
        [finding] = [f for f in check_ledger(healthy, of()).all if f.check == "erasure secret"]
        return finding.severity, finding.found

    assert found() == ("ok", "Nobody was erased; no secret is needed.")
    # As in a process that has used it before: what is known there is no answer.
    secret = Secret(SECRET)
    erase(healthy, Action("admin", "asked for it by letter", str(uuid.uuid4())), ["anna@example.com"], secret=secret)
    if password is not None:
        connection = json.dumps({"conn_type": "generic", "password": password})
        monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_ERASURE", connection)
    told, words = found()
    assert (told, says in words) == (severity, True), words
    assert not password or password == "short" or password not in words
