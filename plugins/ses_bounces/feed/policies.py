"""Policy documents of queues and topics: reading them, and adding or taking away one statement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Any

Statement = dict[str, Any]


def queue_statement(queue_arn: str, topic_arn: str) -> Statement:
    """Return the statement that lets one topic, and nobody else, send to a queue."""
    return {
        "Sid": f"SesBounces{blake2b(topic_arn.encode(), digest_size=4).hexdigest()}",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }


def topic_statement(topic_arn: str, account: str) -> Statement:
    """Return the statement that lets SES publish to a topic, for one account only."""
    return {
        "Sid": "SesBounces",
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"StringEquals": {"AWS:SourceAccount": account}},
    }


def with_statement(policy: str | None, statement: Statement) -> str:
    """Return a policy document that has the statement in place of one with its Sid; other statements stay."""
    document = _document(policy)
    others = [other for other in document["Statement"] if other.get("Sid") != statement["Sid"]]
    return json.dumps(document | {"Statement": [*others, statement]})


def without_statement(policy: str | None, sid: str) -> str:
    """Return a policy document without the statement of a Sid; empty where none is left."""
    document = _document(policy)
    others = [other for other in document["Statement"] if other.get("Sid") != sid]
    return json.dumps(document | {"Statement": others}) if others else ""


def has_statement(policy: str | None, statement: Statement) -> bool:
    """Tell whether a policy document has the statement, as it is."""
    return any(_plain(other) == _plain(statement) for other in _document(policy)["Statement"])


def is_let(policy: str | None, service: str, action: str, source: tuple[str, str]) -> bool:
    """Tell whether a policy document lets a service do something on behalf of a source, by whichever statement.

    :param source: a condition's key and value, like ``("aws:sourcearn", "arn:…")``; a statement without that key lets
        every source.
    """
    for statement in _allowing(policy, action):
        principal = statement.get("Principal")
        services = _listed(principal.get("Service")) if isinstance(principal, dict) else []
        everybody = principal == "*" or (isinstance(principal, dict) and "*" in _listed(principal.get("AWS")))
        patterns = dict(_conditions(statement)).get(source[0], ["*"])
        # ArnLike and StringLike have wildcards.
        if (service in services or everybody) and any(fnmatchcase(source[1], pattern) for pattern in patterns):
            return True
    return False


def other_senders(policy: str | None, topic_arn: str) -> list[str]:
    """Return whom else a queue's policy lets send: ARNs of sources, or of principals; ``*`` is everybody."""
    found = []
    for statement in _allowing(policy, "sqs:SendMessage"):
        sources = [value for key, values in _conditions(statement) if key == "aws:sourcearn" for value in values]
        if not sources:
            principal = statement.get("Principal")
            values = principal.values() if isinstance(principal, dict) else [principal]
            sources = [str(name) for value in values for name in _listed(value)]
        found += [source for source in sources if source != topic_arn]
    return list(dict.fromkeys(found))


def _document(policy: str | None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(policy) if policy else {"Version": "2012-10-17"}
    return document | {"Statement": _listed(document.get("Statement"))}


def _allowing(policy: str | None, action: str) -> Iterator[Statement]:
    for statement in _document(policy)["Statement"]:
        actions = (str(name).lower() for name in _listed(statement.get("Action")))
        if statement.get("Effect") == "Allow" and any(fnmatchcase(action.lower(), name) for name in actions):
            yield statement


def _conditions(statement: Statement) -> Iterator[tuple[str, list[str]]]:
    for operator in statement.get("Condition", {}).values():
        for key, value in operator.items():
            yield key.lower(), [str(item) for item in _listed(value)]


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _plain(statement: Statement) -> str:
    """Return a statement in one spelling: AWS may hand back a list of one as a value, and keys in other case."""
    return json.dumps(
        {
            "effect": statement.get("Effect"),
            "principal": {
                key: sorted(map(str, _listed(value)))
                for key, value in (
                    statement["Principal"].items() if isinstance(statement.get("Principal"), dict) else ()
                )
            },
            "action": sorted(str(name).lower() for name in _listed(statement.get("Action"))),
            "resource": sorted(map(str, _listed(statement.get("Resource")))),
            "condition": {
                operator: {key.lower(): sorted(map(str, _listed(value))) for key, value in keys.items()}
                for operator, keys in statement.get("Condition", {}).items()
            },
        },
        sort_keys=True,
    )
