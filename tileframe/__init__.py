"""tileframe turns one huge picture or whole-slide image into a Deep Zoom pyramid, the same one with every backend.

`run`, `open_pyramid` and `compare` do what the commands do. The other names here, and those of
`tileframe.pixels`, `endings`, `digests`, `machine`, `parallel` and `testing`, are for plugin authors.
"""

from __future__ import annotations

from importlib import import_module
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
from tileframe.interfaces import (
    AdoptsFolder,
    Backend,
    Check,
    CheckedTile,
    CompressedTiles,
    Executor,
    Job,
    Layout,
    Progress,
    Reader,
    Source,
    Store,
    StoredPyramid,
    StoredTiles,
    Viewer,
    Writer,
)
from tileframe.model import (
    WHITE,
    Access,
    Comparison,
    Encoding,
    Equality,
    Finding,
    Fit,
    IccProfile,
    JobSpec,
    LevelDifference,
    NativeLevel,
    Report,
    Rgb,
    Severity,
    SlideFacts,
)
from tileframe.offers import (
    BackendPlugin,
    CheckPlugin,
    ExecutorPlugin,
    Plugin,
    ReaderPlugin,
    StorePlugin,
    ViewerPlugin,
    WriterPlugin,
)
from tileframe.sources import BaseSource

if TYPE_CHECKING:
    from tileframe.comparison import compare
    from tileframe.opening import open_pyramid
    from tileframe.pipeline import run
    from tileframe.planning import open_job

__version__ = version("tileframe")

# The engine and its libraries are loaded when it is used: plugins and `--help` do without.
LAZY = {"run": "pipeline", "open_pyramid": "opening", "compare": "comparison", "open_job": "planning"}

__all__ = [
    "WHITE",
    "Access",
    "AdoptsFolder",
    "Backend",
    "BackendPlugin",
    "BaseSource",
    "Box",
    "Check",
    "CheckError",
    "CheckPlugin",
    "CheckedTile",
    "Comparison",
    "CompressedTiles",
    "Encoding",
    "Equality",
    "Executor",
    "ExecutorPlugin",
    "Finding",
    "Fit",
    "IccProfile",
    "InputError",
    "Job",
    "JobSpec",
    "Layout",
    "LevelDifference",
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
    "Severity",
    "Size",
    "SlideFacts",
    "Source",
    "Store",
    "StorePlugin",
    "StoredPyramid",
    "StoredTiles",
    "TileAddress",
    "TileframeError",
    "UnsupportedInput",
    "Viewer",
    "ViewerPlugin",
    "Writer",
    "WriterPlugin",
    "__version__",
    "compare",
    "hookimpl",
    "open_job",
    "open_pyramid",
    "run",
]


def __getattr__(name: str) -> Any:
    if name in LAZY:
        return getattr(import_module(f"tileframe.{LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
