"""Requests to SES and its answers, in the two protocols of its APIs."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import Response

_V2 = (
    ("GET", r"/suppression/addresses", "ListSuppressedDestinations"),
    ("PUT", r"/suppression/addresses", "PutSuppressedDestination"),
    ("DELETE", r"/suppression/addresses/(?P<EmailAddress>.+)", "DeleteSuppressedDestination"),
    ("POST", r"/import-jobs", "CreateImportJob"),
    ("GET", r"/import-jobs/(?P<JobId>.+)", "GetImportJob"),
    ("GET", r"/account", "GetAccount"),
    ("POST", r"/email-address-insights/?", "GetEmailAddressInsights"),
    ("POST", r"/metrics/batch", "BatchGetMetricData"),
    ("GET", r"/reputation/entities/RESOURCE/(?P<ReputationEntityReference>.+)", "GetReputationEntity"),
    ("POST", r"/identities", "CreateEmailIdentity"),
    ("GET", r"/identities/(?P<EmailIdentity>[^/]+)", "GetEmailIdentity"),
    ("DELETE", r"/identities/(?P<EmailIdentity>[^/]+)", "DeleteEmailIdentity"),
    ("PUT", r"/identities/(?P<EmailIdentity>[^/]+)/configuration-set", "PutEmailIdentityConfigurationSetAttributes"),
)


def operation_of(request: Request, raw_path: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation that a request asks for, and its parameters."""
    if raw_path.startswith("/v2/email"):
        for method, pattern, operation in _V2:
            match = re.fullmatch(pattern, raw_path.removeprefix("/v2/email"))
            if match and request.method == method:
                named = {name: unquote(value) for name, value in match.groupdict().items()}
                return operation, {**dict(request.query_params), **(json.loads(body) if body else {}), **named}
        return f"{request.method} {raw_path}", {}
    if target := request.headers.get("x-amz-target"):
        return target.rpartition(".")[2], {}
    if "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        return form.get("Action", ""), form
    return f"{request.method} {raw_path}", {}


def moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except ValueError:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))


def json_answer(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(content), status, headers, "application/json")


def xml_answer(operation: str, content: str) -> Response:
    namespace = "http://ses.amazonaws.com/doc/2010-12-01/"
    result = f"<{operation}Result>{content}</{operation}Result>"
    return Response(
        f'<{operation}Response xmlns="{namespace}">{result}</{operation}Response>', 200, media_type="text/xml"
    )


def error_answer(code: str, status: int, is_json: bool) -> Response:
    if is_json:
        return json_answer({"__type": code, "message": "refused on purpose"}, status, {"x-amzn-errortype": code})
    content = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>-</Message></Error></ErrorResponse>"
    )
    return Response(content, status, media_type="text/xml")
