"""SNS's signatures: what is signed, with which certificate, and whether it fits.

Method: Amazon SNS Developer Guide, "Verifying the signatures of Amazon SNS messages".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ses_bounces.classify.structs import CONTROL_TYPES, Node

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

# Says what is wrong with the signature of an envelope; None: it is right.
Verify = Callable[[Node], str | None]

# AWS's domains, one a partition; a test compares them with botocore's, which this folder doesn't read.
DOMAINS = (
    "amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "c2s.ic.gov", "sc2s.sgov.gov", "cloud.adc-e.uk",
    "csp.hci.ic.gov",
)  # fmt: skip
# No login, port or query: with these the host, or what it answers, may be a stranger's. The longest region has 14.
_URL = re.compile(
    rf"https://(sns\.[a-z]{{2,4}}(?:-[a-z]{{1,12}}){{1,3}}-[0-9]{{1,2}}\.(?:{'|'.join(map(re.escape, DOMAINS))}))"
    r"(?:/[A-Za-z0-9_-]{1,120}){1,4}\.pem"
)
_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SIGNED_OF_CONTROL = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_OPTIONAL = "Subject"
_WRONG = "its SNS signature is wrong"


def host_of(url: str) -> str | None:
    """Return the host of the URL of a certificate; None: it is not one of SNS."""
    match = _URL.fullmatch(url)
    return match[1] if match else None


def signed_text(node: Node) -> str | None:
    """Return what SNS signs of an envelope; None: a part is missing."""
    parts = []
    for name in _SIGNED_OF_CONTROL if node.Type in CONTROL_TYPES else _SIGNED:
        value = getattr(node, name)
        if isinstance(value, str):
            parts.append(f"{name}\n{value}\n")
        elif name != _OPTIONAL:
            return None
    return "".join(parts)


def fault_of(node: Node, key_of: Callable[[str], RSAPublicKey | None]) -> str | None:
    """Say what is wrong with the signature of an envelope; None: it is right.

    :param key_of: the public key of the certificate that a URL of SNS leads to, None: there is none. What it raises is
        raised.
    """
    url = node.SigningCertURL or node.SigningCertUrl
    signature = _decoded(node.Signature)
    text = signed_text(node)
    if url is None or node.Signature is None:
        return "it has no SNS signature"
    if node.SignatureVersion not in ("1", "2"):
        return "its SNS signature is of a version that is not known"
    if host_of(url) is None:
        return "its SigningCertURL is not one of SNS"
    if signature is None or text is None:
        return _WRONG
    key = key_of(url)
    if key is None:
        return "SNS has no certificate at its SigningCertURL"
    return None if _fits(key, signature, text, node.SignatureVersion) else _WRONG


def public_key(pem: bytes) -> RSAPublicKey | None:
    """Return the public key of a certificate; None: it is no certificate, or its key is not RSA.

    Whether it is valid today doesn't matter: messages may be read long after they were signed.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        key = x509.load_pem_x509_certificate(pem).public_key()
    except Exception:
        # Whatever an answer makes the parser raise: it is no certificate.
        return None
    return key if isinstance(key, RSAPublicKey) else None


def _decoded(signature: str | None) -> bytes | None:
    try:
        return base64.b64decode(signature, validate=True) if signature else None
    except (binascii.Error, ValueError):
        return None


def _fits(key: RSAPublicKey, signature: bytes, text: str, version: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    # SNS's version 1 is SHA-1.
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303
    try:
        key.verify(signature, text.encode("utf-8", "surrogatepass"), PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True
