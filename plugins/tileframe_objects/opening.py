"""Opens a bucket by scheme and name, and says in one line, without URLs and secrets, why a request has failed.

How it is used, by whatever reads or writes objects::

    bucket, prefix = split("bucket/folder/sub")          # of what stands between :// and the name
    store = open_bucket("s3", bucket)                     # an obstore store; an error where that cannot be
    try:
        data = obstore.get(store, key).bytes()
    except FileNotFoundError: ...                         # no such object
    except Exception as error:                            # obstore's errors quote URLs, headers and the answer's body
        raise InputError(f"s3://{bucket}/{key}: cannot be read ({reason(error)})") from None

``from None`` is a must: the error itself may hold a signed URL or the name of a key, and a traceback would show it.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from tileframe import OptionError, PluginError
from tileframe_objects.options import RETRY, TIMEOUT

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

T = TypeVar("T")
MOST_PAUSE = 15.0
"""Seconds between two times that a request is sent."""
MOST_RETRIES = 1000  # time bounds them, not their number
# What AWS' own tools look for before they ask the machine for its role.
AWS_KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
)
AWS_FILES = {"AWS_SHARED_CREDENTIALS_FILE": "credentials", "AWS_CONFIG_FILE": "config"}
ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}
BROKEN = "the connection failed"
# What is told of an error: nothing but these words, for its text holds URLs, and answers hold access keys.
CAUSES = {
    r"Account must be specified": "AZURE_STORAGE_ACCOUNT_NAME is not set",
    r"InvalidAccessKey|base64|Invalid byte|Invalid symbol": "a key in the environment is none",
    r"Connection refused": "the connection was refused",
    r"dns error|failed to lookup|Name or service": "no server of that name is known",
    r"timed out|Timeout|TimedOut": "no answer came in time",
    r"certificate|UnknownIssuer|InvalidCertificate": "its certificate is not trusted",
    r"URL scheme is not allowed|BadScheme": "it is http, and not https",
    r"Connection reset|connection closed|ConnectionReset|IncompleteMessage|kind: Connect|error sending request"
    r"|kind: Request|end of file|decoding response body|kind: Interrupted|Wrong size": BROKEN,
}
# Where the machine was asked for its role, as a last resort.
NO_CREDENTIALS = r"169\.254\.169\.254|metadata\.google|token request|InstanceCredential"
STATUS, CODE = (
    re.compile(r"\b(?:code|status)[^0-9\n]{0,12}([45][0-9]{2})\b"),
    re.compile(r"<Code>([A-Za-z]{1,60})</Code>"),
)


def split(folder: str) -> tuple[str, str]:
    """Return bucket and prefix of what stands in a location between ``://`` and the name."""
    bucket, _, prefix = folder.partition("/")
    return bucket, prefix


def open_bucket(scheme: str, bucket: str, *, retry: float = RETRY, timeout: float = TIMEOUT) -> ObjectStore:
    """Return an obstore store for ``bucket``, with credentials from where the vendor's own tools find them.

    Nothing is asked of the network yet. Requests that fail with 5xx or 429, or whose connection breaks or stalls for
    ``timeout`` seconds, are sent again with back-off and jitter for ``retry`` seconds. `PluginError` where obstore is
    not installed, `OptionError` for what in the environment cannot be used.
    """
    try:
        import obstore.store as stores
    except ImportError as error:
        raise PluginError(
            f"{scheme}:// needs obstore, which is not installed: pip install 'tileframe[objects]'"
        ) from error
    if not bucket:
        raise OptionError(f"{scheme}://: no bucket is named; give {scheme}://BUCKET/FOLDER/NAME")
    if scheme == "memory":
        return _memory(bucket)
    settings: dict[str, Any] = {"client_options": _client(scheme, timeout), "retry_config": _retries(retry)}
    if scheme == "s3":
        settings |= _profile()
        if address := endpoint("s3"):
            settings["endpoint"] = address
    try:
        if scheme == "s3":
            return stores.S3Store(bucket, **settings)
        if scheme == "az":
            return stores.AzureStore(bucket, **settings)
        return stores.GCSStore(bucket, **settings)
    except Exception as error:
        raise OptionError(f"{scheme}://{bucket}: cannot be opened ({reason(error)})") from None


def reason(error: BaseException) -> str:
    """Return in a few words why a request has failed: a status, the service's own code, or what became of it.

    Nothing else of the error is told, for its text may hold a signed URL, headers, or the answer with an access key.
    """
    text = str(error)
    if re.search(NO_CREDENTIALS, text):
        return "no credentials were found"
    code = CODE.search(text)
    status = re.search(r"status code: ([45][0-9]{2})", text) or STATUS.search(text)
    kind = type(error).__name__
    if code and code[1] in ("NoSuchBucket", "ContainerNotFound"):
        return "there is no such bucket"
    if code or status:
        told = " ".join(found[1] for found in (status, code) if found)
        return f"the server answered {told}"
    if kind == "PermissionDeniedError":
        return "permission denied"
    if kind == "UnauthenticatedError":
        return "the server does not accept the credentials"
    if isinstance(error, FileNotFoundError):
        return "there is no such bucket or object"
    return next((told for pattern, told in CAUSES.items() if re.search(pattern, text)), f"obstore says {kind}")


class Patience:
    """For how long a request is made anew whose answer breaks off, with back-off and jitter.

    obstore makes those anew whose answer has not begun; not those that end within a list or an object.
    """

    def __init__(self, seconds: float) -> None:
        self._until, self._pause = time.monotonic() + seconds, 0.1

    def wait(self, error: Exception) -> None:
        """Wait a moment, or raise ``error`` where it is of another kind, or the time is over."""
        if reason(error) != BROKEN or time.monotonic() + self._pause > self._until:
            raise error
        time.sleep(random.uniform(self._pause / 2, self._pause))
        self._pause = min(2 * self._pause, MOST_PAUSE)


def again(request: Callable[[], T], seconds: float) -> T:
    """Return what ``request`` returns, which is made anew for so long where its answer breaks off."""
    patience = Patience(seconds)
    while True:
        try:
            return request()
        except Exception as error:
            patience.wait(error)


@cache
def _memory(bucket: str) -> ObjectStore:
    """Return the one store of this name in this process."""
    from obstore.store import MemoryStore

    return MemoryStore()


def endpoint(scheme: str) -> str | None:
    """Return the address of another server; `OptionError` for what is none, of which obstore ends in a panic."""
    name = next((name for name in ENDPOINTS.get(scheme, ()) if os.environ.get(name)), None)
    if name is None:
        return None
    if not _is_address(os.environ[name]):  # not shown: it may hold a password
        raise OptionError(f"{name}: is no address of a server; give http://HOST:PORT or https://HOST")
    return os.environ[name]


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0 and re.fullmatch(r"[!-~]+", text) is not None
        return has_host and parts.scheme in ("http", "https")
    except ValueError:  # of its port, or of brackets
        return False


def _client(scheme: str, timeout: float) -> ClientConfig:
    client: ClientConfig = {
        "timeout": timedelta(seconds=timeout),
        "connect_timeout": timedelta(seconds=min(timeout, 10)),
    }
    # Who names an address without TLS means it: a server of their own.
    if (endpoint(scheme) or "").startswith("http://"):
        client["allow_http"] = True
    return client


def _retries(seconds: float) -> RetryConfig:
    backoff = {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=MOST_PAUSE), "base": 2}
    return {"backoff": backoff, "max_retries": MOST_RETRIES, "retry_timeout": timedelta(seconds=seconds)}  # type: ignore[typeddict-item]


def _profile() -> dict[str, Any]:
    """Return what reads credentials from AWS' files, as its own tools do; nothing where there are none to read."""
    files = [Path(os.environ.get(name) or Path.home() / ".aws" / file) for name, file in AWS_FILES.items()]
    is_named = bool(os.environ.get("AWS_PROFILE"))
    if not is_named and (any(map(os.environ.get, AWS_KEYS)) or not any(file.is_file() for file in files)):
        return {}
    try:
        import boto3
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError as error:
        raise PluginError("AWS profiles are read by boto3: pip install 'tileframe[objects]'") from error
    try:
        provider = Boto3CredentialProvider(boto3.Session())
    except Exception as error:
        if is_named:
            raise OptionError("AWS_PROFILE: names a profile without credentials that can be used") from error
        return {}
    return {"credential_provider": provider}
