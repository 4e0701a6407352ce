"""The contract of stores."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tileframe import (
    AdoptsFolder,
    InputError,
    Layout,
    Location,
    OutputError,
    Store,
    StoredFiles,
    StorePlugin,
    Target,
)
from tileframe.testing.cases import Contract
from tileframe.testing.made import BESIDE, INSIDE, NAME, TILES, UNKNOWN, WHOLE, files_of, tiles_of, whole
from tileframe.testing.measures import refusal


class StoreContract(Contract):
    """Asserts what a `Store` and the `StoredFiles` of its plugin promise.

    State ``plugin``, and look at the target without it. Where its locations are of another scheme than ``file``,
    say in `location` where the pyramid is to be, and in `plant` how somebody else puts a file there.
    """

    plugin: StorePlugin
    additions: Collection[str] = ()
    """The keys of files that the store itself adds to every pyramid."""

    def location(self, folder: Path) -> Location:
        """Return a place for a pyramid of the name ``made``, in or for the new folder ``folder``."""
        return Location(self.plugin.schemes[0], str(folder / "out"), NAME, self.plugin.containers[0])

    def look(self, location: Location) -> dict[str, bytes]:
        """Return every file at ``location``'s place by its key, without the store: hidden and scratch files too.

        Of an archive, its members by their keys, and other files in its folder by their names.
        """
        raise NotImplementedError("look at the target with something else than the store")

    def plant(self, location: Location, key: str, data: bytes) -> None:
        """Put a file of somebody else's into the location's folder, without the store."""
        path = Path(location.folder, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def visible(self, location: Location) -> dict[str, bytes]:
        """Return what `look` finds, without the hidden files of work in progress."""
        return {key: data for key, data in self.look(location).items() if not key.startswith(".")}

    def parameters(self) -> Mapping[str, Sequence[object]]:
        """Files that a run would write: the whole archive, or each of the loose ones."""
        container = (*self.plugin.containers, "")[0]
        loose = [key for key in WHOLE if key not in TILES]
        return {"taken": [f"{NAME}.{container}"] if container else [*loose, f"{BESIDE.folder}/thesis.txt"]}

    def test_schemes_and_containers_are_words(self) -> None:
        places = [*self.plugin.schemes, *filter(None, self.plugin.containers)]
        assert self.plugin.schemes, "the plugin serves no scheme"
        assert self.plugin.containers, "the plugin serves neither loose files nor an archive"
        wrong = [place for place in places if not re.fullmatch(r"[a-z][a-z0-9+.-]*", place)]
        assert not wrong, f"schemes and suffixes of archives are lower-case words, without a dot before, not {wrong}"

    def test_nothing_is_visible_before_commit(self, tmp_path: Path) -> None:
        with self._filled(tmp_path):
            seen = self.visible(self.location(tmp_path))
            assert not seen, f"before commit, one sees {sorted(seen)[:3]}"

    def test_commit_shows_every_key_and_file(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        self._assert_seen(tmp_path, WHOLE, "after commit")

    def test_a_descriptor_among_the_tiles_is_shown(self, tmp_path: Path) -> None:
        if self.plugin.layouts:
            return
        self._committed(tmp_path, INSIDE)
        self._assert_seen(tmp_path, whole(INSIDE), "after the commit of a descriptor among the tiles")

    def test_commit_leaves_no_scratch_behind(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        left = sorted(self.look(self.location(tmp_path)).keys() - WHOLE.keys() - set(self.additions))
        assert not left, f"after commit and discard, {left} are left"

    def test_discard_leaves_nothing(self, tmp_path: Path) -> None:
        with self._filled(tmp_path):
            pass
        left = [*self.look(self.location(tmp_path)), *(path.name for path in tmp_path.iterdir())]
        assert not left, f"after discard, {left} are left"

    def test_discard_after_commit_changes_nothing(self, tmp_path: Path) -> None:
        store = self._committed(tmp_path)
        store.discard()
        self._assert_seen(tmp_path, WHOLE, "after a late discard")

    def test_a_second_commit_is_an_output_error(self, tmp_path: Path) -> None:
        with self._filled(tmp_path) as store:
            store.commit(files_of(BESIDE))
            refusal(OutputError, "a second commit", lambda: store.commit(files_of(BESIDE)))

    def test_an_existing_target_is_an_output_error(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        store = self._make(tmp_path)
        try:
            refusal(OutputError, "a target that exists", store.prepare)
        finally:
            store.discard()

    def test_a_target_that_appears_meanwhile_is_not_touched(self, taken: str, tmp_path: Path) -> None:
        with self._filled(tmp_path) as store:
            self.plant(self.location(tmp_path), taken, b"somebody else's")
            refusal(OutputError, f"{taken} has appeared: the commit", lambda: store.commit(files_of(BESIDE)))
        self._assert_kept(tmp_path, {taken: b"somebody else's"})

    def test_overwriting_leaves_nothing_of_the_old(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        new = {f"{BESIDE.folder}/0/0_0.png": b"new"}
        with self._prepared(self._make(tmp_path, overwrite=True)) as store:
            for key, data in new.items():
                store.put(key, data)
            store.commit(files_of(BESIDE))
        self._assert_seen(tmp_path, {**WHOLE, **new}, "after overwriting", but=TILES.keys() - new.keys())

    def test_an_overwrite_that_is_discarded_keeps_the_old(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        with self._prepared(self._make(tmp_path, overwrite=True)) as store:
            store.put(f"{BESIDE.folder}/0/0_0.png", b"new")
        self._assert_seen(tmp_path, WHOLE, "after a discarded overwrite")

    def test_what_is_no_pyramids_is_not_overwritten(self, taken: str, tmp_path: Path) -> None:
        self.plant(self.location(tmp_path), taken, b"somebody else's")
        for overwrite in (False, True):
            store = self._make(tmp_path, overwrite=overwrite)
            try:
                refusal(OutputError, f"{taken} is somebody else's: the run", store.prepare)
            finally:
                store.discard()
        self._assert_kept(tmp_path, {taken: b"somebody else's"})

    def test_files_of_others_are_kept(self, tmp_path: Path) -> None:
        others = {f"{NAME}.txt": b"1", f"{NAME}.dzi.bak": b"2", f"{NAME}_files.old/0.png": b"3", f"{NAME}2.dzi": b"4"}
        for key, data in others.items():
            self.plant(self.location(tmp_path), key, data)
        self._committed(tmp_path)
        self._committed(tmp_path, overwrite=True)
        self._assert_kept(tmp_path, others)

    def test_what_was_put_can_be_got(self, tmp_path: Path) -> None:
        with self._filled(tmp_path) as store:
            assert_same({key: store.get(key) for key in TILES}, TILES, "got back")

    def test_getting_an_unknown_key_is_a_key_error(self, tmp_path: Path) -> None:
        with self._filled(tmp_path) as store:
            refusal(KeyError, "a key that was never put", lambda: store.get(BESIDE.key(UNKNOWN)))

    def test_keys_are_those_that_were_put(self, tmp_path: Path) -> None:
        with self._filled(tmp_path) as store:
            keys = list(store.keys())
            assert sorted(keys) == sorted(TILES), f"keys() differs in {sorted(set(keys) ^ set(TILES))[:3]}"

    def test_many_threads_may_put(self, tmp_path: Path) -> None:
        tiles = {f"{BESIDE.folder}/{n % 7}/{n}_0.png": f"tile {n}".encode() * 500 for n in range(200)}
        with self._prepared(self._make(tmp_path)) as store:
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(store.put, tiles, tiles.values()))
            found = list(store.keys())
            assert_same({key: store.get(key) for key in found}, tiles, "put from many threads")

    def test_another_store_can_put_if_it_is_shared(self, tmp_path: Path) -> None:
        key = BESIDE.key(UNKNOWN)
        with self._filled(tmp_path) as store:
            if not store.shared:
                return
            try:
                self._make(tmp_path).put(key, b"from elsewhere")
            except Exception as error:
                raise AssertionError(f"a store that says it is shared cannot be put into: {error!r}") from error
            store.commit(files_of(BESIDE))
        self._assert_seen(tmp_path, {**WHOLE, key: b"from elsewhere"}, "after a put by another store")

    def test_a_finished_pyramid_can_be_opened(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as stored:
            assert stored.name == NAME, f"the pyramid is called {stored.name!r}, not {NAME!r}"
            keys = sorted(stored.keys(BESIDE.folder))
            assert keys == sorted(TILES), f"keys() differs in {sorted(set(keys) ^ set(TILES))[:3]}"
            got = {key: data for key in WHOLE if (data := _got(stored.get, key)) is not None}
            assert_same(got, WHOLE, "opened")

    def test_only_the_keys_below_a_folder_are_listed(self, tmp_path: Path) -> None:
        # There is a level 1, and levels 10 to 17.
        wanted = sorted(key for key in TILES if key.startswith(f"{BESIDE.folder}/1/"))
        with self._opened(tmp_path) as stored:
            assert sorted(stored.keys(f"{BESIDE.folder}/1")) == wanted, "keys() has not just those below its folder"

    def test_an_unknown_key_of_a_finished_pyramid_is_a_key_error(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as stored:
            for key in (BESIDE.key(UNKNOWN), f"{NAME}.xml", "../out/made.dzi"):
                refusal(KeyError, f"{key}, which was never put", partial(stored.get, key))

    def test_many_threads_may_get(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as stored:
            keys = list(WHOLE) * 20
            with ThreadPoolExecutor(8) as pool:
                found = zip(keys, pool.map(partial(_got, stored.get), keys), strict=True)
                wrong = [key for key, data in found if data != WHOLE[key]]
            assert not wrong, f"from many threads, {len(wrong)} of {len(keys)} files are wrong: {wrong[:3]}"

    def test_where_nothing_is_nothing_is_read(self, tmp_path: Path) -> None:
        def read() -> bytes:
            try:
                return self.plugin.open(self.location(tmp_path)).get(f"{NAME}.dzi")
            except KeyError as error:
                raise InputError("no such key") from error

        refusal(InputError, "a pyramid that is not there", read)

    def test_what_is_closed_may_be_closed_again(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        stored = self.plugin.open(self.location(tmp_path))
        stored.close()
        try:
            stored.close()
        except Exception as error:
            raise AssertionError(f"closing a second time raises {error!r}") from error

    def test_a_folder_is_adopted_whole_if_any_is(self, tmp_path: Path) -> None:
        with self._prepared(self._make(tmp_path)) as store:
            if not isinstance(store, AdoptsFolder):
                return
            made = store.workspace() / "by another program"
            for key, data in TILES.items():
                path = made / Path(key).relative_to(BESIDE.folder)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            store.adopt(made, BESIDE.folder)
            assert sorted(store.keys()) == sorted(TILES), "keys() does not list the adopted files"
            store.commit(files_of(BESIDE))
        self._assert_seen(tmp_path, WHOLE, "after adopting a folder")

    def _make(self, folder: Path, layout: Layout = BESIDE, *, overwrite: bool = False) -> Store:
        return self.plugin.create(Target(self.location(folder), layout, overwrite=overwrite))

    @contextmanager
    def _prepared(self, store: Store) -> Iterator[Store]:
        store.prepare()
        try:
            yield store
        finally:
            store.discard()

    @contextmanager
    def _filled(self, folder: Path, layout: Layout = BESIDE, *, overwrite: bool = False) -> Iterator[Store]:
        with self._prepared(self._make(folder, layout, overwrite=overwrite)) as store:
            for key, data in tiles_of(layout).items():
                store.put(key, data)
            yield store

    def _committed(self, folder: Path, layout: Layout = BESIDE, *, overwrite: bool = False) -> Store:
        with self._filled(folder, layout, overwrite=overwrite) as store:
            store.commit(files_of(layout))
        return store

    @contextmanager
    def _opened(self, folder: Path) -> Iterator[StoredFiles]:
        self._committed(folder)
        stored = self.plugin.open(self.location(folder))
        try:
            yield stored
        finally:
            stored.close()

    def _assert_seen(self, folder: Path, wanted: Mapping[str, bytes], when: str, *, but: Collection[str] = ()) -> None:
        """Assert that one sees ``wanted``, ``but`` for some, and the store's own additions."""
        seen = self.look(self.location(folder))
        missing = [key for key in self.additions if key not in seen]
        assert not missing, f"{when}, the store's own {missing} are missing"
        seen = {key: data for key, data in seen.items() if key not in self.additions}
        assert_same(seen, {key: data for key, data in wanted.items() if key not in but}, when)

    def _assert_kept(self, folder: Path, files: Mapping[str, bytes]) -> None:
        seen = self.look(self.location(folder))
        changed = [key for key, data in files.items() if seen.get(key) != data]
        assert not changed, f"files of somebody else's are gone or changed: {changed}"


def _got(get: Callable[[str], bytes], key: str) -> bytes | None:
    """Return what ``get`` gives; None if it fails."""
    try:
        return get(key)
    except (KeyError, InputError, OSError):
        return None


def assert_same(found: Mapping[str, bytes], wanted: Mapping[str, bytes], when: str) -> None:
    """Assert that two sets of files are the same, and say where they differ."""
    missing, extra = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    assert not missing, f"{when}, {len(missing)} files are missing: {missing[:3]}"
    assert not extra, f"{when}, there are {len(extra)} files too many: {extra[:3]}"
    other = sorted(key for key in wanted if found[key] != wanted[key])
    assert not other, f"{when}, {len(other)} files hold other bytes: {other[:3]}"
