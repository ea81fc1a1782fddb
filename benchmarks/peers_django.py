"""django-ses's webhook view, in process: each notification is one request, and blacklists whom it says to.

Run by ``benchmarks.peers`` in an environment of its own: ``python -m benchmarks.peers_django URL MESSAGES``. Prints
JSON: wall, own_cpu, backend_cpu (seconds), and how many addresses are on its blacklist.

The view is called with a request as Django's handler would make it: no HTTP server, no middleware, no check of the
signature (``AWS_SES_VERIFY_EVENT_SIGNATURES``), one connection for all of them, no log.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from benchmarks.generate import bodies
from benchmarks.measure import Stopwatch


def main(url: str, messages: int) -> None:
    """Give the view so many notifications, and print what it cost."""
    _configure(url)
    from django.core.management import call_command
    from django.db import connection
    from django.test import RequestFactory
    from django_ses.models import BlacklistedEmail
    from django_ses.views import SESEventWebhookView

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    view = SESEventWebhookView.as_view()
    post = RequestFactory().post
    requests = [post("/ses/", text, content_type="text/plain") for text in bodies(messages)]
    watch = Stopwatch(pid)
    statuses = {view(request).status_code for request in requests}
    cost = watch.cost()
    assert statuses == {200}
    print(json.dumps(asdict(cost) | {"rows": BlacklistedEmail.objects.count()}))


def _configure(url: str) -> None:
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
        AWS_SES_VERIFY_EVENT_SIGNATURES=False,
        AWS_SES_ADD_BOUNCE_TO_BLACKLIST=True,
        AWS_SES_ADD_COMPLAINT_TO_BLACKLIST=True,
    )
    django.setup()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
