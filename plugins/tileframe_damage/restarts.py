"""Restart markers of a JPEG: whether all are there, and where decoding can begin anew at them."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import TYPE_CHECKING, BinaryIO

from tileframe import Box, Size
from tileframe.frozen import dataclass

if TYPE_CHECKING:  # and in the functions, for a picture without such markers needs no numpy
    import numpy as np
    from numpy.typing import NDArray

END = b"\xff\xd9"
SOF, DHT, RST, EOI, SOS, DQT, DRI, JFIF, ADOBE = 0xC0, 0xC4, 0xD0, 0xD9, 0xDA, 0xDB, 0xDD, 0xE0, 0xEE
KEPT = (SOF, DHT, SOS, DQT, DRI, JFIF, ADOBE)
"""Segments that say how to decode, and in which colours."""
LUMA = (b"\x11", b"\x21", b"\x22", b"\x12", b"\x41")
"""Samples across and down of the first component, where the others have one, that TurboJPEG knows."""
AT_ONCE = 16 << 20


@dataclass(frozen=True)
class Header:
    """What comes before the data of a baseline JPEG of one scan, as far as bands need it."""

    data: bytes
    height_at: int
    """Where in ``data`` the height stands."""
    size: Size
    is_grey: bool
    mcu: Size
    interval: int
    """MCUs between restart markers."""

    @property
    def mcus(self) -> Size:
        """How many there are, across and down."""
        return Size(-(-self.size.width // self.mcu.width), -(-self.size.height // self.mcu.height))

    @property
    def step(self) -> int:
        """Rows of MCUs from one that begins at a restart to the next."""
        return self.interval // gcd(self.interval, self.mcus.width)

    def band(self, first: int, last: int, held: bytes) -> tuple[bytes, Box]:
        """Return the steps of rows from ``first`` to before ``last``, whose data ``held`` are, as a JPEG; and where."""
        import numpy as np

        high = self.step * self.mcu.height
        height = min(self.size.height, last * high) - first * high
        data = np.frombuffer(bytearray(held), np.uint8)
        places = markers_in(data)
        data[places + 1] = RST + np.arange(len(places)) % 8
        ends_with_one = len(places) > 0 and places[-1] == len(data) - 2  # that of the rows behind
        begun = self.data[: self.height_at] + height.to_bytes(2, "big") + self.data[self.height_at + 2 :]
        whole = b"".join((begun, (data[:-2] if ends_with_one else data).tobytes(), END))
        return whole, Box(0, first * high, self.size.width, height)


def header_of(file: BinaryIO) -> Header | None:
    """Return the header, with ``file`` at the first byte of the scan; None for what is not plain."""
    pieces, frame, height_at, interval = [file.read(2)], b"", 0, 0
    for marker, content in _segments(file):
        if marker == SOF:
            frame, height_at = content, sum(map(len, pieces)) + 5
        elif marker == DRI and len(content) == 2:
            interval = int.from_bytes(content, "big")
        elif marker not in KEPT and not (JFIF < marker < 0xF0 or marker == 0xFE):
            return None  # progressive, arithmetic, of several frames, ...
        if marker in KEPT:
            pieces.append(bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content)
        if marker == SOS:
            break
    else:
        return None
    components = frame[5] if len(frame) > 5 else 0
    luma = frame[7:8] if components == 3 else b"\x11"  # the only component of a scan is not interleaved
    plain = components in (1, 3) and frame[0] == 8 and set(frame[10::3]) <= {0x11} and luma in LUMA
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    if not (plain and interval and height and width and content[:1] == bytes([components])):
        return None
    mcu = Size(8 * (luma[0] >> 4), 8 * (luma[0] & 15))
    return Header(b"".join(pieces), height_at, Size(width, height), components == 1, mcu, interval)


def _segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield marker and content of each segment up to the first scan's; nothing more after what is none."""
    while len(head := file.read(4)) == 4 and head[0] == 0xFF:
        length = int.from_bytes(head[2:], "big") - 2
        content = file.read(max(0, length))
        if length < 0 or len(content) < length:
            return
        yield head[1], content
        if head[1] == SOS:
            return


def starts_of(file: BinaryIO, header: Header) -> NDArray[np.int64] | None:
    """Return where each step of rows begins, and where the last ends; None unless all markers are as they should be."""
    import numpy as np

    mcus, seen, found, position = header.mcus.area, 0, [np.array([file.tell()])], file.tell()
    restarts, each = -(-mcus // header.interval) - 1, header.step * header.mcus.width // header.interval
    while data := file.read(AT_ONCE):
        data += file.read(1) if data.endswith(b"\xff") else b""
        samples = np.frombuffer(data, np.uint8)
        places = markers_in(samples)
        codes, numbers = samples[places + 1], np.arange(seen, seen + len(places))
        own = numbers < restarts
        if (codes[own] != RST + numbers[own] % 8).any():
            return None
        starts = places[own & ((numbers + 1) % each == 0)]
        found.append(position + starts + 2)
        if not own.all():
            ended = int(np.argmin(own))
            if codes[ended] != EOI:
                return None
            return np.concatenate((*found, [position + places[ended]]))
        seen, position = seen + len(places), position + len(data)
    return None


def markers_in(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return where markers stand in the data of a scan: a byte of ones that no zero follows."""
    import numpy as np

    places = np.flatnonzero(data[:-1] == 0xFF)
    markers: NDArray[np.int64] = places[data[places + 1] != 0]
    return markers
