"""Gives up uploads in parts that have not come to their end in S3: nobody sees them, and somebody pays for them."""

from __future__ import annotations

from typing import Any

from tileframe import Location
from tileframe_objects.opening import split


def abort_uploads(location: Location, path: str) -> None:
    """Give up every unfinished upload of the object ``path``, as far as the service lets it.

    Other services than S3 forget them after some days by themselves.
    """
    if location.scheme != "s3":
        return
    try:
        import boto3
        from botocore.config import Config

        client: Any = boto3.client(
            "s3", config=Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard"})
        )
        bucket = split(location.folder)[0]
        for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=path):
            for upload in page.get("Uploads", ()):
                if upload["Key"] == path:
                    client.abort_multipart_upload(Bucket=bucket, Key=path, UploadId=upload["UploadId"])
    except Exception:
        return
