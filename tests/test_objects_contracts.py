"""The contract of stores, held against memory and a real server, and all of a pyramid in archives there."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.buckets import BUCKET, client, environment, everything, in_memory, place
from tileframe import Location
from tileframe.testing import StoreContract
from tileframe.testing.made import NAME
from tileframe_objects import tileframe_stores

LOOSE, ZIP, SZI = tileframe_stores()


@pytest.fixture(scope="module")
def server(moto: str) -> str:
    return moto


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {member.partition("/")[2]: archive.read(member) for member in archive.namelist()}


class InMemory(StoreContract):
    atomic = False

    def location(self, folder):
        return Location("memory", place(folder), NAME, self.plugin.containers[0])

    def look(self, location):
        import obstore

        store = in_memory(location)
        start = location.folder.partition("/")[2]
        paths = [one["path"] for some in obstore.list(store, start) for one in some]
        found = {path[len(start) + 1 :]: bytes(obstore.get(store, path).bytes()) for path in paths}
        return self.unpacked(location, found)

    def unpacked(self, location: Location, found: dict[str, bytes]) -> dict[str, bytes]:
        if not location.container:
            return found
        archive = found.get(name := f"{location.name}.{location.container}", b"")
        if not zipfile.is_zipfile(io.BytesIO(archive)):
            return found
        return {**{key: data for key, data in found.items() if key != name}, **members(archive)}

    def plant(self, location, key, data):
        import obstore

        obstore.put(in_memory(location), f"{location.folder.partition('/')[2]}/{key}", data)

    def move(self, old, new):
        import obstore

        store = in_memory(old)
        start, after = old.folder.partition("/")[2], new.folder.partition("/")[2]
        for path in [one["path"] for some in obstore.list(store, start) for one in some]:
            moved = path[len(start) :]
            if old.container:
                moved = f"/{new.name}.{new.container}"
            obstore.rename(store, path, after + moved)


class TestLooseObjectsInMemory(InMemory):
    plugin = LOOSE


class TestZipInMemory(InMemory):
    plugin = ZIP
    atomic = True


class TestSziInMemory(InMemory):
    plugin = SZI
    atomic = True
    additions = ("scan-properties.xml",)


class InS3(InMemory):
    puts = 20

    @pytest.fixture(autouse=True)
    def reached(self, server, monkeypatch):
        self.server = server
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)

    def location(self, folder):
        return Location("s3", place(folder), NAME, self.plugin.containers[0])

    def look(self, location):
        return self.unpacked(location, everything(self.server, f"{location.folder.partition('/')[2]}/"))

    def plant(self, location, key, data):
        client(self.server).put_object(Bucket=BUCKET, Key=f"{location.folder.partition('/')[2]}/{key}", Body=data)

    def move(self, old, new):
        start, after = old.folder.partition("/")[2], new.folder.partition("/")[2]
        for key, data in everything(self.server, f"{start}/").items():
            moved = f"{new.name}.{new.container}" if old.container else key
            client(self.server).put_object(Bucket=BUCKET, Key=f"{after}/{moved}", Body=data)
            client(self.server).delete_object(Bucket=BUCKET, Key=f"{start}/{key}")


@pytest.mark.thorough
class TestLooseObjectsInS3(InS3):
    plugin = LOOSE


@pytest.mark.thorough
class TestSziInS3(InS3):
    plugin = SZI
    atomic = True
    additions = ("scan-properties.xml",)
