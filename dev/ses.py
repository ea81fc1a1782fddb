"""What the AWS emulator lacks of SES: the suppression list, import jobs, and reading back what was set.

A server in front of the emulator: it answers those operations itself and hands everything else on. Management of the
list is case-exact, answers 429 above its rate if it is given one, and pages by `NextToken`, as AWS's does. A mail to a
listed address is accepted and bounces with `OnAccountSuppressionList`.
"""

# ruff: noqa: N802  # A method bears the name of the operation that it answers.
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.aws import EmulatedAws
from dev.endpoint import REGION, Endpoint
from dev.ports import LOOPBACK, free_port
from dev.ses_protocol import error_answer, json_answer, moment, operation_of, xml_answer
from dev.ses_region import Region

START_SECONDS = 20
_NOTIFICATION = {"Bounce": "BounceTopic", "Complaint": "ComplaintTopic", "Delivery": "DeliveryTopic"}
_HOP_HEADERS = ("content-length", "transfer-encoding", "date", "server")
_SERVICE = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")


class FakeSes(Endpoint):
    """The server; `refuse` makes operations fail as AWS does.

    >>> with EmulatedAws(Path("build/aws")) as aws, FakeSes(aws) as ses:
    ...     ses.region().listed["Anna@example.com"] = ("BOUNCE", datetime.now(UTC))
    ...     ses.client("sesv2").list_suppressed_destinations()
    """

    def __init__(self, aws: EmulatedAws, *, requests_per_second: float | None = None, page_size: int = 1_000) -> None:
        """`requests_per_second` is the limit of the suppression list's management; None: there is none."""
        self.aws = aws
        self.port: int = free_port()
        self.page_size = page_size
        self.requests_per_second = requests_per_second
        # By operation, like `DeleteSuppressedDestination`: the error code to answer, and how often (None: always).
        self.refuse: dict[str, tuple[str, int | None]] = {}
        self.calls: Counter[str] = Counter()
        self.throttled = 0
        self.account: dict[str, Any] = {}
        self._regions: dict[str, Region] = {}
        self._last = 0.0
        self._lock = threading.Lock()
        self._http = httpx.AsyncClient(base_url=aws.endpoint_url, trust_env=False, timeout=60)
        route = Route("/{path:path}", self._answer, methods=["GET", "POST", "PUT", "DELETE", "HEAD"])
        config = uvicorn.Config(
            Starlette(routes=[route]), host=LOOPBACK, port=self.port, log_level="warning", access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        until = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise RuntimeError(f"the server in front of the AWS emulator was not ready in {START_SECONDS} s")
            time.sleep(0.02)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    def check_alive(self) -> None:
        """Raises RuntimeError if it has ended."""
        if not self._thread.is_alive():
            raise RuntimeError("the server in front of the AWS emulator has ended")

    def region(self, name: str = REGION) -> Region:
        """SES of a region."""
        return self._regions.setdefault(name, Region())

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        found = _SERVICE.search(request.headers.get("authorization", ""))
        region = self.region(found["region"] if found else REGION)
        raw_path = request.scope["raw_path"].decode()
        operation, parameters = operation_of(request, raw_path, body)
        is_json = raw_path.startswith("/v2/") or "x-amz-target" in request.headers
        with self._lock:
            self.calls[operation] += 1
            if refused := self._refusal(operation, is_json):
                return refused
        own: Callable[[Region, dict[str, Any]], Response] | None = getattr(self, f"_on_{operation}", None)
        answer = own(region, parameters) if own else None
        if answer is None:
            answer = await self._hand_on(request, raw_path, body)
            answer = await self._after(operation, region, parameters, request, answer)
        return answer

    def _refusal(self, operation: str, is_json: bool) -> Response | None:
        if operation in self.refuse:
            code, times = self.refuse[operation]
            if times is not None:
                self.refuse.pop(operation)
                if times > 1:
                    self.refuse[operation] = (code, times - 1)
            status = 429 if code == "TooManyRequestsException" else 400
            return error_answer(code, status, is_json)
        if self.requests_per_second and "Suppress" in operation:
            now = time.monotonic()
            if now - self._last < 1 / self.requests_per_second:
                self.throttled += 1
                return error_answer("TooManyRequestsException", 429, True)
            self._last = now
        return None

    def forget_pace(self) -> None:
        """Forget when the last request came: the next one is never too early."""
        self._last = 0.0

    async def _hand_on(self, request: Request, raw_path: str, body: bytes) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        sent = await self._http.request(request.method, f"{raw_path}{query}", headers=headers, content=body)
        kept = {
            k: v for k, v in sent.headers.items() if k not in ("content-length", "transfer-encoding", "date", "server")
        }
        return Response(sent.content, sent.status_code, kept)

    async def _after(
        self, operation: str, region: Region, given: dict[str, Any], request: Request, answer: Response
    ) -> Response:
        """Keep in step what the emulator keeps apart: SES's two APIs have one set of identities in AWS."""
        if operation in ("CreateEmailIdentity", "DeleteEmailIdentity") and answer.status_code < 300:
            identity = given["EmailIdentity"]
            kind, name = ("Email", "EmailAddress") if "@" in identity else ("Domain", "Domain")
            fields = (
                {"Action": f"Verify{kind}Identity", name: identity}
                if operation == "CreateEmailIdentity"
                else {"Action": "DeleteIdentity", "Identity": identity}
            )
            headers = {
                "authorization": request.headers["authorization"],
                "content-type": "application/x-www-form-urlencoded",
            }
            await self._http.post("/", headers=headers, content=urlencode(fields))
        elif operation == "SetIdentityNotificationTopic":
            region.topics[given["Identity"], given["NotificationType"]] = given.get("SnsTopic", "")
        elif operation in ("GetAccount", "GetEmailIdentity") and answer.status_code == 200:
            content = json.loads(bytes(answer.body))
            more = self.account if operation == "GetAccount" else {
                "FeedbackForwardingStatus": region.forwarding.get(given["EmailIdentity"], True),
                "VerificationStatus": "SUCCESS",
                **({"ConfigurationSetName": name} if (name := region.default_sets.get(given["EmailIdentity"])) else {}),
            }  # fmt: skip
            return json_answer({**content, **more})
        return answer

    def _on_PutEmailIdentityConfigurationSetAttributes(self, region: Region, given: dict[str, Any]) -> Response:
        region.default_sets[given["EmailIdentity"]] = given.get("ConfigurationSetName", "")
        return json_answer({})

    def _on_SetIdentityFeedbackForwardingEnabled(self, region: Region, given: dict[str, Any]) -> Response | None:
        identity, enabled = given["Identity"], given["ForwardingEnabled"] == "true"
        has_topics = all(region.topics.get((identity, type_)) for type_ in ("Bounce", "Complaint"))
        if not enabled and not has_topics:
            return error_answer("InvalidParameterValue", 400, False)
        region.forwarding[identity] = enabled
        return None

    def _on_GetIdentityNotificationAttributes(self, region: Region, given: dict[str, Any]) -> Response:
        entries = ""
        for name in [value for key, value in given.items() if key.startswith("Identities.member.")]:
            topics = "".join(
                f"<{tag}>{region.topics[name, type_]}</{tag}>"
                for type_, tag in _NOTIFICATION.items()
                if region.topics.get((name, type_))
            )
            forwarding = "true" if region.forwarding.get(name, True) else "false"
            entries += (
                f"<entry><key>{name}</key><value>{topics}"
                f"<ForwardingEnabled>{forwarding}</ForwardingEnabled></value></entry>"
            )
        return xml_answer(
            "GetIdentityNotificationAttributes", f"<NotificationAttributes>{entries}</NotificationAttributes>"
        )

    def _on_GetEmailAddressInsights(self, region: Region, given: dict[str, Any]) -> Response:
        if "@" not in given["EmailAddress"]:
            return error_answer("BadRequestException", 400, True)
        verdict = {"ConfidenceVerdict": region.confidence.get(given["EmailAddress"], "HIGH")}
        low, high = {"ConfidenceVerdict": "LOW"}, {"ConfidenceVerdict": "HIGH"}
        evaluations = {
            "HasValidSyntax": high, "HasValidDnsRecords": high, "MailboxExists": verdict, "IsRoleAddress": low,
            "IsDisposable": low, "IsRandomInput": low,
        }  # fmt: skip
        return json_answer({"MailboxValidation": {"IsValid": verdict, "Evaluations": evaluations}})

    def _on_SendEmail(self, region: Region, given: dict[str, Any]) -> Response | None:
        to = given.get("Destination.ToAddresses.member.1")
        listed = {spelling.lower() for spelling in region.listed}
        if to is None or to.lower() not in listed:
            return None
        source = given["Source"]
        message_id = str(uuid4())
        topic = region.topics.get((source, "Bounce")) or region.topics.get((source.rpartition("@")[2], "Bounce"))
        if topic:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
            notification = {
                "notificationType": "Bounce",
                "bounce": {
                    "bounceType": "Permanent",
                    "bounceSubType": "OnAccountSuppressionList",
                    "bouncedRecipients": [{"emailAddress": to}],
                    "timestamp": now,
                    "feedbackId": str(uuid4()),
                },
                "mail": {"timestamp": now, "source": source, "messageId": message_id, "destination": [to]},
            }
            self.aws.client("sns").publish(TopicArn=topic, Message=json.dumps(notification))
        return xml_answer("SendEmail", f"<MessageId>{message_id}</MessageId>")

    def _on_ListSuppressedDestinations(self, region: Region, given: dict[str, Any]) -> Response:
        since, until = (moment(given.get(name)) for name in ("StartDate", "EndDate"))
        chosen = sorted(
            (address, reason, at)
            for address, (reason, at) in region.listed.items()
            if (since is None or at >= since) and (until is None or at < until)
        )
        # Where the next page begins, whatever was added or deleted meanwhile.
        after = given.get("NextToken", "")
        if after and not after.startswith("after:"):
            return error_answer("InvalidNextTokenException", 400, True)
        rest = [row for row in chosen if row[0] > after.removeprefix("after:")]
        page = rest[: min(self.page_size, int(given.get("PageSize", 1_000)))]
        summaries = [{"EmailAddress": a, "Reason": r, "LastUpdateTime": at.timestamp()} for a, r, at in page]
        more = {"NextToken": f"after:{page[-1][0]}"} if len(page) < len(rest) else {}
        return json_answer({"SuppressedDestinationSummaries": summaries, **more})

    def _on_PutSuppressedDestination(self, region: Region, given: dict[str, Any]) -> Response:
        if "@" not in given["EmailAddress"]:
            return error_answer("BadRequestException", 400, True)
        region.listed[given["EmailAddress"]] = (given["Reason"], datetime.now(UTC))
        return json_answer({})

    def _on_DeleteSuppressedDestination(self, region: Region, given: dict[str, Any]) -> Response:
        if region.listed.pop(given["EmailAddress"], None) is None:
            return error_answer("NotFoundException", 404, True)
        return json_answer({})

    def _on_GetSendStatistics(self, region: Region, given: dict[str, Any]) -> Response:
        names = ("DeliveryAttempts", "Bounces", "Complaints", "Rejects")
        members = "".join(
            f"<member><Timestamp>{at.isoformat()}</Timestamp>"
            + "".join(f"<{name}>{number}</{name}>" for name, number in zip(names, numbers, strict=True))
            + "</member>"
            for at, *numbers in region.sent
        )
        return xml_answer("GetSendStatistics", f"<SendDataPoints>{members}</SendDataPoints>")

    def _on_BatchGetMetricData(self, region: Region, given: dict[str, Any]) -> Response:
        results = []
        for query in given["Queries"]:
            [(dimension, value)] = query["Dimensions"].items()
            days = region.metrics.get((query["Metric"], dimension, value), {})
            chosen = {at: n for at, n in days.items() if query["StartDate"] <= at.timestamp() < query["EndDate"]}
            times, values = [at.timestamp() for at in chosen], list(chosen.values())
            results.append({"Id": query["Id"], "Timestamps": times, "Values": values})
        return json_answer({"Results": results, "Errors": []})

    def _on_GetReputationEntity(self, region: Region, given: dict[str, Any]) -> Response:
        found = region.reputations.get(given["ReputationEntityReference"].split(":", 5)[-1])
        if found is None:
            return error_answer("NotFoundException", 404, True)
        return json_answer({"ReputationEntity": found})

    def _on_CreateImportJob(self, region: Region, given: dict[str, Any]) -> Response:
        bucket, _, key = given["ImportDataSource"]["S3Url"].removeprefix("s3://").partition("/")
        text = self.aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        return json_answer({"JobId": region.remove(text.split())})

    def _on_GetImportJob(self, region: Region, given: dict[str, Any]) -> Response:
        job = region.jobs.get(given["JobId"])
        return error_answer("NotFoundException", 404, True) if job is None else json_answer(job)
