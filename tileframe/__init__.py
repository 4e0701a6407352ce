"""tileframe turns one huge picture or whole-slide image into a tile pyramid, the same one with every backend.

`run`, `verify`, `compare`, `open_pyramid`, `open_slide` and `tile` are for programs. The other names here, and those
of `tileframe.executors`, `pixels`, `ledger`, `machine`, `serialize`, `work` and `testing`, are for plugin authors.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from tileframe.absent import Absence
from tileframe.errors import (
    CheckError,
    InputError,
    OptionError,
    OutputError,
    PluginError,
    TileframeError,
    UnsupportedInput,
    WorkerError,
)
from tileframe.facts import (
    WHITE,
    Access,
    ColourMode,
    Encoding,
    Equality,
    Fit,
    Intent,
    NativeLevel,
    Rgb,
    Samples,
    SlideFacts,
)
from tileframe.findings import Comparison, Finding, LevelDifference, Severity
from tileframe.geometry import Box, Pyramid, Size, TileAddress
from tileframe.hooks import (
    BackendPlugin,
    CheckPlugin,
    Choice,
    ColourPlugin,
    ExecutorPlugin,
    LayoutPlugin,
    OriginPlugin,
    Plugin,
    ReaderPlugin,
    StorePlugin,
    ViewerPlugin,
    WriterPlugin,
    hookimpl,
)
from tileframe.job import Backend, Job, Unit
from tileframe.locations import Location
from tileframe.options import NoOptions, option
from tileframe.protocols import (
    AdoptsFolder,
    ColourManager,
    CompressedTiles,
    Content,
    EmbedsProfiles,
    Flushes,
    Layout,
    Managed,
    Pixels,
    Progress,
    Reader,
    Resumes,
    RowsApart,
    Source,
    Sparse,
    Store,
    StoredFiles,
    Target,
    Writer,
    stored_size,
    tiles_of,
)
from tileframe.pyramids import Check, StoredPyramid, Viewer
from tileframe.records import (
    AssociatedRecord,
    ColourRecord,
    Made,
    Manifest,
    OnError,
    Passthrough,
    Plan,
    Report,
    SourceRecord,
    Spec,
    TilesRecord,
)
from tileframe.slides import RangeFile, RemoteSlide, Slide
from tileframe.sources import BaseSource, Cropped, View, cropped

if TYPE_CHECKING:
    from tileframe.colour import managed
    from tileframe.comparison import compare
    from tileframe.opening import is_pyramid, open_pyramid
    from tileframe.pipeline import execute, location_for, run
    from tileframe.planning import open_job, plan
    from tileframe.selection import open_slide, opened
    from tileframe.tiles import tile
    from tileframe.verification import verify

__version__ = version("tileframe")

# The engine and its libraries are loaded when it is used: plugins and `--help` do without.
LAZY = {
    "compare": "comparison", "execute": "pipeline", "is_pyramid":
    "opening", "location_for": "pipeline", "managed": "colour", "open_job": "planning", "open_pyramid": "opening",
    "open_slide": "selection", "opened": "selection", "plan": "planning", "run": "pipeline", "tile": "tiles",
    "verify": "verification",
}  # fmt: skip

__all__ = [
    "WHITE", "Absence", "Access", "AdoptsFolder", "AssociatedRecord", "Backend", "BackendPlugin", "BaseSource", "Box",
    "Check", "CheckError", "CheckPlugin", "Choice", "ColourManager", "ColourMode", "ColourPlugin", "ColourRecord",
    "Comparison", "CompressedTiles", "Content", "Cropped", "EmbedsProfiles", "Encoding", "Equality", "ExecutorPlugin",
    "Finding", "Fit", "Flushes", "InputError", "Intent", "Job", "Layout", "LayoutPlugin", "LevelDifference", "Location",
    "Made", "Managed", "Manifest", "NativeLevel", "NoOptions", "OnError", "OptionError", "OriginPlugin", "OutputError",
    "Passthrough", "Pixels", "Plan", "Plugin", "PluginError", "Progress", "Pyramid", "RangeFile", "Reader",
    "ReaderPlugin", "RemoteSlide", "Report", "Resumes", "Rgb", "RowsApart", "Samples", "Severity", "Size", "Slide",
    "SlideFacts", "Source", "SourceRecord", "Sparse", "Spec", "Store", "StorePlugin", "StoredFiles", "StoredPyramid",
    "Target", "TileAddress", "TileframeError", "TilesRecord", "Unit", "UnsupportedInput", "View", "Viewer",
    "ViewerPlugin", "WorkerError", "Writer", "WriterPlugin", "__version__", "compare", "cropped", "execute", "hookimpl",
    "is_pyramid", "location_for", "managed", "open_job", "open_pyramid", "open_slide", "opened", "option", "plan",
    "run", "stored_size", "tile", "tiles_of", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in LAZY:
        return getattr(import_module(f"tileframe.{LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
