"""The contract of stores."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tileframe import AdoptsFolder, OutputError, Store, StorePlugin
from tileframe.testing.cases import Contract
from tileframe.testing.measures import refusal

NAME = "made"
FOLDER = f"{NAME}_files"
LAST = b'<Image xmlns="http://schemas.microsoft.com/deepzoom/2008"/>'
DESCRIPTORS = {f"{NAME}.json": b"the first descriptor", f"{NAME}.dzi": LAST}
TILES = {f"{FOLDER}/{level}/{col}_0.png": f"tile {level} {col}".encode() for level in range(18) for col in range(3)}
UNKNOWN = f"{FOLDER}/99/0_0.png"


class StoreContract(Contract):
    """Asserts what a `Store` promises.

    State ``plugin``, and look at the target without it.
    """

    plugin: StorePlugin

    def target(self, folder: Path) -> Path:
        """Return a target, which ends in ``made.dzi``, in or for the new folder ``folder``."""
        return folder / "out" / f"{NAME}.dzi"

    def make(self, target: Path, overwrite: bool) -> Store:
        """Return the store for ``target``."""
        return self.plugin.make(target, overwrite)

    def look(self, target: Path) -> dict[str, bytes]:
        """Return every file at ``target``'s place by its key, hidden ones and scratch files too, without the store."""
        raise NotImplementedError("look at the target with something else than the store")

    def visible(self, target: Path) -> dict[str, bytes]:
        """Return what `look` finds, without the hidden files of work in progress."""
        return {key: data for key, data in self.look(target).items() if not key.startswith(".")}

    def test_nothing_is_visible_before_commit(self, tmp_path: Path) -> None:
        with self._filled(tmp_path):
            seen = self.visible(self.target(tmp_path))
            assert not seen, f"before commit, one sees {sorted(seen)[:3]}"

    def test_commit_shows_every_key_and_descriptor(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        assert_same(self.visible(self.target(tmp_path)), {**TILES, **DESCRIPTORS}, "after commit")

    def test_commit_leaves_no_scratch_behind(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        left = sorted(self.look(self.target(tmp_path)).keys() - TILES.keys() - DESCRIPTORS.keys())
        assert not left, f"after commit and discard, {left} are left"

    def test_discard_leaves_nothing(self, tmp_path: Path) -> None:
        with self._filled(tmp_path):
            pass
        left = [*self.look(self.target(tmp_path)), *(path.name for path in tmp_path.iterdir())]
        assert not left, f"after discard, {left} are left"

    def test_discard_after_commit_changes_nothing(self, tmp_path: Path) -> None:
        store = self._committed(tmp_path)
        store.discard()
        assert_same(self.visible(self.target(tmp_path)), {**TILES, **DESCRIPTORS}, "after a late discard")

    def test_a_second_commit_is_an_output_error(self, tmp_path: Path) -> None:
        with self._filled(tmp_path) as store:
            store.commit(DESCRIPTORS)
            refusal(OutputError, "a second commit", lambda: store.commit(DESCRIPTORS))

    def test_an_existing_target_is_an_output_error(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        store = self.make(self.target(tmp_path), False)
        try:
            refusal(OutputError, "a target that exists", store.prepare)
        finally:
            store.discard()

    def test_overwriting_leaves_nothing_of_the_old(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        store, new = self.make(self.target(tmp_path), True), {f"{FOLDER}/0/0_0.png": b"new"}
        with self._prepared(store):
            for key, data in new.items():
                store.put(key, data)
            store.commit(DESCRIPTORS)
        assert_same(self.visible(self.target(tmp_path)), {**new, **DESCRIPTORS}, "after overwriting")

    def test_an_overwrite_that_is_discarded_keeps_the_old(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        store = self.make(self.target(tmp_path), True)
        with self._prepared(store):
            store.put(f"{FOLDER}/0/0_0.png", b"new")
        assert_same(self.look(self.target(tmp_path)), {**TILES, **DESCRIPTORS}, "after a discarded overwrite")

    def test_what_was_put_can_be_got(self, tmp_path: Path) -> None:
        with self._filled(tmp_path) as store:
            assert_same({key: store.get(key) for key in TILES}, TILES, "got back")

    def test_getting_an_unknown_key_is_a_key_error(self, tmp_path: Path) -> None:
        with self._filled(tmp_path) as store:
            refusal(KeyError, "a key that was never put", lambda: store.get(UNKNOWN))

    def test_keys_are_those_that_were_put(self, tmp_path: Path) -> None:
        with self._filled(tmp_path) as store:
            keys = list(store.keys())
            assert sorted(keys) == sorted(TILES), f"keys() differs in {sorted(set(keys) ^ set(TILES))[:3]}"

    def test_many_threads_may_put(self, tmp_path: Path) -> None:
        tiles = {f"{FOLDER}/{n % 7}/{n}_0.png": f"tile {n}".encode() * 500 for n in range(200)}
        store = self.make(self.target(tmp_path), False)
        with self._prepared(store):
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(store.put, tiles, tiles.values()))
            found = list(store.keys())
            assert_same({key: store.get(key) for key in found}, tiles, "put from many threads")

    def test_a_finished_pyramid_can_be_opened(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        stored = self.plugin.open(self.target(tmp_path))
        keys = set(stored.keys()) - DESCRIPTORS.keys()
        assert_same({key: stored.get(key) for key in keys}, TILES, "opened")
        assert_same({key: stored.get(key) for key in DESCRIPTORS}, DESCRIPTORS, "opened")

    def test_an_unknown_key_of_a_finished_pyramid_is_a_key_error(self, tmp_path: Path) -> None:
        self._committed(tmp_path)
        stored = self.plugin.open(self.target(tmp_path))
        refusal(KeyError, "a key that was never put", lambda: stored.get(UNKNOWN))

    def test_a_folder_is_adopted_whole_if_any_is(self, tmp_path: Path) -> None:
        store = self.make(self.target(tmp_path), False)
        with self._prepared(store):
            if not isinstance(store, AdoptsFolder):
                return
            made = store.workspace() / "by another program"
            for key, data in TILES.items():
                path = made / Path(key).relative_to(FOLDER)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            store.adopt(made, FOLDER)
            assert sorted(store.keys()) == sorted(TILES), "keys() does not list the adopted files"
            store.commit(DESCRIPTORS)
        assert_same(self.look(self.target(tmp_path)), {**TILES, **DESCRIPTORS}, "after adopting a folder")

    @contextmanager
    def _prepared(self, store: Store) -> Iterator[None]:
        store.prepare()
        try:
            yield
        finally:
            store.discard()

    @contextmanager
    def _filled(self, folder: Path) -> Iterator[Store]:
        store = self.make(self.target(folder), False)
        with self._prepared(store):
            for key, data in TILES.items():
                store.put(key, data)
            yield store

    def _committed(self, folder: Path) -> Store:
        with self._filled(folder) as store:
            store.commit(DESCRIPTORS)
        return store


def assert_same(found: dict[str, bytes], wanted: dict[str, bytes], when: str) -> None:
    """Assert that two sets of files are the same, and say where they differ."""
    missing, extra = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    assert not missing, f"{when}, {len(missing)} files are missing: {missing[:3]}"
    assert not extra, f"{when}, there are {len(extra)} files too many: {extra[:3]}"
    other = sorted(key for key in wanted if found[key] != wanted[key])
    assert not other, f"{when}, {len(other)} files hold other bytes: {other[:3]}"
