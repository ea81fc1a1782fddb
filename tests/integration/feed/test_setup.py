"""Setting up and taking down over HTTP: plans, repetition, kills, refusals, and what is not ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dev.ses import FakeSes
from ses_bounces.base.aws import clients
from ses_bounces.base.exceptions import AwsError, AwsRefusedError, SetupError
from ses_bounces.base.sites import Site
from ses_bounces.feed.senders import Sender
from ses_bounces.feed.setup.in_use import Use
from ses_bounces.feed.setup.options import Options, Target, open_target
from ses_bounces.feed.setup.plan import Plan, Step, apply
from ses_bounces.feed.setup.provision import plan_setup, plan_teardown, prove

ACCOUNT = "000000000000"
NOBODY = Use({})
OPTIONS = Options("news@example.com", "us-east-1", topic="t", queue="q", dead_letter_queue="d")


@pytest.fixture(scope="module")
def server(server: FakeSes) -> Iterator[FakeSes]:
    yield server
    _opened.clear()


@pytest.fixture
def ses(server: FakeSes, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSes]:
    """An account with nothing in it."""
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", server.connection_json(region=None))
    server.refuse.clear()
    server.account.clear()
    yield server
    server.refuse.clear()
    server.aws.reset()
    server.region().topics.clear()
    server.region().forwarding.clear()


def account(ses: FakeSes) -> dict[str, Any]:
    """Everything of the account that setting up could touch."""
    sns, sqs, v1, v2 = (ses.client(name) for name in ("sns", "sqs", "ses", "sesv2"))
    identities = v1.list_identities()["Identities"]
    return {
        "topics": {
            t["TopicArn"]: (
                sns.get_topic_attributes(TopicArn=t["TopicArn"])["Attributes"]["Policy"],
                sns.list_tags_for_resource(ResourceArn=t["TopicArn"])["Tags"],
            )
            for t in sns.list_topics()["Topics"]
        },
        "queues": {
            url: {
                key: value
                for key, value in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"].items()
                if "Timestamp" not in key and not (key == "Policy" and not value)
            }
            for url in sqs.list_queues().get("QueueUrls", [])
        },
        "subscriptions": [(s["TopicArn"], s["Endpoint"]) for s in sns.list_subscriptions()["Subscriptions"]],
        "identities": identities,
        "notifications": v1.get_identity_notification_attributes(Identities=identities)["NotificationAttributes"],
        "sets": {
            name: v2.get_configuration_set_event_destinations(ConfigurationSetName=name).get("EventDestinations", [])
            for name in v2.list_configuration_sets()["ConfigurationSets"]
        },
    }


_opened: dict[str, Target] = {}


def target(**changes: Any) -> Target:
    """What open_target gives, with clients that are made once: each takes a second."""
    clients = _opened.get("target") or _opened.setdefault("target", open_target(OPTIONS))
    return replace(clients, options=replace(OPTIONS, **changes))


def verdicts(plan: Plan) -> dict[str, str]:
    return {f"{step.kind} {step.name.rpartition(':')[2]}": step.verdict for step in plan.steps}


def blocked(plan: Plan) -> str:
    return "\n".join(detail for step in plan.steps if step.verdict == "blocked" for detail in step.details)


def set_up(**changes: Any) -> int:
    return apply(plan_setup(target(**changes)))


def test_the_plan_changes_nothing_and_says_all(ses: FakeSes) -> None:
    before = account(ses)
    plan = plan_setup(target())
    assert account(ses) == before
    assert verdicts(plan) == {
        "identity news@example.com": "create",
        "topic t": "create",
        "dead-letter queue d": "create",
        "queue q": "create",
        "subscription t → q": "create",
        "notification bounce of news@example.com": "create",
        "notification complaint of news@example.com": "create",
        "notification delivery of news@example.com": "create",
        "forwarding feedback of news@example.com by e-mail": "change",
    }
    lines = plan.lines()
    assert lines[0] == "+ identity news@example.com: create"
    assert any(line == "~ forwarding feedback of news@example.com by e-mail: change" for line in lines)
    assert json.loads(json.dumps(plan.as_json()))["to_do"] == 9


def test_it_makes_what_the_manual_says_and_the_second_time_nothing(ses: FakeSes) -> None:
    assert set_up() == 9
    made = account(ses)
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:t"
    queues = {url.rpartition("/")[2]: attributes for url, attributes in made["queues"].items()}
    for name in "qd":
        assert queues[name]["MessageRetentionPeriod"] == "1209600"
        assert queues[name]["SqsManagedSseEnabled"] == "true"
    assert queues["q"]["ReceiveMessageWaitTimeSeconds"] == "20"
    assert json.loads(queues["q"]["RedrivePolicy"]) == {
        "deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:d",
        "maxReceiveCount": 1000,
    }
    [statement] = json.loads(queues["q"]["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": arn}}
    [statement] = json.loads(made["topics"][arn][0])["Statement"]
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceAccount": ACCOUNT}}
    assert made["subscriptions"] == [(arn, f"arn:aws:sqs:us-east-1:{ACCOUNT}:q")]
    assert made["notifications"]["news@example.com"] == {
        "BounceTopic": arn,
        "ComplaintTopic": arn,
        "DeliveryTopic": arn,
        "ForwardingEnabled": False,
    }
    again = plan_setup(target())
    assert again.to_do == []
    assert set(verdicts(again).values()) == {"right"}
    assert apply(again) == 0
    assert account(ses) == made


def test_teardown_leaves_the_account_as_it_was(ses: FakeSes) -> None:
    before = account(ses)
    set_up()
    torn = plan_teardown(target(), NOBODY)
    assert torn.notes[1].startswith('Then take queue q out of "queue_urls" in that Variable')
    assert all(step.verdict in ("delete", "change") for step in torn.steps)
    apply(torn)
    assert account(ses) == before
    gone = plan_teardown(target(), NOBODY)
    assert (gone.to_do, len(gone.notes)) == ([], 1)


def test_a_topic_and_a_queue_that_others_report_through_stay(ses: FakeSes) -> None:
    empty = account(ses)
    set_up()
    alone = account(ses)
    set_up(identity="shop.example")
    torn = plan_teardown(target(identity="shop.example"), NOBODY)
    assert {name: word for name, word in verdicts(torn).items() if word not in ("delete", "change")} == {
        "queue q": "left", "dead-letter queue d": "left"
    }  # fmt: skip
    [topic] = [step for step in torn.steps if step.kind == "topic"]
    assert topic.details == [
        "It stays, for others report through it: news@example.com.", "Tag: - ses-bounces:shop.example"
    ]  # fmt: skip
    assert not any("queue_urls" in note for note in torn.notes)
    apply(torn)
    assert account(ses) == alone
    # The last one takes all of it down.
    apply(plan_teardown(target(), NOBODY))
    assert account(ses) == empty


def test_a_mark_of_one_that_reports_no_more_keeps_nothing(ses: FakeSes) -> None:
    set_up()
    tags = [{"Key": "ses-bounces:shop.example", "Value": "Bounce"}]
    ses.client("sns").tag_resource(ResourceArn=target().topic_arn, Tags=tags)
    apply(plan_teardown(target(), NOBODY))
    assert (account(ses)["topics"], account(ses)["queues"]) == ({}, {})


def test_another_team_s_topic_keeps_its_statement_while_others_report_through_it(ses: FakeSes) -> None:
    ses.client("sns").create_topic(Name="t")
    set_up()
    alone = account(ses)
    set_up(identity="shop.example")
    apply(plan_teardown(target(identity="shop.example"), NOBODY))
    assert account(ses) == alone


def test_a_mail_to_the_simulator_proves_it(ses: FakeSes) -> None:
    set_up()
    message_id = prove(target(), 20)
    # It was given back: the drain gets it.
    received = ses.client("sqs").receive_message(QueueUrl=f"{ses.aws.endpoint_url}/{ACCOUNT}/q", WaitTimeSeconds=2)
    assert message_id in received["Messages"][0]["Body"]
    [subscription] = ses.client("sns").list_subscriptions()["Subscriptions"]
    ses.client("sns").unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    with pytest.raises(AwsError, match="did not arrive in 1 s"):
        prove(target(), 1)


def test_what_cannot_be_proved_says_why(ses: FakeSes) -> None:
    with pytest.raises(SetupError, match="not set up yet"):
        prove(target())
    set_up(deliveries=False)
    with pytest.raises(SetupError, match="Deliveries are not reported"):
        prove(target(deliveries=False))


@pytest.mark.parametrize("after", range(1, 9))
def test_a_killed_run_is_finished_by_the_next(ses: FakeSes, after: int) -> None:
    before = account(ses)

    class KilledError(BaseException):
        pass

    done: list[Step] = []

    def each(step: Step) -> None:
        done.append(step)
        if len(done) == after:
            raise KilledError

    with pytest.raises(KilledError):
        apply(plan_setup(target()), each)
    assert set_up() == 9 - after
    assert plan_setup(target()).to_do == []
    apply(plan_teardown(target(), NOBODY))
    assert account(ses) == before


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("CreateEmailIdentity", "ses:CreateEmailIdentity"),
        ("CreateTopic", "sns:CreateTopic"),
        ("CreateQueue", "sqs:CreateQueue"),
        ("Subscribe", "sns:Subscribe"),
        ("SetIdentityNotificationTopic", "ses:SetIdentityNotificationTopic"),
        ("SetIdentityFeedbackForwardingEnabled", "ses:SetIdentityFeedbackForwardingEnabled"),
    ],
)
def test_one_denied_action_is_one_sentence_and_nothing_by_half(ses: FakeSes, operation: str, action: str) -> None:
    before = account(ses)
    ses.refuse[operation] = ("AccessDenied", None)
    with pytest.raises(AwsRefusedError) as raised:
        set_up()
    text = str(raised.value)
    assert text.startswith(f"{action} on ")
    assert "lacks a permission; see the policy in docs/iam.md" in text
    assert text.endswith("Nothing was changed: what was done before that was undone.")
    assert account(ses) == before


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("GetAccount", "ses:GetAccount"),
        ("GetEmailIdentity", "ses:GetEmailIdentity"),
        ("GetIdentityNotificationAttributes", "ses:GetIdentityNotificationAttributes"),
        ("GetTopicAttributes", "sns:GetTopicAttributes"),
        ("ListTagsForResource", "sns:ListTagsForResource"),
        ("ListSubscriptionsByTopic", "sns:ListSubscriptionsByTopic"),
        ("GetQueueUrl", "sqs:GetQueueUrl"),
        ("GetQueueAttributes", "sqs:GetQueueAttributes"),
        ("ListQueueTags", "sqs:ListQueueTags"),
    ],
)
def test_what_may_not_be_looked_at_is_one_sentence_too(ses: FakeSes, operation: str, action: str) -> None:
    set_up()
    before = account(ses)
    ses.refuse[operation] = ("AccessDeniedException", None)
    with pytest.raises(AwsRefusedError) as raised:
        set_up()
    assert re.fullmatch(rf"{action} on \S+ was refused \(AccessDeniedException\): [^.]+\.md\.", str(raised.value))
    ses.refuse.clear()
    assert account(ses) == before


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_credentials_that_are_not_good_are_told_before_anything_is_done(ses: FakeSes, code: str) -> None:
    ses.refuse["GetCallerIdentity"] = (code, None)
    with pytest.raises(AwsRefusedError, match=rf"sts:GetCallerIdentity .* was refused \({code}\)"):
        open_target(OPTIONS)


def test_throttling_is_waited_for(ses: FakeSes) -> None:
    ses.refuse["CreateEmailIdentity"] = ("TooManyRequestsException", 2)
    assert set_up() == 9


def test_throttling_that_does_not_end_undoes_what_was_done(ses: FakeSes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "PATIENCE_SECONDS", 1)
    before = account(ses)
    ses.refuse["Subscribe"] = ("Throttling", None)
    with pytest.raises(AwsError, match=r"AWS asks for fewer requests.*Nothing was changed"):
        set_up()
    assert account(ses) == before


def test_what_can_not_be_undone_is_named(ses: FakeSes) -> None:
    ses.refuse |= {"Subscribe": ("AccessDenied", None), "DeleteQueue": ("AccessDenied", None)}
    with pytest.raises(AwsRefusedError, match="These could not be undone: queue q, dead-letter queue d"):
        set_up()
    ses.refuse.clear()
    assert set_up() == 7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"identity": ""}, "identity is missing; give the domain that you send from, or a FROM address"),
        ({"identity": "no identity"}, "identity is 'no identity'; it must be a domain, or a FROM address"),
        ({"queue": "q.fifo"}, "queue is 'q.fifo'; it must be a standard one"),
        ({"topic": "t.fifo"}, "topic is 't.fifo'; it must be a standard one"),
        ({"queue": "q q"}, "queue is 'q q'; it must be a name"),
        ({"dead_letter_queue": "q"}, "dead_letter_queue is 'q', like queue"),
        ({"region": "us-eats-1"}, r"region is 'us-eats-1'; SES is in none of that name\. Did you mean us-east-1\?"),
        (
            {"topic": f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"},
            "topic is in region eu-west-1, and SES is asked in us-east-1",
        ),
        ({"topic": "arn:aws:sns:us-east-1:123456789012:t"}, "topic belongs to account 123456789012"),
    ],
)
def test_wrong_names_are_told_before_anything_is_done(ses: FakeSes, changes: dict[str, str], message: str) -> None:
    before = account(ses)
    with pytest.raises(SetupError, match=message):
        open_target(replace(OPTIONS, **changes))
    assert account(ses) == before


def test_a_queue_of_another_topic_is_in_the_way(ses: FakeSes) -> None:
    sns, sqs = ses.client("sns"), ses.client("sqs")
    other = sns.create_topic(Name="other")["TopicArn"]
    sqs.create_queue(QueueName="q")
    sns.subscribe(TopicArn=other, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:q")
    before = account(ses)
    plan = plan_setup(target())
    assert blocked(plan) == (
        f"Queue q is subscribed to {other} already: it is not ours alone. Name another queue, or that topic."
    )
    with pytest.raises(SetupError, match="Nothing was changed"):
        apply(plan)
    assert account(ses) == before


def test_an_identity_that_reports_elsewhere_is_in_the_way(ses: FakeSes) -> None:
    arn = ses.client("sns").create_topic(Name="other")["TopicArn"]
    v1 = ses.client("ses")
    v1.verify_email_identity(EmailAddress="news@example.com")
    v1.set_identity_notification_topic(Identity="news@example.com", NotificationType="Bounce", SnsTopic=arn)
    assert f"news@example.com reports each bounce to {arn}: that is not ours" in blocked(plan_setup(target()))


def test_a_key_that_aws_manages_is_in_the_way(ses: FakeSes) -> None:
    ses.client("sqs").create_queue(QueueName="q", Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    assert "encrypted with alias/aws/sqs, whose policy lets no message of SNS in" in blocked(plan_setup(target()))


def test_what_others_made_gets_one_statement_and_keeps_the_rest(ses: FakeSes) -> None:
    sns, sqs, v1 = ses.client("sns"), ses.client("sqs"), ses.client("ses")
    sns.create_topic(Name="t")
    sqs.create_queue(QueueName="q", Attributes={"MessageRetentionPeriod": "345600"})
    sqs.create_queue(QueueName="d")
    ses.client("sesv2").create_email_identity(EmailIdentity="news@example.com")
    v1.set_identity_notification_topic(
        Identity="news@example.com", NotificationType="Delivery", SnsTopic=f"arn:aws:sns:us-east-1:{ACCOUNT}:t"
    )
    before = account(ses)
    plan = plan_setup(target())
    found = verdicts(plan)
    assert (found["identity news@example.com"], found["dead-letter queue d"]) == ("left", "left")
    assert (found["topic t"], found["queue q"]) == ("change", "change")
    queue = next(step for step in plan.steps if step.name == "q")
    assert "MessageRetentionPeriod is 345600; 1209600 is advised. It is not ours, and left so." in queue.details
    apply(plan)
    assert plan_setup(target()).to_do == []
    assert (
        sqs.get_queue_attributes(QueueUrl=f"{ses.aws.endpoint_url}/{ACCOUNT}/q", AttributeNames=["All"])["Attributes"][
            "MessageRetentionPeriod"
        ]
        == "345600"
    )
    apply(plan_teardown(target(), NOBODY))
    assert account(ses) == before


def test_ours_that_somebody_changed_is_put_right(ses: FakeSes) -> None:
    set_up()
    ses.client("sqs").set_queue_attributes(
        QueueUrl=f"{ses.aws.endpoint_url}/{ACCOUNT}/q", Attributes={"MessageRetentionPeriod": "60"}
    )
    plan = plan_setup(target())
    [step] = plan.to_do
    assert step.details == ["MessageRetentionPeriod: 60 → 1209600"]
    apply(plan)
    assert plan_setup(target()).to_do == []


def test_messages_are_not_deleted_with_the_queue(ses: FakeSes) -> None:
    set_up()
    ses.client("sqs").send_message(QueueUrl=f"{ses.aws.endpoint_url}/{ACCOUNT}/q", MessageBody="kept")
    with pytest.raises(SetupError, match="It holds about 1 messages: drain them first"):
        apply(plan_teardown(target(), NOBODY))
    apply(plan_teardown(target(discard_messages=True), NOBODY))
    assert account(ses)["queues"] == {}


def test_a_configuration_set_instead_of_notifications(ses: FakeSes) -> None:
    before = account(ses)
    assert set_up(configuration_set="news") == 7
    made = account(ses)
    assert made["notifications"]["news@example.com"] == {"ForwardingEnabled": True}
    [destination] = made["sets"]["news"]
    assert sorted(destination["MatchingEventTypes"]) == ["BOUNCE", "COMPLAINT", "DELIVERY"]
    assert destination["SnsDestination"]["TopicArn"] == f"arn:aws:sns:us-east-1:{ACCOUNT}:t"
    assert plan_setup(target(configuration_set="news")).to_do == []
    [changed] = plan_setup(target(configuration_set="news", deliveries=False)).to_do
    assert (changed.kind, changed.verdict) == ("event destination", "change")
    apply(plan_teardown(target(configuration_set="news"), NOBODY))
    assert account(ses) == before


@pytest.mark.parametrize(
    ("sender", "in_the_way"),
    [
        (Sender("news@example.com", None), {"identity"}),
        (Sender("news@example.com", "news"), {"identity", "configuration set"}),
        (Sender("shop@other.example", "news"), {"configuration set"}),
        (Sender("shop@example.com", "shop"), set()),
    ],
)
def test_what_mail_is_sent_with_is_taken_down_at_a_second_word_only(
    ses: FakeSes, sender: Sender, in_the_way: set[str]
) -> None:
    set_up(configuration_set="news")
    before = account(ses)
    use = Use({sender: datetime(2026, 3, 14, 9, 26, tzinfo=UTC), Sender("x@third.example", None): datetime.now(UTC)})
    plan = plan_teardown(target(configuration_set="news"), use)
    assert {step.kind for step in plan.steps if step.verdict == "blocked"} == in_the_way
    assert blocked(plan).count("the last on 2026-03-14 at 09:26 UTC: SES then refuses such mail.") == len(in_the_way)
    assert sender.address not in blocked(plan)
    if in_the_way:
        with pytest.raises(SetupError, match=r"Mail of 1 FROM address .* or add --even-in-use") as raised:
            apply(plan)
        assert str(raised.value).endswith("Nothing was changed.")
        assert account(ses) == before
    told = plan_teardown(target(configuration_set="news", even_in_use=True), use)
    assert {step.kind for step in told.to_do if any("Mail of 1" in line for line in step.details)} == in_the_way
    apply(told)
    assert (account(ses)["identities"], account(ses)["sets"]) == ([], {})


def test_mail_from_below_a_domain_is_that_domain_s(ses: FakeSes) -> None:
    set_up(identity="example.com")
    for address, word in (
        ("a@mail.example.com", "blocked"),
        ("a@example.com", "blocked"),
        ("a@myexample.com", "delete"),
    ):
        plan = plan_teardown(target(identity="example.com"), Use({Sender(address, None): datetime.now(UTC)}))
        assert verdicts(plan)["identity example.com"] == word, address


def test_the_default_set_of_an_identity_is_in_use(ses: FakeSes) -> None:
    ses.client("sesv2").create_email_identity(EmailIdentity="news@example.com")
    set_up(configuration_set="news")
    ses.client("sesv2").put_email_identity_configuration_set_attributes(
        EmailIdentity="news@example.com", ConfigurationSetName="news"
    )
    plan = plan_teardown(target(configuration_set="news"), NOBODY)
    assert "It is the default configuration set of news@example.com" in blocked(plan)
    apply(plan_teardown(target(configuration_set="news", even_in_use=True), NOBODY))
    assert account(ses)["sets"] == {}
    ses.region().default_sets.clear()


def test_who_sends_may_be_unknown(ses: FakeSes) -> None:
    set_up(configuration_set="news")
    plan = plan_teardown(target(configuration_set="news"), Use({}, unknown="The database is away."))
    assert blocked(plan).count("can't be told: The database is away. Have it sent otherwise first") == 2


def test_what_setting_up_did_not_make_is_left_whoever_sends(ses: FakeSes) -> None:
    ses.client("sesv2").create_email_identity(EmailIdentity="news@example.com")
    set_up()
    plan = plan_teardown(target(), Use({Sender("news@example.com", None): datetime.now(UTC)}))
    assert verdicts(plan)["identity news@example.com"] == "left"
    assert blocked(plan) == ""


def test_sandbox_and_pauses_are_told(ses: FakeSes) -> None:
    ses.account.update(ProductionAccessEnabled=False, SendingEnabled=False)
    notes = "\n".join(plan_setup(target()).notes)
    assert "The account is in the sandbox of us-east-1" in notes
    assert "Sending is paused in us-east-1" in notes
    assert "SES's own suppression list takes nothing" in notes


def test_a_domain_s_records_are_told(ses: FakeSes) -> None:
    plan = plan_setup(target(identity="example.com"))
    apply(plan)
    ses.client("sesv2").get_email_identity(EmailIdentity="example.com")
    assert plan.steps[0].details == ["It is verified."]


NEWS = Site("news")


def test_what_another_site_made_is_in_the_way_and_left_alone(ses: FakeSes) -> None:
    with NEWS.current():
        set_up(configuration_set="news")
        set_up()
    before = account(ses)
    plan = plan_setup(target())
    assert [(step.kind, step.verdict) for step in plan.steps if step.verdict != "right"] == [
        (kind, "blocked") for kind in ("identity", "topic", "dead-letter queue", "queue")
    ]
    assert "The queue q is that of the site ses_bounces_news, by its tag ses-bounces:site" in blocked(plan)
    assert "The configuration set news is that of the site" in blocked(plan_setup(target(configuration_set="news")))
    for changes in ({}, {"configuration_set": "news"}):
        with pytest.raises(SetupError, match="is that of the site ses_bounces_news"):
            set_up(**changes)
        torn = plan_teardown(target(**changes, discard_messages=True), NOBODY)
        assert torn.to_do == []
        assert apply(torn) == 0
    assert account(ses) == before
    with NEWS.current():
        assert plan_setup(target()).to_do == []
        apply(plan_teardown(target(configuration_set="news"), NOBODY))
    assert account(ses)["queues"] == account(ses)["topics"] == {}


@pytest.mark.parametrize("name", ["queue", "dead_letter_queue", "topic"])
def test_one_thing_of_another_site_is_enough(ses: FakeSes, name: str) -> None:
    names = {"topic": "t2", "queue": "q2", "dead_letter_queue": "d2"}
    with NEWS.current():
        set_up(identity="news.example", **names)
    before = account(ses)
    with pytest.raises(SetupError, match="is that of the site ses_bounces_news"):
        set_up(**{name: names[name]})
    apply(plan_teardown(target(**{name: names[name]}, discard_messages=True), NOBODY))
    assert account(ses) == before


def test_what_was_made_before_there_were_sites_is_that_of_the_one_without_a_name(ses: FakeSes) -> None:
    set_up()
    url = f"{ses.aws.endpoint_url}/{ACCOUNT}/q"
    ses.client("sqs").untag_queue(QueueUrl=url, TagKeys=["ses-bounces:site"])
    assert plan_setup(target()).to_do == []
    with NEWS.current():
        assert "The queue q is that of the site ses_bounces, by its tag" in blocked(plan_setup(target()))
    apply(plan_teardown(target(), NOBODY))
    assert account(ses)["queues"] == {}


def test_an_event_destination_that_reports_elsewhere_is_left_alone(ses: FakeSes) -> None:
    """Two sites may share a configuration set that neither made, and their destinations have one name."""
    ses.client("sesv2").create_configuration_set(ConfigurationSetName="shared")
    with NEWS.current():
        set_up(configuration_set="shared", topic="t2", queue="q2", dead_letter_queue="d2")
    before = account(ses)
    assert "It reports to " in blocked(plan_setup(target(configuration_set="shared")))
    apply(plan_teardown(target(configuration_set="shared"), NOBODY))
    assert account(ses) == before
