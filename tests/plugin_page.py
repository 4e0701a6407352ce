"""The page about plugins, and the files of code that it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from tests.pictures import gradient
from tileframe.registry import Registry

PAGE = (Path(__file__).parents[1] / "docs" / "plugins.md").read_text(encoding="utf-8")
FILES: dict[str, str] = dict(re.findall(r"^```python\n# (\S+)\.py\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))

Import = Callable[[str], ModuleType]
Load = Callable[[str], Registry]


def grey8(folder: Path, width: int, height: int) -> Path:
    """A slide for the reader that the page shows first."""
    path = folder / f"a_{width}x{height}.grey8"
    path.write_bytes(gradient(width, height)[:, :, 0].tobytes())
    return path
