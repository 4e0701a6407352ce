"""The part of the contract of stores that is about reading a finished pyramid."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from tileframe import InputError, Location, Target
from tileframe.testing.made import BESIDE, NAME, TILES, UNKNOWN, WHOLE, MadeLayout, tiles_of
from tileframe.testing.measures import for_each, refusal
from tileframe.testing.storing import StoreBench, assert_same
from tileframe.testing.together import together

NAMES = ("a b", "Präparat 7 (ü)", "切片", "50%20#x;y&z", "a.b.dzi", "'quoted'")


class StoredFilesContract(StoreBench):
    """Asserts what the `StoredFiles` of a store's plugin promise."""

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

    def test_a_folder_is_no_file_and_an_unknown_folder_is_empty(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as stored:
            for key in (BESIDE.folder, f"{BESIDE.folder}/1", f"{BESIDE.folder}/none", f"{BESIDE.folder}/1/0_0.png/x"):
                found = _got(stored.get, key)
                assert found is None, f"{key} is no file, and get() gives {found!r}"
            for folder in (f"{BESIDE.folder}/none", f"{NAME}_fil"):
                keys = sorted(stored.keys(folder))
                assert not keys, f"keys({folder!r}) gives {keys[:3]}, and there is no such folder"

    def test_many_threads_may_get(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as stored:
            keys = list(WHOLE) * 6
            found = zip(keys, together(partial(_got, stored.get), keys), strict=True)
            wrong = [key for key, data in found if data != WHOLE[key]]
            assert not wrong, f"from many threads, {len(wrong)} of {len(keys)} files are wrong: {wrong[:3]}"

    def test_any_name_in_any_container_is_kept_and_found_again(self, tmp_path: Path) -> None:
        endings = {container: None for name in self.plugin.containers for container in (name, name.upper())}
        places = [(NAME, container) for container in endings] + [(name, self.plugin.containers[0]) for name in NAMES]

        def look(place: tuple[str, str]) -> None:
            (folder := tmp_path / str(places.index(place))).mkdir()
            location = replace(self.location(folder), name=place[0], container=place[1])
            files = self._commit_few(location)
            self._assert_opens(location, files, place[0], f"as {location.path.name}")

        for_each(places, look)

    def test_a_finished_pyramid_can_be_moved_elsewhere(self, tmp_path: Path) -> None:
        (tmp_path / "before").mkdir()
        old, new = self.location(tmp_path / "before"), self.location(tmp_path / "after")
        if old.container:
            new = replace(new, name="renamed")
        files = self._commit_few(old)
        self.move(old, new)
        self._assert_opens(new, files, NAME, f"moved from {old} to {new}")

    def test_what_is_closed_gives_the_same_bytes_or_an_input_error(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as stored:
            pass
        for key, data in WHOLE.items():
            try:
                found = stored.get(key)
            except InputError:
                continue
            except Exception as error:
                raise AssertionError(f"closed, {key} is to be an InputError, not {error!r}") from error
            assert found == data, f"closed, {key} has other bytes"

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

    def _commit_few(self, location: Location) -> dict[str, bytes]:
        """Make a small pyramid of the location's name, and return its files."""
        layout = MadeLayout(folder=f"{location.name}_files", described_by=f"{location.name}.dzi")
        tiles = dict(islice(tiles_of(layout).items(), 4))
        with self._prepared(self.plugin.create(Target(location, layout))) as store:
            for key, data in tiles.items():
                store.put(key, data)
            store.commit(layout.descriptor())
        return {**tiles, **layout.descriptor()}

    def _assert_opens(self, location: Location, files: Mapping[str, bytes], name: str, how: str) -> None:
        try:
            stored = self.plugin.open(location)
        except Exception as error:
            raise AssertionError(f"{how}, the pyramid cannot be opened: {error!r}") from error
        try:
            assert stored.name == name, f"{how}, the pyramid is called {stored.name!r}, not {name!r}"
            assert_same({key: data for key in files if (data := _got(stored.get, key)) is not None}, files, how)
            keys = sorted(stored.keys(f"{name}_files"))
            wanted = sorted(key for key in files if "/" in key)
            assert keys == wanted, f"{how}, keys() gives {keys[:3]}, not {wanted[:3]}"
        finally:
            stored.close()


def _got(get: Callable[[str], bytes], key: str) -> bytes | None:
    """Return what ``get`` gives; None if it fails."""
    try:
        return get(key)
    except (KeyError, InputError, OSError):
        return None
