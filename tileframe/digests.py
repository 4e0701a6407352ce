"""The list of the tiles' digests beside a pyramid, ``NAME.sha256``, in the format of ``sha256sum``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tileframe.errors import CheckError


def digest_list(digests: Mapping[str, str]) -> bytes:
    """Return the list that ``sha256sum -c`` reads, sorted by key."""
    return "".join(f"{digests[key]}  {key}\n" for key in sorted(digests)).encode()


def parse_digest_list(data: bytes) -> dict[str, str]:
    """Return the digests of a list by key; `CheckError` if it is none."""
    digests = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        match = re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line)
        if match is None:
            raise CheckError(f"line {number} is not a digest and a name")
        digests[match[2]] = match[1]
    return digests
