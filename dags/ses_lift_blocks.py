"""
# Lifting blocks, hourly and when a page asks

An address that Amazon SES itself suppresses gets no mail, whatever our own list says. So a block that was lifted on a
page goes this way: the page notes the wish in `ses_bounces.unblock_request`; this DAG takes the address off SES's
suppression list in every region of `ses_regions`, in each spelling (SES's management calls tell upper from lower
case); only then is the block lifted in the ledger, with the name and the reason of whoever asked.

**Everything may be repeated.** An address that is not on the list (any more) is fine. A killed run is finished by the
next one. A refusal leaves the block in place and is written into the request, where the page shows it.

| task | what it does | when it fails |
|---|---|---|
| `lift_blocks` | works on all open requests, one request to SES a second | *AccessDenied*: the role lacks `ses:DeleteSuppressedDestination`; see docs/iam.md. *Expired*: renew the credentials of the connection. *TooManyRequests*, or AWS can't be reached: it is retried. Open requests stay open until they succeed; nobody has to ask again. |

**More than 1,000 at once**: set `ses_import_url` to a folder of an S3 bucket. The addresses then go by an import job
of SES, which takes minutes instead of hours; the file is deleted afterwards. Without it they take a second each.

**An address that SES does not accept** ends its request as refused, and its block stays: look for it in the SES
console, under *Suppression list*.

**If SES suppresses the address again** after the lift, for a mail that was sent after it, the address is blocked again,
and the page says that SES still suppresses it: it bounced again, or it is on SES's own global list, which nobody but
AWS can change (an entry there ends by itself within 14 days).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    CronDataIntervalTimetable,
    dag,
    get_current_context,
    task,
)

from ses_bounces import suppression_tasks
from ses_bounces.dag_defaults import TAGS, default_args


@dag(
    dag_id="ses_lift_blocks",
    dag_display_name="Email bounces: lift blocks",
    description="Takes lifted addresses off SES's suppression lists, then lifts their blocks",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("40 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=55),
    tags=TAGS,
    default_args=default_args(2, timedelta(minutes=1), timedelta(minutes=5)),
)
def ses_lift_blocks() -> None:
    @task(doc_md=suppression_tasks.lift_blocks.__doc__)
    def lift_blocks() -> dict[str, Any]:
        return suppression_tasks.lift_blocks(get_current_context())

    lift_blocks()


ses_lift_blocks()
