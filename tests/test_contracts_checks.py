"""The bundled checks keep the kit's contract, each for the faults that are its business."""

from __future__ import annotations

import tileframe_checks
from tileframe.testing import CheckContract, PluginContract

OFFERS = {offer.name: offer for offer in tileframe_checks.tileframe_checks()}


class TestDescriptor(CheckContract):
    plugin = OFFERS["descriptor"]
    faults = ("wrong overlap",)


class TestFiles(CheckContract):
    plugin = OFFERS["files"]
    faults = ("missing tile", "extra file")


class TestTiles(CheckContract):
    plugin = OFFERS["tiles"]
    faults = ("tile one pixel short", "wrong overlap")


class TestFilled(CheckContract):
    plugin = OFFERS["filled"]
    faults = ()


class TestOverlap(CheckContract):
    plugin = OFFERS["overlap"]
    faults = ("swapped tiles", "blank tile")


class TestLevels(CheckContract):
    plugin = OFFERS["levels"]
    faults = ("blank tile",)


class TestDigests(CheckContract):
    plugin = OFFERS["digests"]
    faults = ("swapped tiles", "blank tile", "tile one pixel short")


class TestPlugin(PluginContract):
    module = "tileframe_checks"
