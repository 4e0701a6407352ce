"""The bundled stores, and what could be wrong with one."""

from __future__ import annotations

import io
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import tileframe_stores
from tests.contracts.calling import breaker
from tests.contracts.left import Clinging, Forgetful, Mixing, Obstinate
from tests.contracts.stored import (
    PLACES,
    AsciiNames,
    ClosedOnce,
    EmptyFolders,
    EmptyWhenClosed,
    Inventing,
    KnowingItsPlace,
    LeadingOutside,
    LowerCaseAlone,
    Misnamed,
    NamedByItsFile,
    Obliging,
    OneHandle,
    Prefixed,
    Undescribed,
    Unfound,
    Vague,
)
from tileframe import Content, Location, StoredFiles, StorePlugin, Target
from tileframe.testing import StoreContract
from tileframe_stores.archive import ArchiveStore
from tileframe_stores.directory import DirectoryStore
from tileframe_stores.loose import StoredDirectory
from tileframe_stores.stored_archive import StoredArchive

DIRECTORY, ZIP, SZI = tileframe_stores.tileframe_stores()


def loose_files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def archived_files(location: Location) -> dict[str, bytes]:
    """The members of an archive without their folder, if it is one, and what lies beside it."""
    files = loose_files(location.path.parent)
    data = files.get(location.path.name, b"")
    if zipfile.is_zipfile(io.BytesIO(data)):
        del files[location.path.name]
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            files |= {name.removeprefix("made/"): archive.read(name) for name in archive.namelist()}
    return files


class GoodStore(StoreContract):
    plugin = DIRECTORY
    puts = 1100

    def look(self, location: Location) -> dict[str, bytes]:
        return loose_files(Path(location.folder))


class GoodArchive(StoreContract):
    plugin = ZIP
    puts = 1100

    def look(self, location: Location) -> dict[str, bytes]:
        return archived_files(location)


class GoodSzi(GoodArchive):
    plugin = SZI
    additions = ("scan-properties.xml",)


class WithoutAdopting:
    """A store without the optional ability."""

    def __init__(self, target: Target) -> None:
        store = DirectoryStore(target)
        self.prepare, self.put, self.get, self.keys = store.prepare, store.put, store.get, store.keys
        self.commit, self.discard, self.shared = store.commit, store.discard, store.shared


def directory(
    make: Callable[[Target], DirectoryStore | WithoutAdopting],
    opens: Callable[[Location], StoredFiles] = StoredDirectory,
) -> StorePlugin:
    return StorePlugin("folder", "a folder", make, opens)


def archive(
    make: Callable[[Target], ArchiveStore] = ArchiveStore, opens: Callable[[Location], StoredFiles] = StoredArchive
) -> StorePlugin:
    return StorePlugin("archive", "a zip file", make, opens, containers=("zip",))


class GoodSmallStore(GoodStore):
    plugin = directory(WithoutAdopting)
    puts = 10


class Eager(DirectoryStore):
    def put(self, key: str, data: bytes) -> None:
        super().put(key, data)
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class Losing(DirectoryStore):
    def commit(self, files: Mapping[str, Content]) -> None:
        shutil.rmtree(self._scratch.tree / "made_files" / "3")
        super().commit(files)


class LosingFiles(DirectoryStore):
    def commit(self, files: Mapping[str, Content]) -> None:
        super().commit(dict(islice(files.items(), 1)))


class LosingPieces(DirectoryStore):
    def commit(self, files: Mapping[str, Content]) -> None:
        super().commit({key: data if isinstance(data, bytes) else next(iter(data)) for key, data in files.items()})


class LosingTheInside(DirectoryStore):
    def commit(self, files: Mapping[str, Content]) -> None:
        super().commit({key: data for key, data in files.items() if "/" not in key})


class Untidy(DirectoryStore):
    def discard(self) -> None:
        (self._scratch.path / "lock").touch() if self._scratch.path.exists() else None


class Regretting(DirectoryStore):
    def discard(self) -> None:
        super().discard()
        shutil.rmtree(self._folder / "made_files", ignore_errors=True)


class Twice(DirectoryStore):
    def commit(self, files: Mapping[str, Content]) -> None:
        if self._state == "open":
            super().commit(files)


class Overwriting(DirectoryStore):
    def __init__(self, target: Target) -> None:
        super().__init__(Target(target.location, target.layout, overwrite=True))


class Careless(DirectoryStore):
    """Clears away whatever is in its way, when it begins or at the end."""

    at_the_end = False

    def prepare(self) -> None:
        if not self.at_the_end:
            self._clear_away()
        super().prepare()

    def commit(self, files: Mapping[str, Content]) -> None:
        self._clear_away()
        super().commit(files)

    def _clear_away(self) -> None:
        for path in self._folder.glob("made*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


class CarelessAtTheEnd(Careless):
    at_the_end = True


class CarelessArchive(ArchiveStore):
    def prepare(self) -> None:
        self._path.unlink(missing_ok=True)
        super().prepare()

    def commit(self, files: Mapping[str, Content]) -> None:
        self._path.unlink(missing_ok=True)
        super().commit(files)


class Merging(DirectoryStore):
    def prepare(self) -> None:
        super().prepare()
        if (old := self._folder / "made_files").exists():
            shutil.copytree(old, self._scratch.tree / "made_files")


class Destroying(DirectoryStore):
    def prepare(self) -> None:
        super().prepare()
        shutil.rmtree(self._folder / "made_files", ignore_errors=True)


class Sweeping(DirectoryStore):
    def commit(self, files: Mapping[str, Content]) -> None:
        super().commit(files)
        (self._folder / "made.txt").unlink(missing_ok=True)


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
        return (self._scratch.tree / key).read_bytes()


class Skipping(DirectoryStore):
    def keys(self) -> Iterator[str]:
        return islice(super().keys(), 1, None)


class SingleThreaded(DirectoryStore):
    def put(self, key: str, data: bytes) -> None:
        self._last = key, data
        time.sleep(0.0005)
        super().put(*self._last)


class LosingOneInAThousand(ArchiveStore):
    _count = 0

    def put(self, key: str, data: bytes) -> None:
        self._count += 1
        if self._count % 1000:
            super().put(key, data)


class LosingWhenBusy(ArchiveStore):
    """Keeps a tile only if no other thread is keeping one."""

    _is_busy = False

    def put(self, key: str, data: bytes) -> None:
        if not self._is_busy:
            self._is_busy = True
            super().put(key, data)
            self._is_busy = False


class SaidToBeShared(ArchiveStore):
    @property
    def shared(self) -> bool:
        return True


class NotReallyShared(DirectoryStore):
    """Keeps what another one puts to itself."""

    def put(self, key: str, data: bytes) -> None:
        if self._state == "open":
            super().put(key, data)


class HalfAdopting(DirectoryStore):
    def adopt(self, folder: Path, key: str) -> None:
        super().adopt(next(path for path in folder.iterdir() if path.name == "0"), key)


class BlindAdopting(DirectoryStore):
    def adopt(self, folder: Path, key: str) -> None:
        self._adopted = folder, key

    def commit(self, files: Mapping[str, Content]) -> None:
        super().adopt(*self._adopted)
        super().commit(files)


class KeepingItsPlace(ArchiveStore):
    """Keeps where it is; `KnowingItsPlace` refuses to read it elsewhere."""

    def commit(self, files: Mapping[str, Content]) -> None:
        super().commit(files)
        PLACES.add(self._path)


UPPER_CASE = StorePlugin("archive", "a zip file", ArchiveStore, StoredArchive, containers=(".ZIP",))
NOWHERE = StorePlugin("archive", "a zip file", ArchiveStore, StoredArchive, containers=())

WRONG = {
    "test_schemes_and_containers_are_words": [UPPER_CASE, NOWHERE],
    "test_nothing_is_visible_before_commit": [directory(Eager)],
    "test_commit_shows_every_key_and_file": [directory(Losing), directory(LosingFiles), directory(LosingPieces)],
    "test_a_descriptor_among_the_tiles_is_shown": [directory(LosingTheInside)],
    "test_commit_leaves_no_scratch_behind": [directory(Untidy)],
    "test_discard_leaves_nothing": [directory(Untidy), directory(Eager)],
    "test_discard_after_commit_changes_nothing": [directory(Regretting)],
    "test_a_second_commit_is_an_output_error": [directory(Twice)],
    "test_an_existing_target_is_an_output_error": [directory(Overwriting)],
    "test_a_target_that_appears_meanwhile_is_not_touched": [directory(CarelessAtTheEnd)],
    "test_overwriting_leaves_nothing_of_the_old": [directory(Merging)],
    "test_an_overwrite_that_is_discarded_keeps_the_old": [directory(Destroying)],
    "test_what_is_no_pyramids_is_not_overwritten": [directory(Careless)],
    "test_files_of_others_are_kept": [directory(Sweeping)],
    "test_what_was_put_can_be_got": [directory(Garbling)],
    "test_getting_an_unknown_key_is_a_key_error": [directory(Answering), directory(Crashing)],
    "test_keys_are_those_that_were_put": [directory(Skipping)],
    "test_every_put_of_many_threads_is_kept": [directory(SingleThreaded)],
    "test_another_store_can_put_if_it_is_shared": [directory(NotReallyShared)],
    "test_what_a_stopped_run_has_left_is_gone_on_with_if_it_is_said_to_be": [directory(Forgetful)],
    "test_what_a_stopped_run_has_left_is_removed_if_it_is_unwanted": [directory(Clinging)],
    "test_what_a_stopped_run_has_left_is_never_removed_unasked": [directory(Obstinate)],
    "test_a_finished_pyramid_can_be_opened": [
        directory(DirectoryStore, Unfound),
        directory(DirectoryStore, Misnamed),
        directory(DirectoryStore, Undescribed),
    ],
    "test_only_the_keys_below_a_folder_are_listed": [directory(DirectoryStore, Prefixed)],
    "test_an_unknown_key_of_a_finished_pyramid_is_a_key_error": [
        directory(DirectoryStore, Obliging),
        directory(DirectoryStore, LeadingOutside),
    ],
    "test_a_folder_is_no_file_and_an_unknown_folder_is_empty": [
        directory(DirectoryStore, Vague),
        directory(DirectoryStore, EmptyFolders),
    ],
    "test_any_name_in_any_container_is_kept_and_found_again": [directory(DirectoryStore, AsciiNames)],
    "test_what_is_closed_gives_the_same_bytes_or_an_input_error": [directory(DirectoryStore, EmptyWhenClosed)],
    "test_where_nothing_is_nothing_is_read": [directory(DirectoryStore, Inventing)],
    "test_what_is_closed_may_be_closed_again": [directory(DirectoryStore, ClosedOnce)],
    "test_a_folder_is_adopted_whole_if_any_is": [directory(HalfAdopting), directory(BlindAdopting)],
}
WRONG_ARCHIVES = {
    "test_every_one_of_thousands_of_puts_is_kept": [archive(LosingOneInAThousand)],
    "test_every_put_of_many_threads_is_kept": [archive(LosingWhenBusy)],
    "test_what_a_stopped_run_has_left_is_gone_on_with_if_it_is_said_to_be": [archive(Mixing)],
    "test_a_target_that_appears_meanwhile_is_not_touched": [archive(CarelessArchive)],
    "test_what_is_no_pyramids_is_not_overwritten": [archive(CarelessArchive)],
    "test_another_store_can_put_if_it_is_shared": [archive(SaidToBeShared)],
    "test_many_threads_may_get": [archive(opens=OneHandle)],
    "test_any_name_in_any_container_is_kept_and_found_again": [archive(opens=LowerCaseAlone)],
    "test_a_finished_pyramid_can_be_moved_elsewhere": [
        archive(opens=NamedByItsFile),
        archive(KeepingItsPlace, KnowingItsPlace),
    ],
}
GOOD = [GoodStore, GoodSmallStore, GoodArchive, GoodSzi]
# Right but for one rare fault.
SUBTLE = (LosingOneInAThousand, LosingWhenBusy, KeepingItsPlace)
BREAKERS = [
    breaker(
        test,
        good,
        f"{test.removeprefix('test_')}_{good.__name__}_{number}",
        subtle=plugin.make in SUBTLE,
        plugin=plugin,
    )
    for good, wrong in ((GoodStore, WRONG), (GoodArchive, WRONG_ARCHIVES))
    for test, plugins in wrong.items()
    for number, plugin in enumerate(plugins, 1)
]
