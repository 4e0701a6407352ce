"""An S3 on loopback for the tests of object stores, and what lies in it, seen without tileframe."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tileframe import Location

BUCKET = "slides"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAOFTHETESTS",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
    "AWS_REGION": "us-east-1",
}
UNSIGNED = {"Authorization": f"AWS {KEYS['AWS_ACCESS_KEY_ID']}:none"}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def listening(command: list[str], port: int) -> Iterator[None]:
    """A server that was started by ``command``, as soon as it listens."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, f"{command[0]} has ended with {process.returncode}"
                assert time.monotonic() < until, f"{command[0]} does not listen"
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def moto() -> Iterator[str]:
    """The URL of a moto with an empty bucket."""
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        pytest.skip("moto[server,s3] is not installed")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with listening([str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)], port):
        client(url).create_bucket(Bucket=BUCKET)
        yield url


@lru_cache
def client(url: str) -> Any:
    """A client, made once for each server: boto3 reads the whole of what S3 can do."""
    import boto3

    return boto3.Session().client(
        "s3", endpoint_url=url, region_name=KEYS["AWS_REGION"], aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip


def names(url: str, prefix: str) -> list[str]:
    """The names of all objects below ``prefix``, after that."""
    pages = client(url).get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [one["Key"][len(prefix) :] for page in pages for one in page.get("Contents", ())]


def everything(url: str, prefix: str = "") -> dict[str, bytes]:
    """Every object below ``prefix``, by its name after that."""
    found = {}
    # boto3 takes 15 ms for each, to sign and to read the answer; moto looks at no signature.
    with closing(HTTPConnection(url.rpartition("/")[2])) as connection:
        for name in names(url, prefix):
            connection.request("GET", f"/{BUCKET}/{quote(prefix + name)}", headers=UNSIGNED)
            answer = connection.getresponse()
            found[name] = answer.read()
            assert answer.status == 200, (name, answer.status)
    return found


def uploads(url: str) -> list[str]:
    """The names of all uploads that nobody has ended."""
    return [one["Key"] for one in client(url).list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())]


def environment(url: str) -> dict[str, str]:
    """What tileframe has to find in its environment."""
    return {**KEYS, "AWS_ENDPOINT_URL": url}


def place(folder: Path) -> str:
    """A folder in the bucket for one test."""
    return f"{BUCKET}/{folder.parent.name}-{folder.name}"


def in_memory(location: Location) -> Any:
    """The obstore store that locations of the scheme memory are in."""
    from tileframe_objects.opening import open_bucket, split

    return open_bucket("memory", split(location.folder)[0])


def without_vendors(patch: pytest.MonkeyPatch) -> None:
    """Take all out of the environment that names a server or a key."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_")):
            patch.delenv(name)
