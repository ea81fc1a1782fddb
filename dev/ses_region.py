"""What SES keeps of one region, as `dev.ses` answers it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4


@dataclass
class Region:
    """SES of one region: its suppression list by exact spelling, import jobs, and what was set on identities."""

    listed: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    forwarding: dict[str, bool] = field(default_factory=dict)
    topics: dict[tuple[str, str], str] = field(default_factory=dict)
    # By address: SES's confidence that mail arrives there. Who is not in it has HIGH.
    confidence: dict[str, str] = field(default_factory=dict)
    # When, and delivery attempts, bounces, complaints, rejects.
    sent: list[tuple[datetime, int, int, int, int]] = field(default_factory=list)
    # By metric, dimension and value: each day's number.
    metrics: dict[tuple[str, str, str], dict[datetime, int]] = field(default_factory=dict)
    # By the end of the ARN, like `identity/example.com`; of any other there is nothing.
    reputations: dict[str, dict[str, Any]] = field(default_factory=dict)
    default_sets: dict[str, str] = field(default_factory=dict)

    def remove(self, addresses: list[str]) -> str:
        """Take addresses off the list, as an import job does; returns the job's id."""
        for address in addresses:
            self.listed.pop(address, None)
        job_id = str(uuid4())
        self.jobs[job_id] = {
            "JobId": job_id,
            "JobStatus": "COMPLETED",
            "ProcessedRecordsCount": len(addresses),
            "FailedRecordsCount": sum("@" not in address for address in addresses),
        }
        return job_id
