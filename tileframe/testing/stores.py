"""The contract of stores."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tileframe import AdoptsFolder, Flushes, OutputError, Resumes, Store
from tileframe.testing.made import BESIDE, FILES, INSIDE, NAME, TILES, UNKNOWN, WHOLE, files_of, many_tiles, whole
from tileframe.testing.measures import refusal
from tileframe.testing.stored import StoredFilesContract
from tileframe.testing.storing import assert_same
from tileframe.testing.together import together

HUNDREDS = 200
NOTED = [b"first", b"second" * 10_000, b"\0"]


class StoreContract(StoredFilesContract):
    """Asserts what a `Store` and the `StoredFiles` of its plugin promise.

    State ``plugin``, and look at the target without it. Where its locations are of another scheme than ``file``, say
    in `location` where the pyramid is to be, in `plant` how somebody else puts a file there, in `move` how it is moved.
    """

    atomic = True
    """Whether an old pyramid stays until the new one is seen. Else tiles are seen before, and never a descriptor."""
    puts = 2500
    """How many tiles are put one after the other."""

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
            self._assert_nothing_seen(tmp_path, "before commit")

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
        if self.atomic:
            self._assert_seen(tmp_path, WHOLE, "after a discarded overwrite")
        else:
            self._assert_nothing_seen(tmp_path, "after a discarded overwrite")

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

    def test_every_one_of_thousands_of_puts_is_kept(self, tmp_path: Path) -> None:
        tiles = many_tiles(self.puts)
        with self._prepared(self._make(tmp_path)) as store:
            for key, data in tiles.items():
                store.put(key, data)
            self._assert_kept_all(store, tiles)
        self._assert_seen(tmp_path, {**tiles, **FILES}, "after thousands of puts")

    def test_every_put_of_many_threads_is_kept(self, tmp_path: Path) -> None:
        tiles = many_tiles(HUNDREDS)
        with self._prepared(self._make(tmp_path)) as store:
            together(lambda key: store.put(key, tiles[key]), list(tiles))
            self._assert_kept_all(store, tiles)
        self._assert_seen(tmp_path, {**tiles, **FILES}, "put from many threads")

    def test_another_store_can_put_if_it_is_shared(self, tmp_path: Path) -> None:
        key = BESIDE.key(UNKNOWN)
        with self._filled(tmp_path) as store:
            if not store.shared:
                return
            try:
                other = self._make(tmp_path)
                other.put(key, b"from elsewhere")
                if isinstance(other, Flushes):
                    other.flush()
            except Exception as error:
                raise AssertionError(f"a store that says it is shared cannot be put into: {error!r}") from error
            store.commit(files_of(BESIDE))
        self._assert_seen(tmp_path, {**WHOLE, key: b"from elsewhere"}, "after a put by another store")

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

    def test_what_a_stopped_run_has_left_is_gone_on_with_if_it_is_said_to_be(self, tmp_path: Path) -> None:
        if not self._leaves(tmp_path):
            return
        self._assert_nothing_seen(tmp_path, "after leave")
        half = set(sorted(TILES)[::2])
        with self._prepared(self._make(tmp_path, resume=True)) as store:
            assert isinstance(store, Resumes)
            noted = list(store.entries())
            assert [entry for _, entry in noted] == NOTED, f"of {NOTED}, entries() gives {noted}"
            assert [store.entry(place) for place, _ in noted] == NOTED, "entry() gives other entries than entries()"
            assert_same(dict(store.stored()), TILES, "of what a stopped run has put, stored()")
            store.keep(half.__contains__)
            assert set(store.keys()) == half, "after keep, keys() does not give what was to be kept"
            for key in TILES.keys() - half:
                store.put(key, TILES[key])
            assert_same({key: store.get(key) for key in TILES}, TILES, "got back after going on")
            store.commit(files_of(BESIDE))
        self._assert_seen(tmp_path, WHOLE, "after going on")

    def test_what_a_stopped_run_has_left_is_removed_if_it_is_unwanted(self, tmp_path: Path) -> None:
        if not self._leaves(tmp_path):
            return
        with self._prepared(self._make(tmp_path, resume=False)) as store:
            assert isinstance(store, Resumes)
            assert not list(store.entries()), "begun anew, entries() gives what a stopped run has noted"
            assert not list(store.keys()), "begun anew, keys() gives what a stopped run has put"

    def test_what_a_stopped_run_has_left_is_never_removed_unasked(self, tmp_path: Path) -> None:
        if not self._leaves(tmp_path):
            return
        for _ in range(2):
            store = self._make(tmp_path)
            try:
                refusal(OutputError, "a stopped run has left something: the next run", store.prepare)
            finally:
                store.discard()

    def _leaves(self, folder: Path) -> bool:
        """Fill a store, note something, and leave it; say no if the store cannot do that."""
        store = self._make(folder)
        store.prepare()
        if not isinstance(store, Resumes):
            store.discard()
            return False
        for key, data in TILES.items():
            store.put(key, data)
        for entry in NOTED:
            store.note([entry])
        store.leave()
        store.discard()
        return True

    def _assert_nothing_seen(self, folder: Path, when: str) -> None:
        seen = self.visible(self.location(folder)).keys() - (() if self.atomic else TILES.keys())
        assert not seen, f"{when}, one sees {sorted(seen)[:3]}"

    def _assert_kept_all(self, store: Store, tiles: Mapping[str, bytes]) -> None:
        keys = sorted(store.keys())
        lost = sorted(tiles.keys() - set(keys))
        assert not lost, f"{len(lost)} of {len(tiles)} tiles that were put are lost: {lost[:3]}"
        assert keys == sorted(tiles), f"keys() gives {len(keys)} keys for {len(tiles)} tiles"
        store.commit(files_of(BESIDE))
