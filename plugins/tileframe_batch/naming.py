"""What the pyramids of several slides are called, and where they go."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tileframe import Location, OptionError, Slide
from tileframe_batch.finding import Found
from tileframe_batch.index import PAGE

INDEX = Path(PAGE).stem


@dataclass(frozen=True, slots=True)
class Named:
    """A slide, and where its pyramid goes."""

    slide: Slide
    location: Location


def output_of(output: str | None, layout: str, registry: Any) -> Location:
    """Return the location of all pyramids, without a name; `OptionError` for an output that is the name of one."""
    if output is None:
        raise OptionError("several slides need -o FOLDER/, where their pyramids go")
    text = os.path.join(output, "") if os.path.isdir(output) else output
    location: Location = registry.location(text, default_name="-", layout=registry.layout(layout).name)
    if location.name != "-" or output == "-":
        raise OptionError(f"{output}: names one pyramid, and there are several slides; give FOLDER/ or FOLDER/.szi")
    return location


def named(slides: Sequence[Found], into: Location) -> list[Named]:
    """Return where each pyramid goes: under the slide's name without its ending, in the folder it was found in.

    Where two would have the same name, whatever its case, both keep the ending: ``a.svs`` and ``a.ndpi``. So does one
    whose page the gallery would replace.
    `OptionError` where that does not help.
    """
    stems = Counter(_key(one.below, Path(one.path.name).stem) for one in slides)
    stems[_key(Path(), INDEX)] += 1
    found: dict[str, Named] = {}
    for one in slides:
        name = Path(one.path.name).stem if stems[_key(one.below, Path(one.path.name).stem)] == 1 else one.path.name
        key = _key(one.below, name)
        if key in found:
            raise OptionError(
                f"{one.path} and {found[key].slide} would have the same pyramid; run them apart, "
                "or give the folder above both"
            )
        folder = into.folder if one.below == Path() else _joined(into, one.below)
        found[key] = Named(one.path, Location(into.scheme, folder, name, into.container))
    return list(found.values())


def _joined(into: Location, below: Path) -> str:
    if into.scheme == "file":
        return str(Path(into.folder, below))
    return "/".join(part for part in (into.folder, below.as_posix()) if part)


def _key(below: Path, name: str) -> str:
    return f"{below.as_posix()}/{name}".casefold()
