"""Files of addresses in S3, from which an import job of SES takes many addresses off its suppression list at once."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterable
from typing import Any

from ses_bounces.base.aws.clients import Place, explained, open_client
from ses_bounces.base.settings import Settings


class ImportFolder:
    """A folder of a bucket.

    :param client: of ``s3``.
    :param url: ``s3://bucket/folder``.
    """

    def __init__(self, client: Any, url: str) -> None:
        self.client = client
        self.bucket, key = _split(url)
        self.prefix = key.strip("/")

    def write(self, addresses: Iterable[str]) -> str:
        """Write a file with one address a line, as SES reads it; returns its URL."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([address] for address in addresses)
        key = "/".join(filter(None, (self.prefix, f"{uuid.uuid4()}.csv")))
        with explained("s3:PutObject", self.bucket):
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=text.getvalue().encode(), ServerSideEncryption="AES256"
            )
        return f"s3://{self.bucket}/{key}"

    def forget(self, url: str) -> None:
        """Delete a file."""
        bucket, key = _split(url)
        with explained("s3:DeleteObject", bucket):
            self.client.delete_object(Bucket=bucket, Key=key)


def open_folder(settings: Settings, place: Place, region: str) -> ImportFolder | None:
    """Return the folder of the setting ``ses_import_url``, which may name a ``{region}``; None: it is not set."""
    if settings.ses_import_url is None:
        return None
    client = open_client("s3", place, use_fips_endpoint=settings.use_fips_endpoint)
    return ImportFolder(client, settings.ses_import_url.replace("{region}", region))


def _split(url: str) -> tuple[str, str]:
    """Return bucket and key: a key may have any character, and is spelled as it is."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key
