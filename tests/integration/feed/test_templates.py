"""Templates of the plan: they pass their language's own check, and the plan of a feed made from one is all right."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cfnlint.api import lint

from dev.ses import FakeSes
from ses_bounces.base.exceptions import SetupError
from ses_bounces.feed.setup.cloudformation import cloudformation
from ses_bounces.feed.setup.options import Options, Target, open_target
from ses_bounces.feed.setup.plan import apply
from ses_bounces.feed.setup.provision import plan_setup
from ses_bounces.feed.setup.terraform import terraform
from tests.kit import terraform as terraform_kit

ACCOUNT = "000000000000"
REGION = "us-east-1"
OPTIONS = Options("news@example.com", REGION, topic="t", queue="q", dead_letter_queue="d")
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:t"
FEEDS: list[dict[str, Any]] = [
    {},
    {"deliveries": False, "keep_forwarding": True},
    {"configuration_set": "newsletter"},
    {"kms_key": "a customer's"},
]


@pytest.fixture(scope="module")
def opened(server: FakeSes) -> Iterator[Target]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", server.connection_json(region=None))
        yield open_target(OPTIONS)


@pytest.fixture
def ses(server: FakeSes, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSes]:
    """An account with nothing in it."""
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", server.connection_json(region=None))
    server.account.clear()
    yield server
    server.aws.reset()
    server.region().topics.clear()
    server.region().forwarding.clear()


def target(opened: Target, ses: FakeSes, changes: dict[str, Any]) -> Target:
    """The target with other options; a customer's key is made, with a policy that lets SES and SNS in."""
    if changes.get("kms_key"):
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": ["ses.amazonaws.com", "sns.amazonaws.com"]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        changes = {**changes, "kms_key": ses.client("kms").create_key(Policy=policy)["KeyMetadata"]["KeyId"]}
    return replace(opened, options=replace(OPTIONS, **changes))


def printed(target: Target) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cloudformation(plan_setup(target), target))
    return found


def make_stack(ses: FakeSes, template: dict[str, Any]) -> None:
    """Make the stack of a template, then run the commands that its comments name."""
    stacks = ses.aws.client("cloudformation")
    stacks.create_stack(StackName="feed", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="feed", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    for comment in template["Metadata"]["Comments"]:
        if command := comment.partition(" Run: ")[2]:
            run_aws(ses, command)


def run_aws(ses: FakeSes, command: str) -> None:
    """Run a command of AWS's shell: its words are those of the API."""
    program, service, operation, *words = shlex.split(command)
    assert program == "aws"
    given: dict[str, Any] = {}
    while words:
        option = words.pop(0).removeprefix("--")
        switched = not words or words[0].startswith("--")
        value: Any = not option.startswith("no-") if switched else words.pop(0)
        given["".join(part.capitalize() for part in option.removeprefix("no-").split("-"))] = value
    assert given.pop("Region") == REGION
    getattr(ses.client(service), operation.replace("-", "_"))(**given)


@pytest.mark.parametrize("changes", FEEDS, ids=str)
def test_cloudformation_takes_it_and_the_plan_is_all_right(
    ses: FakeSes, opened: Target, changes: dict[str, Any]
) -> None:
    there = target(opened, ses, changes)
    template = printed(there)
    assert lint(json.dumps(template), regions=[REGION]) == []
    key = there.options.kms_key
    for name in ("Topic", "Queue", "DeadLetterQueue"):
        assert template["Resources"][name]["Properties"].get("KmsMasterKeyId") == key
    make_stack(ses, template)
    made = plan_setup(there)
    # What others keep: the customer's key, and forwarding where it was asked for.
    assert {s.verdict for s in made.steps if s.kind not in ("KMS key", "forwarding")} == {"right"}
    assert made.to_do == []
    assert printed(there)["Resources"] == template["Resources"]


@pytest.mark.parametrize("changes", FEEDS, ids=str)
def test_terraform_makes_it_and_the_plan_is_all_right(ses: FakeSes, opened: Target, changes: dict[str, Any]) -> None:
    there = target(opened, ses, changes)
    text = terraform(plan_setup(there), there)
    terraform_kit.apply(ses.client, json.loads(text))
    made = plan_setup(there)
    assert {s.verdict for s in made.steps if s.kind not in ("KMS key", "forwarding")} == {"right"}
    assert made.to_do == []
    assert json.loads(terraform(made, there))["resource"] == json.loads(text)["resource"]
    assert not any(" Run: " in comment for comment in json.loads(text)["//"])


def test_terraform_finds_no_template_of_its_own_in_an_identity(ses: FakeSes, opened: Target) -> None:
    there = target(opened, ses, {"identity": "a${b}%{c}@example.com"})
    named = json.loads(terraform(plan_setup(there), there))["resource"]["aws_sesv2_email_identity"]["identity"]
    assert named["email_identity"] == "a$${b}%%{c}@example.com"


@pytest.mark.parametrize("changes", FEEDS, ids=str)
def test_it_declares_what_the_setup_makes(ses: FakeSes, opened: Target, changes: dict[str, Any]) -> None:
    there = target(opened, ses, changes)
    before = printed(there)["Resources"]
    apply(plan_setup(there))
    assert printed(there)["Resources"] == before


def test_the_names_and_policies_are_those_of_the_plan(ses: FakeSes, opened: Target) -> None:
    template = printed(target(opened, ses, {}))
    resources = template["Resources"]
    queue, topic = resources["Queue"]["Properties"], resources["TopicPolicy"]["Properties"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert queue["MessageRetentionPeriod"] == 1_209_600
    assert topic["PolicyDocument"]["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceAccount": ACCOUNT}}
    lets = resources["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert [one["Condition"] for one in lets] == [{"ArnEquals": {"aws:SourceArn": {"Ref": "Topic"}}}]
    comments = template["Metadata"]["Comments"]
    assert comments[0] == f"Apply this in region {REGION} of account {ACCOUNT}."
    assert (
        "This does not set notification bounce of news@example.com. Run: aws ses set-identity-notification-topic "
        f"--region {REGION} --identity news@example.com --notification-type Bounce --sns-topic {TOPIC}"
    ) in comments


def test_what_others_made_is_not_declared(ses: FakeSes, opened: Target) -> None:
    ses.client("sns").create_topic(Name="t")
    ses.client("sesv2").create_email_identity(EmailIdentity="news@example.com")
    template = printed(target(opened, ses, {}))
    assert set(template["Resources"]) == {"DeadLetterQueue", "Queue", "QueuePolicy", "Subscription"}
    assert template["Resources"]["Subscription"]["Properties"]["TopicArn"] == TOPIC
    comments = template["Metadata"]["Comments"]
    assert f"This does not declare topic {TOPIC}: it is there and others made it, so change it by hand." in comments
    assert any(comment.startswith('Policy: + {"Sid": "SesBounces"') for comment in comments)
    assert "This does not declare identity news@example.com: not ours, left alone." in comments


def test_a_feed_that_others_made_wholly_needs_no_template(ses: FakeSes, opened: Target) -> None:
    sqs, sns = ses.client("sqs"), ses.client("sns")
    for name in ("q", "d"):
        sqs.create_queue(QueueName=name)
    sns.create_topic(Name="t")
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:q")
    ses.client("sesv2").create_email_identity(EmailIdentity="news@example.com")
    with pytest.raises(SetupError, match="There is nothing for a template to make"):
        printed(target(opened, ses, {}))


def test_nothing_is_printed_while_something_is_in_the_way(ses: FakeSes, opened: Target) -> None:
    ses.client("sqs").create_queue(QueueName="q", Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    with pytest.raises(SetupError, match=r"encrypted with alias/aws/sqs[^\n]*\nNo template was printed"):
        printed(target(opened, ses, {}))
