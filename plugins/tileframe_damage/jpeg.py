"""Which damage of a JPEG counts, by what libjpeg says of it, whoever calls libjpeg; and how many pictures it has."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from itertools import pairwise

from tileframe_damage.restarts import END, header_of, starts_of

JPEG_START = b"\xff\xd8\xff"
SOS, SEQUENTIAL, FRAMES, APP2 = 0xDA, (0xC0, 0xC1), (0xC0, 0xC1, 0xC2, 0xC3), 0xE2
NUMBER_OF_IMAGES = 0xB001
DAMAGE = ("Corrupt JPEG data", "remature end of JPEG", "Didn't expect more than one scan", "Bogus")
HARMLESS = "extraneous bytes"


def is_damage(said: str) -> bool:
    """Say whether one of libjpeg's messages, a line each, means that pixels are lost; extraneous bytes do not."""
    return any(word in line and HARMLESS not in line for line in said.splitlines() for word in DAMAGE)


def jpeg_damage(data: bytes) -> str | None:
    """Decode a JPEG at an eighth of its size, strictly; return what libjpeg says of lost data, or None."""
    said = _first_said(data := with_end(data))
    if said and not is_damage(said):
        # That is the first, and no more is said: bytes that are no data may be those behind a lost restart marker, and
        # what stands between segments hides what is said of the data behind.
        said = _restart_damage(data) or _first_said(_without_words(data))
    return f"the JPEG is damaged ({said})" if said and is_damage(said) else None


def _first_said(data: bytes) -> str | None:
    """Decode a JPEG at an eighth of its size; return the first that libjpeg says of it, which may be harmless."""
    import simplejpeg  # here, for most pictures are sound

    try:
        space = simplejpeg.decode_jpeg_header(data)[2]
        colours = {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}.get(space, "RGB")
        # At an eighth all data are looked at, and few pixels are made.
        simplejpeg.decode_jpeg(data, colorspace=colours, min_height=1, min_width=1, min_factor=8, strict=True)
    except ValueError as error:
        return str(error)
    return None


def _without_words(data: bytes) -> bytes:
    """Return a JPEG without what lies between its segments."""
    segments = list(_segments(data))
    pieces = [bytes((0xFF, marker)) + (len(held) + 2).to_bytes(2, "big") + held for marker, held, _ in segments]
    return b"".join((data[:2], *pieces, data[segments[-1][2] :])) if segments else data


def _restart_damage(data: bytes) -> str | None:
    """Say what is wrong with the restart markers of a JPEG, or with what is between them; None for one without."""
    header = header_of(file := io.BytesIO(data))
    if header is None:
        return None
    if (starts := starts_of(file, header)) is None:
        return "Corrupt JPEG data: its restart markers are not those that it should have"
    for step, (begin, end) in enumerate(pairwise(starts)):
        said = _first_said(header.band(step, step + 1, data[begin:end])[0])
        if said and is_damage(said):
            return said
    return None


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height that the header of a JPEG gives; None where it has none."""
    for marker, segment, _ in _segments(data) if data.startswith(JPEG_START) else ():
        if marker in FRAMES and len(segment) > 5:
            height, width = struct.unpack_from(">HH", segment, 1)
            return (width, height) if width and height else None
    return None


def with_end(data: bytes) -> bytes:
    """Return a JPEG with an end marker behind it, where that alone may be missing: of one scan, that has everything.

    Where rows are missing as well, libjpeg then says so of the data.
    """
    if data.rstrip(b"\0").endswith(END):
        return data
    components = 0
    for marker, segment, _ in _segments(data):
        if marker in FRAMES and len(segment) > 5:
            components = segment[5] if marker in SEQUENTIAL else 0
        elif marker == SOS:
            return data + END if segment[:1] == bytes([components]) else data
    return data


def jpeg_pictures(data: bytes) -> int:
    """Return how many pictures the multi-picture format (MPO), as phones write it, says are in the file; else 1."""
    for marker, segment, _ in _segments(data):
        if marker == APP2 and segment.startswith(b"MPF\0"):
            return _images(segment[4:])
    return 1


def _images(index: bytes) -> int:
    order = "<" if index[:2] == b"II" else ">"
    try:
        (place,) = struct.unpack_from(order + "I", index, 4)
        (count,) = struct.unpack_from(order + "H", index, place)
        for entry in range(place + 2, place + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(order + "HHII", index, entry)
            if tag == NUMBER_OF_IMAGES:
                return max(1, int(value))
    except struct.error:
        pass  # damaged: the first picture is there all the same
    return 1


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield marker, content and end of each segment up to the first scan's; what lies between is passed over."""
    position = 2
    while (position := data.find(b"\xff", position)) >= 0 and position + 4 <= len(data):
        marker = data[position + 1]
        if marker in (0, 1, 0xFF) or 0xD0 <= marker <= 0xD9:
            position += 1
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        yield marker, data[position + 4 : end], end
        if marker == SOS:
            return
        position = end
