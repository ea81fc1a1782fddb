#!/usr/bin/env bash
# Airflow's SmtpHook does not say that the mail server refused some of the recipients.
#
# Seen on 2026-11-30 with apache-airflow-providers-smtp 3.2.0, apache-airflow-core 3.3.2 and Python 3.11.
#
# smtplib's sendmail() raises an error only if the server refuses all recipients; where it refuses some, it returns them in
# a dictionary. SmtpHook.send_email_smtp() drops that dictionary and returns None, so a task that mails several people is
# green although some of them get nothing.
#
# A server that takes ann@example.com and refuses bob@example.com with 550 shows it:
#   send_email_smtp() returned None; the server took the mail for ann@example.com and refused bob@example.com
#
# Needs python3 (3.10 or newer) and a package registry. Exits 0 if the refusal is still hidden, 1 if not, and with another
# code if the demonstration could not run.
set -euo pipefail
trap 'exit 2' ERR # 1 says that the behaviour has changed.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export AIRFLOW_HOME="$work/airflow" AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check \
    apache-airflow-core==3.3.2 apache-airflow-task-sdk==1.3.2 apache-airflow-providers-smtp==3.2.0 aiosmtpd==1.4.6

cat >"$work/send.py" <<'PYTHON'
import json
import os
import socket
import sys
from importlib.metadata import version

from aiosmtpd.controller import Controller


class Handler:
    taken, refused = [], []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("bob@"):
            self.refused.append(address)
            return "550 5.1.1 there is no bob here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.taken.extend(envelope.rcpt_tos)
        return "250 OK"


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
controller = Controller(Handler(), hostname="127.0.0.1", port=port)
controller.start()
os.environ["AIRFLOW_CONN_SMTP_DEFAULT"] = json.dumps(
    {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": {"disable_ssl": True, "disable_tls": True}}
)
os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
from airflow.providers.smtp.hooks.smtp import SmtpHook  # noqa: E402

print("apache-airflow-providers-smtp", version("apache-airflow-providers-smtp"))
try:
    with SmtpHook("smtp_default") as hook:
        returned = hook.send_email_smtp(
            to=["ann@example.com", "bob@example.com"],
            subject="hello",
            html_content="hello",
            from_email="sender@example.com",
        )
except Exception as error:
    print(f"CHANGED: send_email_smtp() raised {type(error).__name__}")
    sys.exit(1)
finally:
    controller.stop()
print(f"send_email_smtp() returned {returned}; the server took the mail for {', '.join(Handler.taken)}", end=" ")
print(f"and refused {', '.join(Handler.refused)}")
if Handler.taken != ["ann@example.com"] or Handler.refused != ["bob@example.com"]:
    sys.exit(2)
if returned is not None:
    print("CHANGED: send_email_smtp() says something about the recipients")
    sys.exit(1)
print("as seen: nothing says that one recipient was refused")
PYTHON

"$work/venv/bin/python" "$work/send.py"
