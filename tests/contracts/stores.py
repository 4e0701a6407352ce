"""The directory store, and what could be wrong with it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from tests.contracts.calling import breaker
from tileframe import StoredTiles, StorePlugin
from tileframe.testing import StoreContract
from tileframe_stores.directory import DirectoryStore, StoredDirectory


def directory(make: type[DirectoryStore], opens: Callable[[Path], StoredTiles] = StoredDirectory) -> StorePlugin:
    return StorePlugin("folder", "a folder", lambda target, overwrite: make(target, overwrite=overwrite), opens)


class GoodStore(StoreContract):
    plugin = directory(DirectoryStore)

    def look(self, target: Path) -> dict[str, bytes]:
        folder = target.parent
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class WithoutAdopting:
    """A store without the optional ability."""

    def __init__(self, target: Path, *, overwrite: bool) -> None:
        store = DirectoryStore(target, overwrite=overwrite)
        self.prepare, self.put, self.get, self.keys = store.prepare, store.put, store.get, store.keys
        self.commit, self.discard = store.commit, store.discard


class GoodSmallStore(GoodStore):
    plugin = StorePlugin(
        "small", "a folder", lambda target, overwrite: WithoutAdopting(target, overwrite=overwrite), StoredDirectory
    )


class Eager(DirectoryStore):
    def put(self, key: str, data: bytes) -> None:
        super().put(key, data)
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class Losing(DirectoryStore):
    def commit(self, descriptors: Mapping[str, bytes]) -> None:
        shutil.rmtree(self._tree / "made_files" / "3")
        super().commit(descriptors)


class LosingDescriptors(DirectoryStore):
    def commit(self, descriptors: Mapping[str, bytes]) -> None:
        super().commit(dict(islice(descriptors.items(), 1)))


class Untidy(DirectoryStore):
    def discard(self) -> None:
        (self._scratch / "lock").touch() if self._scratch.exists() else None


class Regretting(DirectoryStore):
    def discard(self) -> None:
        super().discard()
        shutil.rmtree(self._folder / "made_files", ignore_errors=True)


class Twice(DirectoryStore):
    def commit(self, descriptors: Mapping[str, bytes]) -> None:
        if self._state == "open":
            super().commit(descriptors)


class Overwriting(DirectoryStore):
    def __init__(self, target: Path, *, overwrite: bool) -> None:
        super().__init__(target, overwrite=True)


class Merging(DirectoryStore):
    def prepare(self) -> None:
        super().prepare()
        if (old := self._folder / "made_files").exists():
            shutil.copytree(old, self._tree / "made_files")


class Destroying(DirectoryStore):
    def prepare(self) -> None:
        super().prepare()
        shutil.rmtree(self._folder / "made_files", ignore_errors=True)


class Garbling(DirectoryStore):
    def get(self, key: str) -> bytes:
        return super().get(key)[::-1]


class Answering(DirectoryStore):
    def get(self, key: str) -> bytes:
        try:
            return super().get(key)
        except KeyError:
            return b""


class Crashing(DirectoryStore):
    def get(self, key: str) -> bytes:
        return (self._tree / key).read_bytes()


class Skipping(DirectoryStore):
    def keys(self) -> Iterator[str]:
        return islice(super().keys(), 1, None)


class SingleThreaded(DirectoryStore):
    def put(self, key: str, data: bytes) -> None:
        self._last = key, data
        time.sleep(0.0005)
        super().put(*self._last)


class HalfAdopting(DirectoryStore):
    def adopt(self, folder: Path, key: str) -> None:
        super().adopt(next(path for path in folder.iterdir() if path.name == "0"), key)


class BlindAdopting(DirectoryStore):
    def adopt(self, folder: Path, key: str) -> None:
        self._adopted = folder, key

    def commit(self, descriptors: Mapping[str, bytes]) -> None:
        super().adopt(*self._adopted)
        super().commit(descriptors)


class Unfound(StoredDirectory):
    def keys(self) -> Iterator[str]:
        return iter(())


class Undescribed(StoredDirectory):
    def get(self, key: str) -> bytes:
        return super().get(key.replace(".dzi", ".json"))


class Obliging(StoredDirectory):
    def get(self, key: str) -> bytes:
        try:
            return super().get(key)
        except KeyError:
            return b""


WRONG = {
    "test_nothing_is_visible_before_commit": [directory(Eager)],
    "test_commit_shows_every_key_and_descriptor": [directory(Losing), directory(LosingDescriptors)],
    "test_commit_leaves_no_scratch_behind": [directory(Untidy)],
    "test_discard_leaves_nothing": [directory(Untidy), directory(Eager)],
    "test_discard_after_commit_changes_nothing": [directory(Regretting)],
    "test_a_second_commit_is_an_output_error": [directory(Twice)],
    "test_an_existing_target_is_an_output_error": [directory(Overwriting)],
    "test_overwriting_leaves_nothing_of_the_old": [directory(Merging)],
    "test_an_overwrite_that_is_discarded_keeps_the_old": [directory(Destroying)],
    "test_what_was_put_can_be_got": [directory(Garbling)],
    "test_getting_an_unknown_key_is_a_key_error": [directory(Answering), directory(Crashing)],
    "test_keys_are_those_that_were_put": [directory(Skipping)],
    "test_many_threads_may_put": [directory(SingleThreaded)],
    "test_a_finished_pyramid_can_be_opened": [
        directory(DirectoryStore, Unfound),
        directory(DirectoryStore, Undescribed),
    ],
    "test_an_unknown_key_of_a_finished_pyramid_is_a_key_error": [directory(DirectoryStore, Obliging)],
    "test_a_folder_is_adopted_whole_if_any_is": [directory(HalfAdopting), directory(BlindAdopting)],
}
GOOD = [GoodStore, GoodSmallStore]
BREAKERS = [
    breaker(test, GoodStore, f"{test.removeprefix('test_')}_{number}", plugin=plugin)
    for test, plugins in WRONG.items()
    for number, plugin in enumerate(plugins, 1)
]
