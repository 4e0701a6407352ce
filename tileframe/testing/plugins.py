"""The contract of a plugin's module."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

import dataclasses
import importlib
import json
import re
import subprocess
import sys
from functools import cache

from tileframe import OptionError, Plugin, PluginError
from tileframe.registry import Registry, load
from tileframe.testing.cases import Contract
from tileframe.testing.choices import choices_of, options_of

HEAVY = ("PIL", "cv2", "imagecodecs", "numpy", "openslide", "pyvips", "simplejpeg", "tifffile")
LONGEST_SUMMARY, LONGEST_HELP = 70, 100
# The child finds modules where the parent does.
PROBE = """
import json, sys
sys.path[:], module, heavy = json.loads(sys.stdin.read())
import importlib
plugin = importlib.import_module(module)
imported = [name for name in heavy if name in sys.modules]
from tileframe.registry import load
try:
    load([plugin], installed=False)
except Exception:
    pass  # other tests say so
print(json.dumps([imported, [name for name in heavy if name in sys.modules]]))
"""


class PluginContract(Contract):
    """Asserts what a plugin's module promises. State its name as ``module``."""

    module: str
    heavy = HEAVY
    """What may not be loaded before it is needed."""

    def test_importing_the_module_loads_no_image_library(self) -> None:
        loaded, _ = _loaded_by_a_new_interpreter(self.module, self.heavy)
        assert not loaded, f"import {self.module} loads {', '.join(loaded)}; import them in make()"

    def test_offering_loads_no_image_library(self) -> None:
        _, loaded = _loaded_by_a_new_interpreter(self.module, self.heavy)
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
            _assert_line(plugin.summary, f"{plugin.name}: the summary", LONGEST_SUMMARY)

    def test_options_are_frozen_dataclasses(self) -> None:
        for plugin in self._offers():
            record = options_of(plugin)
            frozen = dataclasses.is_dataclass(record) and record.__dataclass_params__.frozen  # type: ignore[attr-defined]
            assert frozen, f"{plugin.name}: {record.__name__} is no frozen dataclass"

    def test_every_option_has_a_line_of_help(self) -> None:
        for plugin in self._offers():
            for field in dataclasses.fields(options_of(plugin)):
                _assert_line(field.metadata.get("help", ""), f"{plugin.name}: the help of {field.name}", LONGEST_HELP)

    def test_defaults_and_ranges_of_options_are_values_of_their_type(self) -> None:
        for plugin in self._offers():
            for given in (dataclasses.asdict(options_of(plugin)()), *choices_of(plugin)):
                try:
                    plugin.resolved(given, "plugin")
                except OptionError as error:
                    raise AssertionError(f"{plugin.name}: {given}: {error}") from error

    def _registry(self) -> Registry:
        try:
            return load([importlib.import_module(self.module)], installed=False)
        except PluginError as error:
            raise AssertionError(str(error)) from error

    def _offers(self) -> list[Plugin[object]]:
        return [offer.plugin for offer in self._registry().offers]


@cache
def _loaded_by_a_new_interpreter(module: str, heavy: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return what importing ``module`` loads, and what has been loaded once its hooks were called."""
    asked = json.dumps([sys.path, module, heavy])
    child = subprocess.run([sys.executable, "-c", PROBE], input=asked, capture_output=True, text=True)
    assert child.returncode == 0, f"{module} cannot be loaded: {child.stderr.strip().splitlines()[-1:]}"
    imported, offered = json.loads(child.stdout.splitlines()[-1])
    return imported, offered


def _assert_line(text: str, what: str, longest: int) -> None:
    length, lines = len(text.strip()), len(text.splitlines())
    fits = lines == 1 and 0 < length <= longest
    assert fits, f"{what} has {length} characters on {lines} lines, not 1 to {longest} on one: {text!r}"
