"""Makes the queue of the default settings, with its dead-letter queue, in the AWS emulator; prints its URL."""

import json

import boto3

KEEP = {"MessageRetentionPeriod": "1209600"}

sqs = boto3.client("sqs")
dead = sqs.create_queue(QueueName="ses-bounces-dead-letters", Attributes=KEEP)["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1000})
print(sqs.create_queue(QueueName="ses-bounces", Attributes=KEEP | {"RedrivePolicy": redrive})["QueueUrl"])
