"""What a server was asked for, as one record that also reaches its worker processes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from tileframe import ColourMode, Intent, Location, OptionError, Passthrough, Rgb, Slide, Spec, machine
from tileframe.serialize import from_json, to_json

SCHEMA = "tileframe-serve/1"
VARIABLE = "_TILEFRAME_SERVE"
"""The environment variable by which the record reaches worker processes."""
ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]_-]+")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Paths, how slides are tiled, who may ask, and the bounds."""

    schema: str = SCHEMA
    paths: tuple[str, ...]
    reader: str | None = None
    reader_options: Mapping[str, Any] = field(default_factory=dict)
    format: str = "jpeg"
    format_options: Mapping[str, Any] = field(default_factory=dict)
    tile_size: int | Literal["native"] | None = None
    overlap: int | None = None
    passthrough: Passthrough = Passthrough.AUTO
    limit_bounds: bool = True
    background: Rgb | None = None
    color: ColourMode = ColourMode.SRGB
    intent: Intent = Intent.RELATIVE
    mpp: float | None = None
    isolate: bool = False
    associated: bool = False
    """Whether label, macro and thumbnail, which can name a patient, are served."""
    host: str = LOOPBACK[0]
    url: str | None = None
    """The address by which clients see the server, where a proxy is before it; without a slash at its end."""
    token: str | None = field(default=None, repr=False)
    """What clients must know; None lets everybody in."""
    cors: tuple[str, ...] = ()
    """Origins whose pages may read what is served; ``*`` for all."""
    threads: int = field(default_factory=machine.available_cores)
    """Which decode and encode."""
    queue: int = 200
    """Requests that may wait for those threads; more are sent away with 503."""
    seconds: float = 20.0
    """After which a request is sent away with 503."""
    cache: int = 256
    """Megabytes of encoded tiles and pictures that are kept."""
    slides: int = 16
    """Slides that are open at a time, as long as no more are in use."""
    access_log: str | None = None
    """A file that gets a line of JSON for each answer; ``-`` is standard output."""

    def __post_init__(self) -> None:
        for name, value, low in (("threads", self.threads, 1), ("queue", self.queue, 0), ("cache", self.cache, 0),
                                 ("slides", self.slides, 1)):  # fmt: skip
            if value < low:
                raise OptionError(f"--{name} must be {low} or more, not {value}")
        if not 0 < self.seconds <= 3600:
            raise OptionError(f"--timeout is from above 0 to 3600 seconds, not {self.seconds:g}")
        if self.token is not None and len(self.token) < 16:
            raise OptionError(
                f"a token has 16 characters or more, for it is to be guessed by nobody, not {len(self.token)}"
            )
        if self.url is not None and not _is_address(self.url):
            raise OptionError(f"--url is the address that clients see, as https://slides.example.org, not '{self.url}'")
        for origin in self.cors:
            if not ORIGIN.fullmatch(origin):  # no browser calls itself so, and its pages would read nothing
                raise OptionError(
                    "--cors is * or an origin, in small letters and without a path, as https://viewer.example.org, "
                    f"not '{origin}'"
                )
        self.spec(Path("slide"), "slide")

    def spec(self, slide: Slide, name: str) -> Spec:
        """Return what ``tileframe run`` would be asked for with the same options; nothing is written there."""
        return Spec(
            slide, Location("file", os.path.join(os.path.abspath(os.sep), "nothing-is-written"), name),
            reader=self.reader, reader_options=self.reader_options, format=self.format,
            format_options=self.format_options, tile_size=self.tile_size, overlap=self.overlap,
            passthrough=self.passthrough, limit_bounds=self.limit_bounds, background=self.background,
            color=self.color, intent=self.intent, mpp=self.mpp,
        )  # fmt: skip

    @classmethod
    def of_environment(cls) -> Settings:
        """Return the record that the process which started this one has left in the environment."""
        return from_json(cls, os.environ[VARIABLE].encode(), schema=SCHEMA)

    def to_environment(self) -> None:
        """Leave the record to processes that are started from now on."""
        os.environ[VARIABLE] = to_json(self)


def _is_address(url: str) -> bool:
    """Say whether ``url`` is one that can stand before the paths of what is served."""
    if not re.fullmatch(r"https?://[!-~]+", url) or re.search(r"[?#\\\"<>@]", url):
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0  # a port that cannot be raises
    except ValueError:
        return False
