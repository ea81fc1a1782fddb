"""
# Lifting blocks, hourly and when a page asks

An address that Amazon SES itself suppresses gets no mail, whatever our own list says. So a block that was lifted on a
page goes this way: the page notes the wish in `ses_bounces.unblock_request`; this DAG takes the address off SES's
suppression list in every region of `ses_regions`, in each spelling (SES's management calls tell upper from lower
case); only then is the block lifted in the ledger, with the name and the reason of whoever asked.

**Everything may be repeated.** An address that is not on the list (any more) is fine. A killed run is finished by the
next one. A refusal leaves the block in place and is written into the request, where the page shows it.

- **`lift_blocks`** works on all open requests, one request to SES a second.
  - When it fails: *AccessDenied*: the role lacks `ses:DeleteSuppressedDestination`; see docs/iam.md. *Expired*: renew
    the credentials of the connection. *TooManyRequests*, or AWS can't be reached: it is retried. Open requests stay
    open until they succeed; nobody has to ask again.

**More than 1,000 at once**: set `ses_import_url` to a folder of an S3 bucket. The addresses then go by an import job
of SES, which takes minutes instead of hours; the file is deleted afterwards. Without it they take a second each.

**An address that SES does not accept** ends its request as refused, and its block stays: look for it in the SES
console, under *Suppression list*.

**If SES suppresses the address again** after the lift, for a mail that was sent after it, the address is blocked again.
*History of an address* shows the bounce and its subtype: *OnAccountSuppressionList* where it bounced before and got onto
your account's list again, *Suppressed* where it is on SES's own global list, which nobody but AWS can change (an entry
there ends by itself within 14 days).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    dag,
    get_current_context,
    task,
)

from ses_bounces.base import sites
from ses_bounces.dags.shape import Retries, Shape, run_for
from ses_bounces.dags.tasks import lift as lift_tasks


def build(shape: Shape) -> DAG:
    """Return the DAG of a site."""
    site = shape.site
    arguments = shape.arguments(
        sites.LIFT_BLOCKS,
        title="Email bounces: lift blocks",
        description="Takes lifted addresses off SES's suppression lists, then lifts their blocks",
        runbook=__doc__,
        schedule="40 * * * *",
        timeout=timedelta(minutes=55),
        retries=Retries(2, timedelta(minutes=1), timedelta(minutes=5)),
    )

    @dag(**arguments)
    def ses_lift_blocks() -> None:
        @task(doc_md=lift_tasks.lift_blocks.__doc__)
        @run_for(site)
        def lift_blocks() -> dict[str, Any]:
            return lift_tasks.lift_blocks(get_current_context())

        lift_blocks()

    made: DAG = ses_lift_blocks()
    return made
