"""tileframe turns one huge picture or whole-slide image into a tile pyramid, the same one with every backend.

`run`, `verify`, `compare`, `open_pyramid`, `open_slide` and `tile` are for programs. The other names here, and those
of `tileframe.executors`, `pixels`, `ledger`, `machine`, `serialize`, `work` and `testing`, are for plugin authors.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

# Each name is loaded when it is used, from where the stub says, which type checkers read: `--help` does without most.
_STUB: bytes = __loader__.get_data(f"{__path__[0]}/__init__.pyi")  # type: ignore[name-defined]
_WHERE = {
    name: module
    for module, names in re.findall(r"^from tileframe\.(\w+) import (\([^)]+|.+)", _STUB.decode(), re.MULTILINE)
    for name in re.findall(r"\w+", names)
}

__all__ = sorted(["__version__", *_WHERE])


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("tileframe.discovery").own_version()
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"tileframe.{_WHERE[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
