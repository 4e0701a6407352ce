"""A file that is read by ranges, with the blocks that were read last in memory."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

BLOCK = 1 << 16
MOST_BLOCKS = 1024
"""Kept of one open file: 64 MiB."""
MOST_AT_ONCE = 32
"""Blocks that one request asks for, though fewer are wanted: a file that is read on needs fewer requests."""
USED = BLOCK * 3 // 4
"""Bytes of a block from which on it counts as used: where a reader leaves gaps, as one of several does, it is asked for
no more than that has wanted so far."""


@dataclass(slots=True)
class Block:
    """A block that is kept, and how many bytes of it were wanted."""

    content: bytes
    used: int = 0


class Blocks:
    """Gives parts of a file, from any thread; what one thread waits for, no other asks for again."""

    def __init__(self, fetch: Callable[[int, int], bytes], length: int, *, most: int = MOST_BLOCKS) -> None:
        """``fetch`` returns the bytes from one place up to another."""
        self._fetch, self._length, self._most = fetch, length, most
        self._kept: OrderedDict[int, Block] = OrderedDict()
        self._coming: dict[int, Future[Block]] = {}
        self._lock = threading.Lock()

    def read(self, offset: int, count: int) -> bytes:
        """Return ``count`` bytes from ``offset`` on, fewer only at the end of the file."""
        end = min(offset + count, self._length)
        if end <= offset:
            return b""
        first, last = offset // BLOCK, (end - 1) // BLOCK
        parts = []
        for number in range(first, last + 1):
            block = self._block(number, last)
            part = block.content[max(0, offset - number * BLOCK) : end - number * BLOCK]
            block.used += len(part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _block(self, number: int, last: int) -> Block:
        with self._lock:
            if (kept := self._kept.get(number)) is not None:
                self._kept.move_to_end(number)
                return kept
            coming = self._coming.get(number)
            run = range(0) if coming else self._run(number, last)
            for one in run:
                self._coming[one] = Future()
        if coming is not None:
            return coming.result()
        try:
            content = self._fetch(run.start * BLOCK, min(run.stop * BLOCK, self._length))
        except BaseException as error:
            with self._lock:
                failed = [self._coming.pop(one) for one in run]
            for future in failed:
                future.set_exception(error if isinstance(error, Exception) else RuntimeError("the reading was stopped"))
            raise
        blocks = [Block(content[place : place + BLOCK]) for place in range(0, len(content), BLOCK)]
        with self._lock:
            self._kept.update(zip(run, blocks, strict=True))
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            came = [self._coming.pop(one) for one in run]
        for future, block in zip(came, blocks, strict=True):
            future.set_result(block)
        return blocks[0]

    def _run(self, number: int, last: int) -> range:
        """Return the blocks to ask for together: up to ``last``, and as many more as were used just before."""
        before = 0
        while before < MOST_AT_ONCE and (block := self._kept.get(number - before - 1)) and block.used >= USED:
            before += 1
        end = min(max(last + 1, number + min(before + 1, MOST_AT_ONCE)), -(-self._length // BLOCK))
        stop = number + 1
        while stop < end and stop not in self._kept and stop not in self._coming:
            stop += 1
        return range(number, stop)


class BlockFile(io.RawIOBase):
    """An open file that is elsewhere: `tileframe.RangeFile`."""

    def __init__(self, read: Callable[[int, int], bytes], length: int) -> None:
        self._read, self.length = read, length
        self._place = 0

    def read_at(self, offset: int, count: int) -> bytes:
        """Return ``count`` bytes from ``offset`` on, fewer only at the end."""
        read = self._read
        if self.closed:
            raise ValueError("was closed")
        return read(offset, count)

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` with the next bytes."""
        found = self.read_at(self._place, len(buffer))
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to another place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.length}[whence]
        self._place = max(0, start + offset)
        return self._place

    def tell(self) -> int:
        """Return the present place."""
        return self._place

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Forget what was read."""
        super().close()
        self._read = _closed


def _closed(offset: int, count: int) -> bytes:
    raise ValueError("was closed")
