"""A customer's KMS key for topic and queues: whether SES and SNS may use it. It is only looked at, never changed.

API: AWS KMS API Reference, DescribeKey and GetKeyPolicy (which takes no alias). Grants: Amazon SNS Developer Guide, key
management; Amazon SES Developer Guide, event destinations of encrypted topics.
"""

from __future__ import annotations

from ses_bounces.base.aws.clients import explained
from ses_bounces.feed import policies
from ses_bounces.feed.setup.options import Target
from ses_bounces.feed.setup.plan import Step

SERVICES = ("ses.amazonaws.com", "sns.amazonaws.com")
ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


def look_at_key(target: Target) -> Step | None:
    """Check that a customer's key lets SNS and SES use it; None: no key is named."""
    key = target.options.kms_key
    if key is None:
        return None
    kms = target.kms()
    with explained("kms:DescribeKey", key):
        try:
            found = kms.describe_key(KeyId=key)["KeyMetadata"]
        except kms.exceptions.NotFoundException:
            return _in_the_way(key, f"There is no key {key} in {target.region}: name one that is there, by id or ARN.")
    if found.get("KeyManager") == "AWS":
        return _in_the_way(
            key, f"Key {key} is managed by AWS; its policy lets neither SES nor SNS in. Name a key of yours, or none."
        )
    if found.get("KeyState") != "Enabled":
        return _in_the_way(key, f"Key {key} is {found.get('KeyState')}: messages would be lost. Enable it.")
    with explained("kms:GetKeyPolicy", key):
        policy = kms.get_key_policy(KeyId=found["KeyId"], PolicyName="default")["Policy"]
    source = ("aws:sourceaccount", target.account)
    lacking = [
        service
        for service in SERVICES
        if not all(policies.is_let(policy, service, action, source) for action in ACTIONS)
    ]
    if not lacking:
        return Step("KMS key", key, "left")
    return _in_the_way(
        key,
        f"Key {key} does not let {' and '.join(lacking)} use kms:Decrypt and kms:GenerateDataKey*: messages would be "
        "lost. Add that to its policy; see docs/iam.md.",
    )


def _in_the_way(key: str, why: str) -> Step:
    return Step("KMS key", key, "blocked", [why])
