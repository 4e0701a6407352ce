"""The records of a zip file whose members are stored: made and read, with ZIP64 where numbers are too large.

After APPNOTE.TXT, version 6.3, sections 4.3 to 4.5.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from tileframe_storage.writing import MOST_BYTES

LOCAL, CENTRAL = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L")
END, END64, LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
LOCAL_MARK, CENTRAL_MARK, END_MARK = b"PK\3\4", b"PK\1\2", b"PK\5\6"
END64_MARK, LOCATOR_MARK = b"PK\6\6", b"PK\6\7"
# From these on, a field says that its number is in a ZIP64 record: 65,535 members are one too many.
TOO_LARGE, TOO_MANY = 0xFFFFFFFF, 0xFFFF
PLAIN, ZIP64 = 20, 45
"""The version that is needed to extract a member in a folder; and one with a ZIP64 record."""
UTF8, ENCRYPTED, STORED = 1 << 11, 1 | 1 << 6 | 1 << 13, 0
DAY = 1 << 5 | 1
"""The first day of 1980: two equal runs give equal bytes."""
EXTRA = 1
"""Marks the ZIP64 record of a member."""
COMMENT_LIMIT, BLOCK = 0xFFFF, 1 << 20

Read = Callable[[int, int], bytes]
"""Returns so many bytes from an offset on; fewer only at the end of the file."""


class ZipError(Exception):
    """Says what is wrong with a zip file, as the rest of a sentence that begins with its name."""


class Member(NamedTuple):
    """One file in the archive."""

    name: bytes
    crc: int
    size: int
    offset: int
    """Of its local header."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the central directory is."""

    start: int
    size: int
    count: int


def local_header(name: bytes, crc: int, size: int) -> bytes:
    """Return what stands before the bytes of a member."""
    if size < TOO_LARGE:
        return LOCAL.pack(LOCAL_MARK, PLAIN, UTF8, STORED, 0, DAY, crc, size, size, len(name), 0) + name
    extra = struct.pack("<2H2Q", EXTRA, 16, size, size)
    head = LOCAL.pack(LOCAL_MARK, ZIP64, UTF8, STORED, 0, DAY, crc, TOO_LARGE, TOO_LARGE, len(name), len(extra))
    return head + name + extra


def central_record(name: bytes, crc: int, size: int, offset: int) -> bytes:
    """Return the record of a member for the central directory."""
    if size < TOO_LARGE and offset < TOO_LARGE:
        numbers = (0, DAY, crc, size, size, len(name), 0, 0, 0, 0, 0, offset)
        return CENTRAL.pack(CENTRAL_MARK, PLAIN, PLAIN, UTF8, STORED, *numbers) + name
    large = ([size, size] if size >= TOO_LARGE else []) + ([offset] if offset >= TOO_LARGE else [])
    extra = struct.pack(f"<2H{len(large)}Q", EXTRA, 8 * len(large), *large)
    size, offset = min(size, TOO_LARGE), min(offset, TOO_LARGE)
    numbers = (0, DAY, crc, size, size, len(name), len(extra), 0, 0, 0, 0, offset)
    return CENTRAL.pack(CENTRAL_MARK, ZIP64, ZIP64, UTF8, STORED, *numbers) + name + extra


def end_records(directory: Directory) -> bytes:
    """Return what stands after the central directory, to its end."""
    start, size, count = directory.start, directory.size, directory.count
    records = b""
    if count >= TOO_MANY or size >= TOO_LARGE or start >= TOO_LARGE:
        records += END64.pack(END64_MARK, END64.size - 12, ZIP64, ZIP64, 0, 0, count, count, size, start)
        records += LOCATOR.pack(LOCATOR_MARK, 0, start + size, 1)
    shown = min(count, TOO_MANY)
    return records + END.pack(END_MARK, 0, 0, shown, shown, min(size, TOO_LARGE), min(start, TOO_LARGE), 0)


def find_directory(read: Read, length: int) -> Directory:
    """Return where the central directory of a file of ``length`` bytes is; `ZipError` without a sound one."""
    tail = read(max(0, length - END.size - COMMENT_LIMIT), END.size + COMMENT_LIMIT)
    at = tail.rfind(END_MARK)
    while at >= 0 and (len(tail) - at < END.size or END.unpack_from(tail, at)[-1] != len(tail) - at - END.size):
        at = tail.rfind(END_MARK, 0, at)
    if at < 0:
        raise ZipError("is no zip file, or one that was cut off: it has no central directory")
    _, disk, first_disk, on_disk, count, size, start, _ = END.unpack_from(tail, at)
    end = length - len(tail) + at
    locator = read(end - LOCATOR.size, LOCATOR.size) if end >= LOCATOR.size else b""
    if locator[:4] == LOCATOR_MARK:
        end = LOCATOR.unpack(locator)[2]
        record = read(end, END64.size)
        if len(record) < END64.size or record[:4] != END64_MARK:
            raise ZipError("is damaged: its ZIP64 record is not where it should be")
        _, _, _, _, disk, first_disk, on_disk, count, size, start = END64.unpack(record)
    if disk or first_disk or on_disk != count:
        raise ZipError("is a part of an archive in several files, which cannot be read")
    if start + size != end or count * CENTRAL.size > size:
        raise ZipError("is damaged: its central directory is not where it should be")
    return Directory(start, size, count)


def members(read: Read, directory: Directory) -> Iterator[Member]:
    """Yield every member of the central directory but folders, in its order, in memory that does not grow.

    `ZipError` for one that is compressed or encrypted, that lies outside of the file or beside its own folder, and
    for a directory that is damaged.
    """
    at, end, count, rest = directory.start, directory.start + directory.size, 0, b""
    while at < end:
        block = read(at, min(BLOCK, end - at))
        at += len(block)
        if not block:
            raise ZipError("is cut off inside its central directory")
        rest += block
        place = 0
        while len(rest) - place >= CENTRAL.size:
            fields = CENTRAL.unpack_from(rest, place)
            name_end = place + CENTRAL.size + fields[10]
            extra_end = name_end + fields[11]
            if fields[0] != CENTRAL_MARK:
                raise ZipError(f"is damaged: record {count + 1} of its central directory is none")
            if extra_end + fields[12] > len(rest):
                break
            name = rest[place + CENTRAL.size : name_end]
            member = member_of(fields, name, rest[name_end:extra_end])
            if member.offset + LOCAL.size + len(name) + member.size > directory.start:
                raise ZipError(f"is damaged: '{shown(name)}' is said to lie outside of it")
            place, count = extra_end + fields[12], count + 1
            if not name.endswith(b"/"):
                yield member
        rest = rest[place:]
    if rest or count != directory.count:
        raise ZipError(f"is damaged: its central directory has {count} records, not {directory.count}")


def leading(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and bytes of the whole members at the beginning of a file that may have no central directory yet."""
    while len(head := file.read(LOCAL.size)) == LOCAL.size:
        mark, _, _, _, _, _, _, size, _, name_length, extra_length = LOCAL.unpack(head)
        if mark != LOCAL_MARK:
            return
        name, extra = file.read(name_length), file.read(extra_length)
        if size == TOO_LARGE:
            size = next(iter(_large_numbers(extra)), 0)
        data = file.read(min(size, MOST_BYTES))
        if len(data) < size:
            return
        yield name, data


def member_of(fields: tuple[Any, ...], name: bytes, extra: bytes) -> Member:
    """Return the member of a `CENTRAL` record; `ZipError` if it cannot be read, or should not be."""
    _, _, _, flags, method, _, _, crc, packed, size, _, _, _, disk, _, _, offset = fields
    if unsafe(name):
        raise ZipError(f"has a member '{shown(name)}', whose name would lead out of its folder")
    if flags & ENCRYPTED:
        raise ZipError(f"has an encrypted member, '{shown(name)}', which cannot be read")
    if method != STORED:
        raise ZipError(f"has a compressed member, '{shown(name)}'; members must be stored (zip -0)")
    numbers = iter(_large_numbers(extra))
    try:
        size = next(numbers) if size == TOO_LARGE else size
        packed = next(numbers) if packed == TOO_LARGE else packed
        offset = next(numbers) if offset == TOO_LARGE else offset
    except StopIteration:
        raise ZipError(f"is damaged: the ZIP64 record of '{shown(name)}' is cut off") from None
    if packed != size or disk not in (0, TOO_MANY):
        raise ZipError(f"is damaged: what is said of '{shown(name)}' cannot be")
    return Member(name, crc, size, offset)


def unsafe(name: bytes) -> bool:
    """Say whether a member's name would lead out of the folder into which it is extracted, on some system."""
    parts = name.removesuffix(b"/").split(b"/")
    return b"\\" in name or b"\0" in name or not {b"", b".", b".."}.isdisjoint(parts) or _is_drive(parts[0])


def shown(name: bytes) -> str:
    """Return a member's name for people: on one line."""
    letters = name.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in letters)


def text(name: bytes) -> str:
    """Return a member's name as text, as `os.fsdecode` does on systems with UTF-8."""
    return name.decode("utf-8", "surrogateescape")


def _is_drive(part: bytes) -> bool:
    return re.match(rb"[A-Za-z]:", part) is not None


def _large_numbers(extra: bytes) -> tuple[int, ...]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == EXTRA:
            count = len(extra[at + 4 : at + 4 + length]) // 8
            return struct.unpack_from(f"<{count}Q", extra, at + 4)
        at += 4 + length
    return ()
