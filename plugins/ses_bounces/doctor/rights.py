"""Each right that the job uses, tried where it changes nothing: on a receipt handle, an address, a job of nobody.

AWS looks at the permission before it looks for the thing, so a refusal of the thing proves the right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ses_bounces.base.aws.clients import explained
from ses_bounces.base.aws.errors import code_of
from ses_bounces.doctor.clients import Clients
from ses_bounces.doctor.finding import Findings

NOBODY = "nobody@airflow-ses-bounces.invalid"
NO_ADDRESS = "airflow-ses-bounces"
NO_HANDLE = "AQEBnobody"
NO_JOB = "00000000-0000-0000-0000-000000000000"
# Each receipt counts towards the dead-letter queue: the doctor receives nothing where fewer than this are allowed.
RECEIPTS_TO_SPARE = 10
_HANDLE_REFUSED = ("ReceiptHandleIsInvalid", "InvalidParameterValue", "InvalidAddress", "InvalidIdFormat")
_THING_REFUSED = ("NotFoundException", "BadRequestException", "InvalidNextTokenException")


def try_queue(findings: Findings, sqs: Any, url: str, max_receives: int | None) -> None:
    """Try each right of a drain on a queue.

    :param max_receives: the number of receipts after which a message goes to the dead-letter queue; None: never.
    """
    name = url.rpartition("/")[2]
    calls: dict[str, Callable[[], Any]] = {
        "sqs:DeleteMessage": lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle=NO_HANDLE),
        "sqs:ChangeMessageVisibility": lambda: sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=NO_HANDLE, VisibilityTimeout=0
        ),
    }
    for action, call in calls.items():
        _try(findings, action, name, url, call, _HANDLE_REFUSED)
    if max_receives is not None and max_receives < RECEIPTS_TO_SPARE:
        found = f"A receipt was not tried: after {max_receives} the queue sets a message aside."
        findings.add(
            "right", f"{name}: sqs:ReceiveMessage", "unknown", found, "The next drain tells.",
            f"Set the queue's maxReceiveCount to {RECEIPTS_TO_SPARE} or more; 1,000 is advised.",
        )  # fmt: skip
        return
    # What it receives is visible to everybody else all the while.
    _try(
        findings, "sqs:ReceiveMessage", name, url,
        lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=0, VisibilityTimeout=0), (),
    )  # fmt: skip


def try_list(findings: Findings, clients: Clients, sesv2: Any, region: str) -> None:
    """Try each right on SES's suppression list that the settings make use of."""
    settings = clients.settings
    calls: dict[str, Callable[[], Any]] = {
        "ses:ListSuppressedDestinations": lambda: sesv2.list_suppressed_destinations(PageSize=1),
    }
    if settings.lift_at_ses:
        calls["ses:DeleteSuppressedDestination"] = lambda: sesv2.delete_suppressed_destination(EmailAddress=NOBODY)
    if settings.push_to_ses:
        # Even an address that belongs to nobody must not be put there.
        calls["ses:PutSuppressedDestination"] = lambda: sesv2.put_suppressed_destination(
            EmailAddress=NO_ADDRESS, Reason="BOUNCE"
        )
    if settings.ses_import_url:
        calls["ses:GetImportJob"] = lambda: sesv2.get_import_job(JobId=NO_JOB)
    for action, call in calls.items():
        clients.pace.wait()
        _try(findings, action, region, region, call, _THING_REFUSED)


def _try(
    findings: Findings, action: str, subject: str, what: str, call: Callable[[], Any], refusals: tuple[str, ...]
) -> None:
    from botocore.exceptions import ClientError

    name = f"{subject}: {action}"
    with findings.trying("right", name, needed=True), explained(action, what):
        try:
            call()
        except ClientError as error:
            if (code_of(error) or "").rpartition("#")[2].rpartition(".")[2] not in refusals:
                raise
        findings.ok("right", name, "It is there.")
