"""From SQS to the raw log: planning the drain, draining, landing; and setting up the feed in AWS."""
