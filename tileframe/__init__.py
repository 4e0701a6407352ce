"""tileframe turns one huge picture or whole-slide image into a Deep Zoom pyramid, the same one with every backend.

`run` does what the command does. The other names here, and those of `tileframe.pixels` and
`tileframe.endings`, are for plugin authors.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from tileframe.errors import (
    CheckError,
    InputError,
    OptionError,
    OutputError,
    PluginError,
    TileframeError,
    UnsupportedInput,
)
from tileframe.geometry import Box, Pyramid, Size, TileAddress
from tileframe.hookspecs import hookimpl
from tileframe.interfaces import AdoptsFolder, Backend, Job, Layout, Progress, Reader, Source, Store, Writer
from tileframe.model import (
    WHITE,
    Access,
    Encoding,
    Equality,
    Fit,
    IccProfile,
    JobSpec,
    NativeLevel,
    Report,
    Rgb,
    SlideFacts,
)
from tileframe.offers import BackendPlugin, Plugin, ReaderPlugin, StorePlugin, WriterPlugin
from tileframe.sources import BaseSource

if TYPE_CHECKING:
    from tileframe.pipeline import run

__version__ = version("tileframe")

__all__ = [
    "WHITE",
    "Access",
    "AdoptsFolder",
    "Backend",
    "BackendPlugin",
    "BaseSource",
    "Box",
    "CheckError",
    "Encoding",
    "Equality",
    "Fit",
    "IccProfile",
    "InputError",
    "Job",
    "JobSpec",
    "Layout",
    "NativeLevel",
    "OptionError",
    "OutputError",
    "Plugin",
    "PluginError",
    "Progress",
    "Pyramid",
    "Reader",
    "ReaderPlugin",
    "Report",
    "Rgb",
    "Size",
    "SlideFacts",
    "Source",
    "Store",
    "StorePlugin",
    "TileAddress",
    "TileframeError",
    "UnsupportedInput",
    "Writer",
    "WriterPlugin",
    "__version__",
    "hookimpl",
    "run",
]


def __getattr__(name: str) -> Any:
    # The engine and its libraries are loaded when it is used: plugins and `--help` do without.
    if name == "run":
        from tileframe.pipeline import run

        return run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
