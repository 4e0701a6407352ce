"""Gives up uploads in parts that have not come to their end in S3: nobody sees them, and somebody pays for them."""

from __future__ import annotations

from typing import Any

from tileframe import Location
from tileframe_objects.opening import endpoint, split


def abort_uploads(location: Location, path: str) -> None:
    """Give up every unfinished upload of the object ``path``, as far as the service lets it.

    Other services than S3 forget them after some days by themselves.
    """
    if location.scheme != "s3":
        return
    try:
        import boto3
        from botocore.config import Config

        settings = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard"})
        # The address is given, for boto3 does not know all the names that it may have in the environment.
        client: Any = boto3.client("s3", endpoint_url=endpoint("s3"), config=settings)
        bucket = split(location.folder)[0]
        for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=path):
            for upload in page.get("Uploads", ()):
                if upload["Key"] == path:
                    client.abort_multipart_upload(Bucket=bucket, Key=path, UploadId=upload["UploadId"])
    except Exception:
        return
