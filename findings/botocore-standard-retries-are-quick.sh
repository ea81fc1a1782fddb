#!/usr/bin/env bash
# From botocore 1.44 on, retry mode "standard" gives up on a server error within about half a second.
#
# Seen on 2026-11-30 with botocore 1.43.106 and 1.44.8, Python 3.11.
#
# Both repeat a request that was answered with 503 until the configured number of attempts is used up. 1.43 waits up to 1,
# 2 and 4 s between four attempts; 1.44 waits up to 50, 100 and 200 ms for errors that are no throttling.
#
# Why it matters: with the same configuration, a service that is away for one or two seconds fails a request that used to
# succeed. Whoever has to bridge such hiccups must repeat requests itself, or raise the number of attempts.
#
# Four attempts to ask a local server that always answers 503, in ten rounds, from the first to the last, took:
#   botocore 1.43.106: 3.5 s in the median
#   botocore 1.44.8: 0.1 s in the median
#
# Needs python3 (3.10 or newer) and a package registry. Exits 0 if 1.44.8 is still that much quicker, 1 if not, and with
# another code if the demonstration could not run.
set -euo pipefail
trap 'exit 2' ERR # 1 says that the behaviour has changed.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/ask.py" <<'PYTHON'
"""Print the median of the seconds from the first to the last attempt of a request that is answered with 503."""

import http.server
import statistics
import threading
import time

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

ROUNDS, ATTEMPTS = 10, 4
asked_at = []


class Away(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked_at.append(time.monotonic())
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"__type": "ServiceUnavailable"}'
        self.send_response(503)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Away)
threading.Thread(target=server.serve_forever, daemon=True).start()
seconds = []
for _ in range(ROUNDS):
    # A new client each time: its quota of retries is full.
    sqs = botocore.session.Session().create_client(
        "sqs",
        region_name="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"mode": "standard", "total_max_attempts": ATTEMPTS}, proxies={}),
    )
    asked_at.clear()
    try:
        sqs.list_queues()
    except ClientError:
        pass
    assert len(asked_at) == ATTEMPTS, f"{len(asked_at)} attempts"
    seconds.append(asked_at[-1] - asked_at[0])
print(f"{statistics.median(seconds):.2f}")
PYTHON

python3 -m venv "$work/before"
"$work/before/bin/pip" install -qq --disable-pip-version-check botocore==1.43.106
python3 -m venv "$work/after"
"$work/after/bin/pip" install -qq --disable-pip-version-check botocore==1.44.8
export NO_PROXY=127.0.0.1

before=$("$work/before/bin/python" "$work/ask.py")
echo "botocore 1.43.106: four attempts took $before s in the median"
after=$("$work/after/bin/python" "$work/ask.py")
echo "botocore 1.44.8: four attempts took $after s in the median"
if awk -v before="$before" -v after="$after" 'BEGIN { exit !(before > 1.5 && after < 0.6) }'; then
    echo "as seen: 1.44 gives up within half a second"
else
    echo "CHANGED: the two no longer differ like this"
    exit 1
fi
