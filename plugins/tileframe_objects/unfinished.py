"""What a run keeps in ``.NAME.partial/`` beside its target: who writes there, and which parts of the work are finished.

It is in the bucket, and not on this machine: a run that was stopped with its machine can be gone on with on another.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import IO

import psutil

from tileframe import OutputError
from tileframe.work import in_order
from tileframe_objects.bucket import Bucket

OWNER, NOTES = "owner.json", "notes-"
READERS = 32
"""Threads that read what is noted; a long run notes often."""
LENGTH = struct.Struct("<I")
"""Before each entry in an object of notes."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a run has left that has not come to its end, or has not yet."""

    host: str
    pid: int
    started: float
    notes: tuple[str, ...]
    """The keys of its notes, in their order."""
    parts: int
    """How many parts of the work are noted."""
    ended: bool
    """Whether it has said so itself."""

    @property
    def is_alive(self) -> bool:
        """Whether its process runs on this machine; of other machines nobody knows."""
        try:
            return (
                not self.ended
                and self.host == socket.gethostname()
                and psutil.Process(self.pid).create_time() == self.started
            )
        except (psutil.Error, ValueError, OverflowError):
            return False

    @property
    def is_dead(self) -> bool:
        """Whether it is known to have ended."""
        return self.ended or (self.host == socket.gethostname() and not self.is_alive)


class Unfinished:
    """The folder of one run. Objects have no locks: whose name stands in its record has the target."""

    def __init__(self, bucket: Bucket, name: str) -> None:
        self._bucket = bucket
        self._folder = f".{name}.partial"
        self._owner = f"{self._folder}/{OWNER}"
        self._mine = b""
        self._count = 0
        self._old: IO[bytes] | None = None

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self._bucket.shown(self._folder)

    def left(self, bucket: Bucket) -> Left | None:
        """Return what another run has left there; None for nothing, `OutputError` if a stranger's object is there."""
        keys = sorted(bucket.keys(self._folder))
        if not keys:
            return None
        if strange := next((key for key in keys if not self._is_ours(key)), None):
            name = strange.removeprefix(f"{self._folder}/")
            raise OutputError(f"{self.place}: is no folder of a run, it holds '{name}'; move it away")
        try:
            record = json.loads(self._bucket.get(self._owner))
            who = str(record["host"]), int(record["pid"]), float(record["started"])
            ended = record.get("ended") is True
        except (KeyError, ValueError, TypeError, RecursionError):
            who, ended = ("", 0, 0.0), False
        notes: list[str] = []
        parts = 0
        for key in keys:
            found = self._as_notes(key)
            if found and int(found[1]) == len(notes):  # what follows on one that is missing is not to be trusted
                notes.append(key)
                parts += int(found[2])
        # The first entry says what the run was to make.
        return Left(*who, notes=tuple(notes), parts=max(0, parts - 1), ended=ended)

    def refuse(self, left: Left, resume: bool | None) -> None:
        """Raise `OutputError` if the run lives, or if nobody has said what is to become of what it has left."""
        process = f"process {left.pid} on '{left.host}'" if left.host else "another process"
        if left.is_alive:
            raise OutputError(f"{self.place}: another run ({process}) is writing there; wait for it to end")
        if resume is not None:
            return
        if left.parts:
            raise OutputError(
                f"{self.place}: an unfinished run ({process}) has left {left.parts:,} finished parts there; "
                "give --resume to go on with it, or --no-resume to begin anew"
            )
        if not left.is_dead:
            raise OutputError(
                f"{self.place}: another run ({process}) is writing there, or was killed; "
                "wait for it to end, or give --no-resume if it was"
            )

    def claim(self, left: Left | None = None) -> None:
        """Write this run's name there; with ``left``, take that over, else `OutputError` if another has come first."""
        me = psutil.Process()
        record = {"host": socket.gethostname(), "pid": me.pid, "started": me.create_time(), "run": uuid.uuid4().hex}
        mine = json.dumps(record).encode()
        try:
            self._bucket.put(self._owner, mine, {}, new=left is None)
        except OutputError:
            if left is None and self._bucket.size(self._owner) is not None:
                raise OutputError(f"{self.place}: another run is writing there; wait for it to end") from None
            raise
        self._mine = mine
        self.refuse_other()  # where the service does not know of objects that must be new, the last one has it
        if left is not None:
            self._count = len(left.notes)
            self._old = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
            with closing(in_order(self._bucket.get, left.notes, workers=READERS)) as found:
                self._old.writelines(found)

    def release(self, bucket: Bucket) -> None:
        """Say that this run has ended, and leave the rest."""
        bucket.put(self._owner, json.dumps({**json.loads(self._mine), "ended": True}).encode(), {})

    def refuse_other(self) -> None:
        """Raise `OutputError` if another run has taken the target over."""
        try:
            same = self._bucket.get(self._owner) == self._mine
        except KeyError:
            same = False
        if not same:
            raise OutputError(f"{self.place}: another run has taken over what is written there; let one of them end")

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Yield what the run that was taken over has noted, and its place."""
        place = 0
        while found := self._at(place):
            yield place, found
            place += LENGTH.size + len(found)

    def entry(self, place: int) -> bytes:
        """Return the entry at ``place``."""
        found = self._at(place)
        if found is None:
            raise OutputError(f"{self.place}: what is noted there cannot be read again")
        return found

    def _at(self, place: int) -> bytes | None:
        if self._old is None:
            return None
        self._old.seek(place)
        head = self._old.read(LENGTH.size)
        data = self._old.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""
        return data or None

    def noted(self, entries: Sequence[bytes]) -> tuple[str, bytes]:
        """Return key and content of the object that is to hold ``entries``."""
        key = f"{self._folder}/{NOTES}{self._count:08d}-{len(entries)}"
        self._count += 1
        return key, b"".join(part for entry in entries for part in (LENGTH.pack(len(entry)), entry))

    def remove(self, bucket: Bucket | None = None) -> None:
        """Remove all that runs have left there, the name last."""
        bucket = bucket or self._bucket
        keys = [key for key in bucket.keys(self._folder) if self._as_notes(key)]
        bucket.delete(keys)
        bucket.delete([self._owner])

    def _is_ours(self, key: str) -> bool:
        return key == self._owner or self._as_notes(key) is not None

    def _as_notes(self, key: str) -> re.Match[str] | None:
        """Return number and count of the notes of which ``key`` is; None if it is another's."""
        return re.fullmatch(rf"{re.escape(self._folder)}/{NOTES}([0-9]+)-([0-9]+)", key)

    def close(self) -> None:
        """Forget what was read."""
        if self._old is not None:
            self._old.close()
            self._old = None
