"""The plan of setting up a feed, the plan of taking it down, and the proof that it works."""

from __future__ import annotations

import json
import time
from typing import Any

from ses_bounces.base.aws.clients import explained
from ses_bounces.base.exceptions import AwsError, SetupError
from ses_bounces.feed import policies
from ses_bounces.feed.setup import in_use, sending, topology, whose
from ses_bounces.feed.setup.in_use import Use
from ses_bounces.feed.setup.key import look_at_key
from ses_bounces.feed.setup.options import Target
from ses_bounces.feed.setup.plan import Plan, Step, Undo, nothing

SIMULATOR = "success@simulator.amazonses.com"
# What SNS and SQS may take from a mail to its report, by a wide margin.
PROOF_SECONDS = 60


def plan_setup(target: Target) -> Plan:
    """Look at everything that the feed needs, and say what to do. Nothing is changed.

    :raises AwsRefusedError: a permission to look is missing, or the credentials are not good.
    """
    notes = account_notes(target)
    key = look_at_key(target)
    steps = [
        *([key] if key else []),
        sending.look_at_identity(target),
        topology.look_at_topic(target),
        topology.look_at_dead_letter_queue(target),
        topology.look_at_queue(target),
        topology.look_at_subscription(target),
    ]
    if target.options.configuration_set:
        steps += sending.look_at_configuration_set(target)
        notes.append(
            f"Only mail that is sent with configuration set {target.options.configuration_set} is reported; SES goes "
            "on forwarding feedback by e-mail."
        )
    else:
        steps += sending.look_at_notifications(target)
    if not target.options.deliveries:
        notes.append("Without deliveries a transient problem ends with its deadline only: consider promotion = expire.")
    return Plan(steps, notes)


def account_notes(target: Target) -> list[str]:
    """Say what about the account's sending is worth knowing."""
    with explained("ses:GetAccount", target.region):
        account = target.sesv2.get_account()
    notes = []
    if not account.get("ProductionAccessEnabled"):
        notes.append(
            f"The account is in the sandbox of {target.region}: SES sends to verified addresses and the mailbox "
            "simulator only, and its suppression list can't be written. Ask for production access in the SES console."
        )
    if not account.get("SendingEnabled", True):
        notes.append(f"Sending is paused in {target.region}: see the SES console.")
    reasons = account.get("SuppressionAttributes", {}).get("SuppressedReasons", [])
    if set(reasons) != {"BOUNCE", "COMPLAINT"}:
        kept = " and ".join(reason.lower() for reason in reasons) or "nothing"
        notes.append(f"SES's own suppression list takes {kept}: bounces lost in an outage can't all come back from it.")
    return notes


def plan_teardown(target: Target, use: Use) -> Plan:
    """Say how to take away what setting up made, and nothing else. Nothing is changed.

    The ledger in Postgres and the Variable stay.

    :param use: who sends: an identity or configuration set in use is blocked, unless the options say otherwise.
    """
    attributes = topology.topic_attributes(target)
    tags = topology.topic_tags(target) if attributes is not None else {}
    identity = sending.find_identity(target)
    left = whose.untouched("topic", target.topic_arn, tags)
    others = [] if left else sending.others_reporting(target, tags)
    # What reports to another site's topic, and who is subscribed to it, is that site's as well.
    steps = [left] if left else _take_down_sending(target, tags, use, identity)
    if others:
        steps += _leave_shared(target, tags, others)
    else:
        if attributes is not None and not left:
            steps += _take_down_subscription(target)
            steps.append(_take_down_topic(target, attributes, tags))
        statement = policies.queue_statement(target.queue_arn(target.options.queue), target.topic_arn)
        steps += _take_down_queue(target, target.options.queue, "queue", statement)
        steps += _take_down_queue(target, target.options.dead_letter_queue, "dead-letter queue", None)
    if identity is not None:
        ours = whose.is_ours(whose.as_mapping(identity.get("Tags", [])))
        step = Step("identity", target.options.identity, "delete" if ours else "left")
        step.do = lambda: sending.delete_identity(target)
        steps.append(in_use.guarded(step, use.of_identity(target.options.identity), even=target.options.even_in_use))
    notes = ["The schema ses_bounces in Postgres and Airflow Variable ses_bounces stay."]
    if not others and any(step.kind == "queue" for step in steps):
        notes.append(
            f'Then take queue {target.options.queue} out of "queue_urls" in that Variable, or set "enabled" to false: '
            "a queue that is gone fails each run."
        )
    return Plan(steps, notes)


def _take_down_subscription(target: Target) -> list[Step]:
    arn = topology.subscription(target)
    if arn is None or not arn.startswith("arn:"):
        return []
    name = f"{target.topic_arn} → {target.options.queue}"
    url = topology.queue_url(target, target.options.queue)
    if url and (left := whose.untouched("subscription", name, topology.queue_tags(target, url))):
        return [left]
    return [Step("subscription", name, "delete", [], lambda: topology.unsubscribe(target, arn))]


def _leave_shared(target: Target, tags: dict[str, str], others: list[str]) -> list[Step]:
    """Leave topic, subscription and queues to the other identities, and take our mark off the topic."""
    why = f"It stays, for others report through it: {', '.join(others)}."
    mark = sending.mark_key(target.options.identity)
    topic = Step("topic", target.topic_arn, "left", [why])
    if mark in tags:
        topic = Step("topic", target.topic_arn, "change", [why, f"Tag: - {mark}"], lambda: _untag(target, mark))
    queues = (("queue", target.options.queue), ("dead-letter queue", target.options.dead_letter_queue))
    return [topic, *(Step(kind, name, "left", [why]) for kind, name in queues if topology.queue_url(target, name))]


def _untag(target: Target, mark: str) -> Undo:
    with explained("sns:UntagResource", target.topic_arn):
        target.sns.untag_resource(ResourceArn=target.topic_arn, TagKeys=[mark])
    return nothing


def _take_down_sending(
    target: Target, tags: dict[str, str], use: Use, identity_found: dict[str, Any] | None
) -> list[Step]:
    steps: list[Step] = []
    identity = target.options.identity
    marks = tags.get(sending.mark_key(identity), "").split()
    found = sending.notifications(target)
    if sending.FORWARDING in marks and not found.get("ForwardingEnabled", True):
        # First: SES may refuse to be left without any way to report.
        name = f"feedback of {identity} by e-mail"
        steps.append(
            Step("forwarding", name, "change", ["off → on"], lambda: sending.set_forwarding(target, enabled=True))
        )
    for type_, key in sending.TOPIC_KEYS.items():
        if type_ in marks and found.get(key) == target.topic_arn:
            name = f"{type_.lower()} of {identity}"
            steps.append(Step("notification", name, "delete", [], _clearer(target, type_)))
    if target.options.configuration_set and (there := sending.find_configuration_set(target)):
        tags = whose.as_mapping(there[0].get("Tags", []))
        if left := whose.untouched("configuration set", target.options.configuration_set, tags):
            return [*steps, left]
        ours = whose.is_ours(tags)
        if any(sending.is_our_destination(target, item) for item in there[1]):
            label = f"{sending.EVENT_DESTINATION} of {target.options.configuration_set}"
            steps.append(Step("event destination", label, "delete", [], lambda: sending.delete_destination(target)))
        step = Step("configuration set", target.options.configuration_set, "delete" if ours else "left")
        step.do = lambda: sending.delete_configuration_set(target)
        why = use.of_configuration_set(target.options.configuration_set)
        if (identity_found or {}).get("ConfigurationSetName") == target.options.configuration_set:
            why.append(f"It is the default configuration set of {identity}: SES then refuses mail from there.")
        steps.append(in_use.guarded(step, why, even=target.options.even_in_use))
    return steps


def _clearer(target: Target, type_: str) -> Any:
    return lambda: sending.set_topic(target, type_, None)


def _take_down_topic(target: Target, attributes: dict[str, str], tags: dict[str, str]) -> Step:
    arn = target.topic_arn
    if whose.is_ours(tags):

        def delete() -> Undo:
            with explained("sns:DeleteTopic", arn):
                target.sns.delete_topic(TopicArn=arn)
            return nothing

        return Step("topic", arn, "delete", [], delete)
    statement = policies.topic_statement(arn, target.account)
    mark = sending.mark_key(target.options.identity)
    if not policies.has_statement(attributes.get("Policy"), statement) and mark not in tags:
        return Step("topic", arn, "left")

    def give_back() -> Undo:
        policy = policies.without_statement(attributes.get("Policy"), statement["Sid"])
        with explained("sns:SetTopicAttributes", arn):
            target.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
        return _untag(target, mark)

    return Step("topic", arn, "change", [f"Policy: - {json.dumps(statement)}"], give_back)


def _take_down_queue(target: Target, name: str, kind: str, statement: policies.Statement | None) -> list[Step]:
    url = topology.queue_url(target, name)
    if url is None:
        return []
    tags = topology.queue_tags(target, url)
    if left := whose.untouched(kind, name, tags):
        return [left]
    attributes = topology.queue_attributes(target, url)
    if whose.is_ours(tags):
        waiting = sum(int(attributes.get(f"ApproximateNumberOfMessages{rest}", 0)) for rest in ("", "NotVisible"))
        if waiting and not target.options.discard_messages:
            why = f"It holds about {waiting} messages: drain them first (trigger ses_bounces), or have them discarded."
            return [Step(kind, name, "blocked", [why])]

        def delete() -> Undo:
            with explained("sqs:DeleteQueue", name):
                target.sqs.delete_queue(QueueUrl=url)
            return nothing

        return [Step(kind, name, "delete", [], delete)]
    if statement is None or not policies.has_statement(attributes.get("Policy"), statement):
        return [Step(kind, name, "left")]

    def give_back() -> Undo:
        policy = policies.without_statement(attributes.get("Policy"), statement["Sid"])
        with explained("sqs:SetQueueAttributes", url):
            target.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return nothing

    return [Step(kind, name, "change", [f"Policy: - {json.dumps(statement)}"], give_back)]


def prove(target: Target, seconds: float = PROOF_SECONDS) -> str:
    """Send a mail to SES's mailbox simulator, and wait for its delivery to arrive in the queue.

    What is received on the way is given back.

    :returns: the id of the mail.
    :raises SetupError: it can't be proved so, and why.
    :raises AwsError: the report did not arrive in time.
    """
    identity = sending.find_identity(target)
    url = topology.queue_url(target, target.options.queue)
    if identity is None or url is None:
        raise SetupError("The feed is not set up yet: nothing can be proved.")
    if not identity.get("VerifiedForSendingStatus"):
        raise SetupError(" ".join(sending.verification(target.options.identity, identity)))
    if not target.options.deliveries:
        raise SetupError("Deliveries are not reported, so none can prove the feed; bounces are set up all the same.")
    name = target.options.identity
    extra = {"ConfigurationSetName": target.options.configuration_set} if target.options.configuration_set else {}
    with explained("ses:SendEmail", name):
        message_id: str = target.ses.send_email(
            Source=name if "@" in name else f"ses-bounces@{name}",
            Destination={"ToAddresses": [SIMULATOR]},
            Message={"Subject": {"Data": "Feed check"}, "Body": {"Text": {"Data": "Is the feed alive?"}}},
            **extra,
        )["MessageId"]
    if not _arrives(target, url, message_id, time.monotonic() + seconds):
        raise AwsError(
            f"The delivery of mail {message_id} did not arrive in {seconds:.0f} s. Unless a drain has taken it, the "
            "way from SES to the queue is broken somewhere: run the plan again."
        )
    return message_id


def _arrives(target: Target, url: str, message_id: str, until: float) -> bool:
    held: list[str] = []
    try:
        while time.monotonic() < until:
            with explained("sqs:ReceiveMessage", url):
                answer = target.sqs.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2, VisibilityTimeout=PROOF_SECONDS
                )
            for message in answer.get("Messages", []):
                held.append(message["ReceiptHandle"])
                if message_id in message["Body"]:
                    return True
        return False
    finally:
        for handle in held:
            with explained("sqs:ChangeMessageVisibility", url):
                target.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
