"""Receiving and deleting the messages of one SQS queue."""
