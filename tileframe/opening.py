"""Find and open a finished pyramid, of tileframe's or of any other tool's making."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tileframe import machine
from tileframe.absent import Absence
from tileframe.errors import CheckError, InputError, OptionError, PluginError
from tileframe.frozen import dataclass
from tileframe.geometry import Pyramid
from tileframe.hooks import LayoutPlugin
from tileframe.locations import SCHEME, Location
from tileframe.protocols import StoredFiles
from tileframe.pyramids import StoredPyramid
from tileframe.records import MANIFEST_SCHEMA, Manifest
from tileframe.registry import Registry, load
from tileframe.serialize import from_json


def open_pyramid(
    target: str | Path | Location, *, registry: Registry | None = None, workers: int | None = None
) -> StoredPyramid:
    """Open the pyramid at ``target``: its descriptor, its archive, its folder, or its location.

    `InputError` if there is none, `CheckError` if its descriptor or manifest is wrong, `OptionError` if no plugin
    knows its tile format. Its tiles are not looked at. The caller closes it.
    """
    registry = registry or load()
    place = _place(target, registry)
    files = registry.store_for(place.location).opened(place.location)
    try:
        manifest = read_manifest(place.location, files)
        found = _found(place, files, manifest)
        recorded = manifest.plan if manifest is not None and manifest.plan.layout == found.offer.name else None
        writer = registry.writer(recorded.format if recorded else found.suffix.lower())
        try:
            options = found.offer.resolved(recorded.layout_options if recorded else {}, "layout")
            writer_options = writer.resolved(recorded.format_options if recorded else {}, "format")
        except OptionError as error:
            raise CheckError(f"{place.location.shown(place.location.manifest_key)}: {error}") from error
        try:
            layout = found.offer.create(files.name, found.suffix, found.pyramid, options=options)
            suffix = found.suffix
            if recorded is not None:
                planned = found.offer.create(files.name, recorded.encoding.suffix, found.pyramid, options=options)
                # A layout may have its own word for a suffix, as jpg for jpeg: no difference that a check should see.
                suffix = recorded.encoding.suffix if planned.descriptor() == layout.descriptor() else suffix
        except OptionError as error:
            raise CheckError(f"{place.location.shown(found.key or place.location.manifest_key)}: {error}") from error
        recorded_in, name = manifest if recorded else None, place.location.shown(place.location.manifest_key)
        return StoredPyramid(
            location=place.location, descriptor_key=found.key or f"{layout.folder}/", pyramid=found.pyramid,
            suffix=suffix, layout_name=found.offer.name, layout=layout, writer=writer.create(options=writer_options),
            files=files, manifest=recorded_in, workers=workers or machine.available_cores(),
            absent=Absence(recorded_in, found.pyramid, layout.levels, name),
        )  # fmt: skip
    except BaseException:
        files.close()
        raise


def is_pyramid(text: str, registry: Registry) -> bool:
    """Say whether ``text`` names a pyramid, by its descriptor, archive, folder or location, and not a slide."""
    if any(_named(text, registry.layouts)):
        return True
    try:
        location = registry.location(text.rstrip("/\\") or text)
    except OptionError:
        if SCHEME.fullmatch(text) and isinstance(registry.slide(text), Path):
            raise
        return False  # a slide may be called anything
    if location.scheme != "file" and not location.container:
        slide = registry.slide(text)
        return isinstance(slide, Path) or not Path(slide.name).suffix
    if location.container:
        return True
    descriptors = (offer.descriptor.format(name=location.name) for offer in registry.layouts if offer.descriptor)
    found = os.path.isdir(text) or any(os.path.isfile(Path(location.folder, key)) for key in descriptors)
    return found and not os.path.isfile(text)


def read_manifest(location: Location, files: StoredFiles) -> Manifest | None:
    """Return the record of the run that made the pyramid; None where there is none, `CheckError` for a wrong one."""
    key = f"{files.name}.tileframe.json"
    try:
        return from_json(Manifest, files.get(key), schema=MANIFEST_SCHEMA)
    except KeyError:
        return None
    except (CheckError, InputError) as error:
        raise CheckError(f"{location.shown(key)}: the manifest {error}") from error


@dataclass(frozen=True)
class _Place:
    """Where to look for a pyramid: a location, and the layouts and the descriptor's key that the text named."""

    location: Location
    layouts: Sequence[LayoutPlugin]
    key: str | None = None


@dataclass(frozen=True)
class _Found:
    """The layout of a pyramid that was found, and what its descriptor says."""

    offer: LayoutPlugin
    key: str
    """Of the descriptor; empty where the layout has none."""
    pyramid: Pyramid
    suffix: str


def _place(target: str | Path | Location, registry: Registry) -> _Place:
    if isinstance(target, Location):
        return _Place(target, registry.layouts)
    text = str(target)
    if offer := next(_named(text, registry.layouts), None):
        return _Place(registry.location(text, layout=offer.name), [offer])
    location = registry.location(text.rstrip("/\\") or text)
    path = Path(text)
    if location.scheme == "file" and not location.container and path.is_file():
        # A descriptor by another name: many tools write Deep Zoom's as .xml.
        single = [offer for offer in registry.layouts if offer.descriptor and "/" not in offer.descriptor]
        return _Place(Location("file", str(path.parent), path.stem), single, path.name)
    return _Place(location, registry.layouts)


def _named(text: str, layouts: Sequence[LayoutPlugin]) -> Iterator[LayoutPlugin]:
    """Yield the layouts of whose descriptors ``text`` is a path."""
    for offer in layouts:
        if offer.descriptor:
            pattern = re.escape(offer.descriptor).replace("/", r"[/\\]")
            pattern = pattern.replace(re.escape("{name}"), r"[^/\\]+")
            if re.fullmatch(rf"(.*[/\\])?{pattern}", text, re.DOTALL):
                yield offer


def _found(place: _Place, files: StoredFiles, manifest: Manifest | None) -> _Found:
    location = place.location
    keys = {offer.name: place.key or offer.descriptor.format(name=files.name) for offer in place.layouts}
    for offer in place.layouts:
        key = keys[offer.name]
        if offer.read is None:
            continue
        try:
            return _Found(offer, key, *offer.read(files.get(key)))
        except KeyError:
            continue
        except CheckError as error:
            if place.key and not place.key.lower().endswith(".xml"):  # of another name than any descriptor's
                raise InputError(f"{location.shown(key)}: no pyramid, for {error}") from error
            raise CheckError(f"{location.shown(key)}: {error}") from error
        except InputError as error:
            raise InputError(f"{location.shown(key)}: {error}") from error
    for offer in place.layouts:
        if offer.read is None and manifest is not None and manifest.plan.layout == offer.name:
            return _Found(offer, "", manifest.plan.pyramid, manifest.plan.encoding.suffix)
    if manifest is not None and manifest.plan.layout not in keys:
        raise PluginError(f"{location}: no plugin offers its layout '{manifest.plan.layout}' (have: {', '.join(keys)})")
    looked = [key for key in keys.values() if key]
    if location.container:
        raise InputError(f"{location}: no pyramid is in it (looked for {', '.join(looked)})")
    shown = [location.shown(key) for key in looked]
    if len(shown) == 1:
        raise InputError(f"{shown[0]}: no such file")
    raise InputError(f"{location}: no pyramid is there (looked for {', '.join(shown)})")
