"""Sending a notice by Airflow's own hooks: SMTP, SES, or an HTTP connection to a chat's webhook.

What the libraries raise may name recipients or the secret part of a webhook's URL: it never gets out of here.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ses_bounces.base.exceptions import (
    MissingConnectionError,
    PartlySentError,
    SendError,
    SendRefusedError,
    SettingsError,
)
from ses_bounces.base.settings import where
from ses_bounces.base.sites import SEND_REPORT, current, dag_id

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.settings import Settings
    from ses_bounces.report.notice import Notice

CHAT_SECONDS = 30
_KEEP_THE_METHOD = (307, 308)
_UNHEARD = logging.Logger("unheard", logging.CRITICAL + 1)
_ADD = "Add it under Admin > Connections"


def send_email(settings: Settings, notice: Notice, table: bytes | None) -> None:
    """Send one mail to everybody in ``report_email_to``.

    :param table: the report's table, gzipped CSV, to be attached; it holds addresses.
    :raises PartlySentError: some of the recipients are refused, and the others have it.
    :raises SendRefusedError: the server refuses for good: login, sender or recipients.
    :raises SendError: it can't be reached or asks to try later.
    """
    conn_id = settings.report_email_conn_id
    kind = _connection(conn_id, "report_email_conn_id").conn_type
    if kind not in ("smtp", "email", "aws"):
        raise SettingsError(
            f'report_email_conn_id is "{conn_id}", a connection of type {kind}; it must be of type SMTP or Amazon Web '
            f"Services. {where()}"
        )
    with tempfile.TemporaryDirectory() as folder:
        files = []
        if table is not None:
            files.append(str(Path(folder, f"blocked_report_{notice.day}.csv.gz")))
            Path(files[0]).write_bytes(table)
        mail: dict[str, Any] = {
            "to": list(settings.report_email_to),
            "subject": notice.subject,
            "html_content": notice.html(),
            "files": files,
            # So that no out-of-office answers.
            "custom_headers": {"Auto-Submitted": "auto-generated"},
        }
        if kind == "aws":
            _by_ses(settings, mail)
        else:
            _by_smtp(settings, mail)


def send_to_chat(settings: Settings, notice: Notice, context: Context) -> None:
    """Post to the webhook of ``report_chat_conn_id``.

    :raises SendRefusedError: it refuses for good: the URL is no longer one, or leads elsewhere.
    :raises SendError: it can't be reached or asks to try later.
    """
    import requests
    from airflow.providers.http.notifications.http import HttpNotifier
    from airflow.sdk.exceptions import AirflowException

    conn_id = settings.report_chat_conn_id
    assert conn_id is not None
    connection = _connection(conn_id, "report_chat_conn_id")
    # A webhook's path is a password: where one is kept as such, it follows the host.
    secret = None if connection.login else connection.password
    notifier = HttpNotifier(
        http_conn_id=conn_id,
        endpoint=secret,
        json=notice.payload(settings.report_chat_format),
        extra_options={"timeout": CHAT_SECONDS, "check_response": True},
    )
    notifier.hook = _webhook_hook(conn_id)
    webhook = f'The webhook of Airflow connection "{conn_id}"'
    try:
        notifier.notify(context)
    except AirflowException as error:
        # "404:Not Found"
        raise _not_told(webhook, str(error)[:3]) from None
    except (requests.RequestException, OSError) as error:
        raise SendError(f"{webhook} can't be reached ({type(error).__name__}). It is tried again.") from None


def _not_told(webhook: str, status: str) -> SendRefusedError | SendError:
    """Return the error for an answer of a webhook that is none of success."""
    if status.startswith("3"):
        return SendRefusedError(
            f"{webhook} has moved: it answered with status {status}, and the report was not delivered. Put the URL "
            "that it leads to into the connection."
        )
    if status.isdigit() and status.startswith("4") and status not in ("408", "429"):
        return SendRefusedError(
            f"{webhook} refused the report with status {status}. Make a new webhook and put it into the "
            "connection, or correct report_chat_format."
        )
    return SendError(f"{webhook} answered with status {status}. It is tried again.")


def _webhook_hook(conn_id: str) -> Any:
    import requests
    from airflow.providers.http.hooks.http import HttpHook
    from airflow.sdk.exceptions import AirflowException

    class WebhookHook(HttpHook):
        """It logs nothing: where nobody answers it would log the URL, which lets everybody write into the chat.

        It takes only 2xx for told, and follows only redirections that keep the method: others turn POST into GET.
        """

        @property
        def log(self) -> Any:
            return _UNHEARD

        def get_conn(self, *arguments: Any, **options: Any) -> requests.Session:
            session = super().get_conn(*arguments, **options)
            target = session.get_redirect_target
            session.get_redirect_target = lambda resp: (  # type: ignore[method-assign]
                target(resp) if resp.status_code in _KEEP_THE_METHOD else None
            )
            return session

        def check_response(self, response: requests.Response) -> None:
            if not 200 <= response.status_code < 300:
                raise AirflowException(f"{response.status_code}:{response.reason}")

    return WebhookHook(method="POST", http_conn_id=conn_id)


def _by_smtp(settings: Settings, mail: dict[str, Any]) -> None:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    conn_id = settings.report_email_conn_id
    with _smtp_errors(f'The mail server of Airflow connection "{conn_id}"'), SmtpHook(smtp_conn_id=conn_id) as hook:
        sender = settings.report_email_from or hook.from_email
        if not sender:
            raise SettingsError(
                f'report_email_from is not set, and Airflow connection "{conn_id}" has no "From email". Set one of '
                "them."
            )
        refused = _refusals_of(hook)
        hook.send_email_smtp(from_email=sender, **mail)
    if refused:
        codes = ", ".join(map(str, sorted({code for code, _ in refused.values()})))
        raise PartlySentError(
            f'The mail server of Airflow connection "{conn_id}" took the report, and refused {len(refused)} of '
            f"{len(mail['to'])} recipients of report_email_to ({codes}). Correct report_email_to; to send the report "
            f"to all of them once more, trigger {dag_id(SEND_REPORT)} with its day in Again."
        )


def _refusals_of(hook: Any) -> dict[str, tuple[int, bytes]]:
    """Return where a hook's refused recipients will be: smtplib returns them, and the provider's hook drops them."""
    refused: dict[str, tuple[int, bytes]] = {}
    client = hook._smtp_client
    send = client.sendmail

    def sendmail(*arguments: Any, **options: Any) -> dict[str, tuple[int, bytes]]:
        refused.clear()
        refused.update(send(*arguments, **options))
        return refused

    client.sendmail = sendmail
    return refused


@contextlib.contextmanager
def _smtp_errors(server: str) -> Iterator[None]:
    import smtplib

    from airflow.sdk.exceptions import AirflowException

    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        told = f"{server} refused all recipients of report_email_to ({', '.join(map(str, codes))})"
        raise (SendRefusedError if min(codes) >= 500 else SendError)(f"{told}. Correct report_email_to.") from None
    except smtplib.SMTPResponseException as error:
        told = f"{server} refused with {error.smtp_code} ({type(error).__name__})"
        if error.smtp_code >= 500:
            raise SendRefusedError(f"{told}. Correct login and sender of the connection.") from None
        raise SendError(f"{told}. It is tried again.") from None
    except (smtplib.SMTPException, OSError, AirflowException) as error:
        raise SendError(f"{server} can't be used ({type(error).__name__}). It is tried again.") from None


def _by_ses(settings: Settings, mail: dict[str, Any]) -> None:
    from airflow.providers.amazon.aws.hooks.ses import SesHook
    from botocore.exceptions import BotoCoreError, ClientError

    from ses_bounces.base.aws.clients import Place, open_client
    from ses_bounces.base.aws.errors import code_of, needs_a_person

    if settings.report_email_from is None:
        raise SettingsError(f"report_email_from is not set; SES needs a sender that it has verified. {where()}")
    conn_id = settings.report_email_conn_id
    # The provider's hook writes the mail; it would make a client of another configuration than all of ours.
    hook = SesHook(aws_conn_id=conn_id)
    vars(hook)["conn"] = open_client("ses", Place(conn_id, None), use_fips_endpoint=settings.use_fips_endpoint)
    try:
        hook.send_email(mail_from=settings.report_email_from, **mail)
    except (ClientError, BotoCoreError) as error:
        # SES's messages name addresses ("Email address is not verified: …").
        code = code_of(error) or type(error).__name__
        told = f'SES did not take the report (ses:SendRawEmail, Airflow connection "{conn_id}"): {code}'
        if needs_a_person(error) or code in ("MessageRejected", "MailFromDomainNotVerifiedException"):
            raise SendRefusedError(f"{told}. Verify the sender, and allow ses:SendRawEmail.") from None
        raise SendError(f"{told}. It is tried again.") from None


def _connection(conn_id: str, key: str) -> Any:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise MissingConnectionError(
            f'Airflow connection "{conn_id}" is missing. {_ADD}, or name another one as "{key}" in Airflow Variable '
            f'"{current().variable}".'
        ) from None
