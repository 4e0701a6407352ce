"""The bundled checks keep the kit's contract, each for the faults that are its business."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import tileframe_checks
from tileframe.digests import digest_list
from tileframe.testing import CheckContract, PluginContract

OFFERS = {offer.name: offer for offer in tileframe_checks.tileframe_checks()}


class TestFiles(CheckContract):
    plugin = OFFERS["files"]
    faults = ("missing tile", "extra file")


class TestTiles(CheckContract):
    plugin = OFFERS["tiles"]
    faults = ("tile one pixel short", "wrong overlap")


class TestOverlap(CheckContract):
    plugin = OFFERS["overlap"]
    faults = ("swapped tiles", "blank tile")


class TestLevels(CheckContract):
    plugin = OFFERS["levels"]
    faults = ("blank tile",)

    def manifest(self, files: Mapping[str, bytes]) -> Mapping[str, object]:
        return {"made_by": {"promises": "pixels"}}


class TestDigests(CheckContract):
    plugin = OFFERS["digests"]
    faults = ("swapped tiles", "blank tile", "tile one pixel short")

    def complete(self, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
        digests = {key: hashlib.sha256(data).hexdigest() for key, data in files.items()}
        return {**files, "made.sha256": digest_list(digests)}


class TestPlugin(PluginContract):
    module = "tileframe_checks"
