"""The comparison of a pyramid with the reference, which decides whether its time counts."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

from tileframe import CheckError, Comparison, Equality, InputError, StoredPyramid, compare, open_pyramid, tiles_of
from tileframe_bench.records import Verdict

# dB that every level keeps to, by the pixel contract.
FLOOR = 20.0


def fingerprint(target: Path) -> str:
    """Return the digest of the pyramid ``target``: its descriptor, and the names and bytes of all tiles."""
    folder = target.with_name(f"{target.stem}_files")
    digest = hashlib.sha256(target.read_bytes() if target.is_file() else b"")
    for path in sorted(folder.glob("*/*")):
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def judge(reference: Path, target: Path, promised: Equality | None) -> Verdict:
    """Compare every tile of the pyramid ``target`` with that of ``reference``, pixels and JPEG tables.

    It is ranked if layout, base and JPEG tables are the reference's, each lower level is within `FLOOR`, and what was
    ``promised`` is kept. A small difference below the base is a mark alone.
    """
    right = open_pyramid(reference)
    try:
        made = open_pyramid(target)
        found = compare(right, made)
    except (CheckError, InputError) as error:
        return Verdict(None, 0, right.pyramid.tile_count, (_without_folders(f"{error}", right, target),), False)
    faults = []
    if promised is not None and (found.strength is None or found.strength < promised):
        faults.append(f"promised '{promised.value}'")
    if found.strength is not None and (other := _other_jpeg_tables(right, made)):
        tiles = f"{other:,} of {right.pyramid.tile_count:,} tiles"
        faults.append(f"{tiles} are of another JPEG quality or subsampling than was asked for")
    if far := [f"{level.level}" for level in found.levels if level.psnr is not None and level.psnr < FLOOR]:
        faults.append(f"below {FLOOR:g} dB on level {', '.join(far)}")
    is_ranked = found.strength is not None and found.strength >= Equality.BASE and not faults
    marks = tuple(_without_folders(mark, right, target) for mark in (*_differences(found), *faults))
    return Verdict(found.strength, found.identical, right.pyramid.tile_count, marks, is_ranked)


def _differences(found: Comparison) -> Iterator[str]:
    """Yield a sentence for each kind of difference: geometry, tiles too many, bad tiles, pixels."""
    unreadable = sum(level.unreadable for level in found.levels)
    yield from (sentence for sentence in found.layout if not found.levels or "tiles too many" in sentence)
    if unreadable:
        many = f"{unreadable:,} of {found.tiles:,} tiles are missing, damaged or of another size"
        yield f"{many}, for one {found.layout[-1]}"
    for name, levels in (("the base", found.levels[-1:]), ("lower levels", found.levels[:-1])):
        if differing := sum(level.differing for level in levels):
            worst = min(level.psnr for level in levels if level.psnr is not None)
            tiles = sum(level.tiles for level in levels)
            yield f"{name}: {differing:,} of {tiles:,} tiles have other pixels, {worst:.1f} dB at worst"


def _other_jpeg_tables(right: StoredPyramid, made: StoredPyramid) -> int:
    """Return how many tiles have other quantisation tables or another subsampling than the reference's."""
    keys = [right.layout.key(tile) for tile in tiles_of(right.layout, right.pyramid)]
    expected = _jpeg_tables(right.files.get(keys[0]))
    return sum(_jpeg_tables(made.files.get(key)) != expected for key in keys)


def _jpeg_tables(encoded: bytes) -> tuple[object, ...]:
    from PIL import Image, JpegImagePlugin

    with Image.open(io.BytesIO(encoded)) as image:
        if not isinstance(image, JpegImagePlugin.JpegImageFile):
            return (image.format,)
        return image.quantization, JpegImagePlugin.get_sampling(image)


def _without_folders(sentence: str, right: StoredPyramid, target: Path) -> str:
    for folder in (target.parent, Path(right.location.folder)):
        sentence = sentence.replace(f"{folder.as_posix()}/", "").replace(f"{folder}/", "").replace(f"{folder}\\", "")
    return sentence
