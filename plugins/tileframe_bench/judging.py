"""What a pyramid has to be for its time to count."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from tileframe import CheckError, Comparison, Equality, InputError, StoredPyramid, compare, open_pyramid
from tileframe_bench.records import Verdict

# dB. What every level has to keep to, whoever makes it: docs/contract.md.
FLOOR = 20.0


def fingerprint(target: Path) -> str:
    """Return the digest of all tiles of the pyramid ``target``, names and bytes; of its descriptor as well."""
    folder = target.with_name(f"{target.stem}_files")
    digest = hashlib.sha256(target.read_bytes() if target.is_file() else b"")
    for path in sorted(folder.glob("*/*")):
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def judge(reference: Path, target: Path, promised: Equality | None) -> Verdict:
    """Compare every tile of the pyramid ``target`` with that of ``reference``, and how the tiles were encoded.

    It is ranked if layout and base are the reference's, the lower levels are near enough, its tiles were encoded in the
    same way, and what was ``promised`` is kept. A small difference below the base is a mark alone.
    """
    right = open_pyramid(reference)
    try:
        made = open_pyramid(target)
        found = compare(right, made)
    except (CheckError, InputError) as error:
        return Verdict(None, 0, right.pyramid.tile_count, (_short(str(error), right, target),), is_ranked=False)
    marks = [*_layout(found, right, target), *_pixels(found)]
    broken = promised is not None and (found.strength is None or found.strength < promised)
    if broken and promised is not None:
        marks.append(f"promised '{promised.name.lower()}'")
    strength = found.strength
    otherwise = _encoded_otherwise(right, made) if strength is not None else ""
    if otherwise:
        marks.append(otherwise)
    far = [level.level for level in found.levels if level.psnr is not None and level.psnr < FLOOR]
    if far:
        marks.append(f"below {FLOOR:g} dB on level {', '.join(f'{level}' for level in far)}")
    is_ranked = strength is not None and strength >= Equality.BASE and not (broken or otherwise or far)
    return Verdict(strength, found.identical, right.pyramid.tile_count, tuple(marks), is_ranked)


def _layout(found: Comparison, right: StoredPyramid, target: Path) -> Iterator[str]:
    """Say what differs in geometry, names and sizes."""
    unreadable = sum(level.unreadable for level in found.levels)
    of_pyramid = [sentence for sentence in found.layout if sentence.startswith(("the ", str(target)))]
    yield from (_short(sentence, right, target) for sentence in of_pyramid)
    if unreadable:
        first = next(sentence for sentence in found.layout if sentence not in of_pyramid)
        many = f"{unreadable:,} of {found.tiles:,} tiles are missing, damaged or of another size"
        yield f"{many}, for one {_short(first, right, target)}"


def _pixels(found: Comparison) -> Iterator[str]:
    """Say which pixels differ, the base's and those of the levels below it apart."""
    for name, levels in (("the base", found.levels[-1:]), ("lower levels", found.levels[:-1])):
        differing = sum(level.differing for level in levels)
        if differing:
            worst = min(level.psnr for level in levels if level.psnr is not None)
            tiles = sum(level.tiles for level in levels)
            yield f"{name}: {differing:,} of {tiles:,} tiles have other pixels, {worst:.1f} dB at worst"


def _encoded_otherwise(right: StoredPyramid, made: StoredPyramid) -> str:
    """Say so if tiles have other quantisation tables or another subsampling; else nothing."""
    tiles = [tile for level in range(right.pyramid.level_count) for tile in right.pyramid.tiles(level)]
    expected = _tables(right.files.get(right.layout.key(tiles[0])))
    other = sum(_tables(made.files.get(made.layout.key(tile))) != expected for tile in tiles)
    if not other:
        return ""
    return f"{other:,} of {len(tiles):,} tiles are of another JPEG quality or subsampling than was asked for"


def _tables(data: bytes) -> tuple[object, ...]:
    import io

    from PIL import Image, JpegImagePlugin

    with Image.open(io.BytesIO(data)) as image:
        if not isinstance(image, JpegImagePlugin.JpegImageFile):
            return (image.format,)
        return image.quantization, JpegImagePlugin.get_sampling(image)


def _short(sentence: str, right: StoredPyramid, target: Path) -> str:
    """Return ``sentence`` without the folders that nobody sees."""
    for folder in (target.parent, right.target.parent):
        sentence = sentence.replace(f"{folder.as_posix()}/", "").replace(f"{folder}/", "")
    return sentence
