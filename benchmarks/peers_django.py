"""django-ses's webhook view, in process: each notification is one request, and blacklists whom it says to.

Run by ``benchmarks.peers`` in an environment of its own: ``python -m benchmarks.peers_django WAY URL MESSAGES``. Prints
``ready``, begins when a line comes in, and then prints JSON: wall and own_cpu (seconds), and how many addresses are on
its blacklist.

``installed`` is what its documentation sets up, with Django's defaults: requests go through Django's handler, the view
checks their signatures, and a connection to Postgres lasts for a request. ``view`` is kinder than that: the view alone,
without the check that its documentation advises to keep, on one connection. Neither has an HTTP server, middleware, or
a log.
"""

from __future__ import annotations

import base64
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from benchmarks.measure import Stopwatch
from dev.generate import bodies

PATH = "/ses/"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-00000000000000000000000000000000.pem"
# https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")


def main(way: str, url: str, messages: int) -> None:
    """Give the view ``count`` notifications, and print what it cost."""
    is_installed = way == "installed"
    _configure(url, is_installed)
    from django.core.management import call_command
    from django.db import connection
    from django.test import RequestFactory
    from django_ses.models import BlacklistedEmail

    call_command("migrate", verbosity=0)
    texts = _signed(bodies(messages)) if is_installed else bodies(messages)
    requests = [RequestFactory().post(PATH, text, content_type="text/plain") for text in texts]
    answer = _handled() if is_installed else _viewed()
    # Not timed: what Django imports with its first request, and the connection of the view alone.
    answer(RequestFactory().post(PATH, "{}", content_type="text/plain"))
    BlacklistedEmail.objects.count()
    if is_installed:
        connection.close()
    print("ready", flush=True)
    sys.stdin.readline()
    watch = Stopwatch()
    statuses = {answer(request) for request in requests}
    cost = watch.cost()
    assert statuses == {200}
    print(json.dumps({"wall": cost.wall, "own_cpu": cost.own_cpu, "rows": BlacklistedEmail.objects.count()}))


def _viewed() -> Callable[[Any], int]:
    from django_ses.views import SESEventWebhookView

    view = SESEventWebhookView.as_view()
    return lambda request: int(view(request).status_code)


def _handled() -> Callable[[Any], int]:
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.urls import path
    from django_ses.views import SESEventWebhookView

    settings.ROOT_URLCONF = (path(PATH[1:], SESEventWebhookView.as_view()),)
    handler = WSGIHandler()

    def answer(request: Any) -> int:
        response = handler(request.environ, lambda *_: None)
        # The server's part; Django ends the request, and its connection, with it.
        response.close()
        return int(response.status_code)

    return answer


def _signed(texts: Iterable[str]) -> list[str]:
    """Sign notifications as SNS does, with a certificate that the view has fetched already."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from django_ses import utils

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
    )
    utils._CERT_CACHE[CERTIFICATE_URL] = certificate.sign(key, hashes.SHA256())
    found = []
    for text in texts:
        envelope = json.loads(text)
        parts = "".join(f"{field}\n{envelope[field]}\n" for field in SIGNED if field in envelope)
        signature = key.sign(parts.encode(), padding.PKCS1v15(), hashes.SHA1())
        envelope |= {"Signature": base64.b64encode(signature).decode(), "SigningCertURL": CERTIFICATE_URL}
        found.append(json.dumps(envelope))
    return found


def _configure(url: str, is_installed: bool) -> None:
    import django
    from django.conf import settings

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    parts = urlsplit(url)
    database: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path[1:],
        "USER": parts.username,
        "PASSWORD": parts.password,
        "HOST": parts.hostname,
        "PORT": parts.port,
    }
    settings.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=["django_ses"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        ALLOWED_HOSTS=["*"],
        AWS_SES_VERIFY_EVENT_SIGNATURES=is_installed,
        AWS_SES_ADD_BOUNCE_TO_BLACKLIST=True,
        AWS_SES_ADD_COMPLAINT_TO_BLACKLIST=True,
    )
    django.setup()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
