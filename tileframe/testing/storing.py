"""What the tests of stores share: where a pyramid is, what lies there, and how one is made."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tileframe import Layout, Location, Store, StoredFiles, StorePlugin, Target
from tileframe.testing.cases import Contract
from tileframe.testing.made import BESIDE, NAME, files_of, tiles_of


class StoreBench(Contract):
    """A store, and ways to look at its target without it."""

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

    def move(self, old: Location, new: Location) -> None:
        """Move the pyramid at ``old`` to ``new``, without the store: an archive, or the folder of loose files."""
        if old.container:
            new.path.parent.mkdir(parents=True)
            old.path.rename(new.path)
        else:
            Path(new.folder).parent.mkdir(parents=True)
            Path(old.folder).rename(new.folder)

    def visible(self, location: Location) -> dict[str, bytes]:
        """Return what `look` finds, without the hidden files of work in progress."""
        return {key: data for key, data in self.look(location).items() if not key.startswith(".")}

    def _make(
        self, folder: Path, layout: Layout = BESIDE, *, overwrite: bool = False, resume: bool | None = None
    ) -> Store:
        return self.plugin.create(Target(self.location(folder), layout, overwrite=overwrite, resume=resume))

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


def assert_same(found: Mapping[str, bytes], wanted: Mapping[str, bytes], when: str) -> None:
    """Assert that two sets of files are the same, and say where they differ."""
    missing, extra = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    assert not missing, f"{when}, {len(missing)} files are missing: {missing[:3]}"
    assert not extra, f"{when}, there are {len(extra)} files too many: {extra[:3]}"
    other = sorted(key for key in wanted if found[key] != wanted[key])
    assert not other, f"{when}, {len(other)} files hold other bytes: {other[:3]}"
