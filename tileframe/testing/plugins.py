"""The contract of a plugin's module."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys

from tileframe import Plugin, PluginError
from tileframe.registry import Registry, load
from tileframe.testing.cases import Contract

HEAVY = ("PIL", "cv2", "imagecodecs", "numpy", "openslide", "pyvips", "simplejpeg", "tifffile")
LONGEST_SUMMARY = 70
# The child finds modules where the parent does.
PROBE = """
import json, sys
sys.path[:], module, offers, heavy = json.loads(sys.stdin.read())
import importlib
plugin = importlib.import_module(module)
if offers:
    from tileframe.registry import load
    load([plugin], installed=False)
print(json.dumps([name for name in heavy if name in sys.modules]))
"""


class PluginContract(Contract):
    """Asserts what a plugin's module promises. State its name as ``module``."""

    module: str
    heavy = HEAVY
    """What may not be loaded before it is needed."""

    def test_importing_the_module_loads_no_image_library(self) -> None:
        loaded = self._loaded_by_a_new_interpreter(offers=False)
        assert not loaded, f"import {self.module} loads {', '.join(loaded)}; import them in make()"

    def test_offering_loads_no_image_library(self) -> None:
        loaded = self._loaded_by_a_new_interpreter(offers=True)
        assert not loaded, f"the hooks of {self.module} load {', '.join(loaded)}; import them in make()"

    def test_every_hook_is_one_that_tileframe_calls(self) -> None:
        registry = self._registry()
        callers = registry.manager.get_hookcallers(importlib.import_module(self.module))
        assert callers, f"{self.module} implements no hook; mark one with tileframe.hookimpl"

    def test_names_are_lower_case_words(self) -> None:
        for plugin in self._offers():
            word = re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", plugin.name)
            assert word, f"{plugin.name!r} is no lower-case word"

    def test_summaries_fit_a_line_of_help(self) -> None:
        for plugin in self._offers():
            length, lines = len(plugin.summary.strip()), len(plugin.summary.splitlines())
            fits = lines == 1 and 0 < length <= LONGEST_SUMMARY
            assert fits, f"{plugin.name}: the summary has {length} characters on {lines} lines: {plugin.summary!r}"

    def _registry(self) -> Registry:
        try:
            return load([importlib.import_module(self.module)], installed=False)
        except PluginError as error:
            raise AssertionError(str(error)) from error

    def _offers(self) -> list[Plugin[object]]:
        return [offer.plugin for offer in self._registry().offers]

    def _loaded_by_a_new_interpreter(self, *, offers: bool) -> list[str]:
        asked = json.dumps([sys.path, self.module, offers, self.heavy])
        child = subprocess.run([sys.executable, "-c", PROBE], input=asked, capture_output=True, text=True)
        assert child.returncode == 0, f"{self.module} cannot be loaded: {child.stderr.strip().splitlines()[-1:]}"
        loaded: list[str] = json.loads(child.stdout.splitlines()[-1])
        return loaded
