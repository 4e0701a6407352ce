"""A small pyramid in a zip file, for the tests of archives."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tileframe import Content, Layout, Location, Store, Target
from tileframe.testing.made import MadeLayout, Pieces
from tileframe_stores.archive import ArchiveStore

LAYOUT = MadeLayout(folder="out_files", described_by="out.dzi")
DESCRIPTOR = LAYOUT.descriptor()["out.dzi"]
TILES = {f"out_files/{level}/{col}_0.png": f"tile {level} {col}".encode() * 9 for level in range(3) for col in range(3)}
FILES: dict[str, Content] = {"out.sha256": Pieces(b"0" * 64, b"  out_files/0/0_0.png\n"), "out.dzi": DESCRIPTOR}


def place(folder: Path, name: str = "out") -> Location:
    return Location("file", str(folder), name, "zip")


def store_for(folder: Path, *, overwrite: bool = False, layout: Layout = LAYOUT, name: str = "out") -> ArchiveStore:
    return ArchiveStore(Target(place(folder, name), layout, overwrite=overwrite))


def prepared(folder: Path, *, overwrite: bool = False) -> ArchiveStore:
    store = store_for(folder, overwrite=overwrite)
    store.prepare()
    return store


def fill(store: Store) -> None:
    for key, data in reversed(TILES.items()):
        store.put(key, data)
    store.commit(FILES)
    store.discard()


def finished(folder: Path) -> Path:
    fill(prepared(folder))
    return folder / "out.zip"


def zipped(path: Path, *names: str, compression: int = zipfile.ZIP_STORED) -> Path:
    """A foreign zip file."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name in names:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name  # as it is: ZipInfo would change what is wrong with it
            info.compress_type = archive.compression
            archive.writestr(info, b"data" * 50)
    return path
