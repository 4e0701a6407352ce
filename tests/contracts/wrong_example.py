"""The package of `plugins/example` with one thing wrong at a time, and the tests of its contracts that fail.

Run as a program with the package's folder, an empty one, and the contracts whose plugin is to be wrong; prints which
tests fail, by what is wrong.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from tests.contracts.calling import failing
from tileframe.testing import plugins, slides
from tileframe.testing.cases import Contract

BACKWARDS = """
    from concurrent.futures import ThreadPoolExecutor

    class Backwards(ThreadPoolExecutor):
        def map(self, *calls, **options):
            return reversed(list(super().map(*calls, **options)))

    return Backwards(workers)
"""
WRONG = {
    "TestPlugin.test_importing_the_module_loads_no_image_library": ("weight.py", "\nMOST =", "\nimport numpy\nMOST ="),
    # Shifted by a pixel beyond x = 4096.
    "TestNpy.test_beyond_4096_pixels_boxes_equal_the_known_pixels": (
        "npy.py",
        "box.x : box.right]",
        "box.x - (box.x > 4096) : box.right - (box.x > 4096)]",
    ),
    # Ignores its option.
    "TestBmp.test_every_option_changes_the_bytes": ("bmp.py", "round(dpi / 0.0254)", "0"),
    # Takes all that lies among its tiles for its own.
    "TestFlat.test_nobody_elses_file_is_its_own": (
        "flat.py",
        "return self.parsed(key) is not None",
        "return key.startswith(f'{self.folder}/')",
    ),
    # Loses one tile in a thousand.
    "TestDatabase.test_every_one_of_thousands_of_puts_is_kept": (
        "database.py",
        "    def put(self, key: str, data: bytes) -> None:\n",
        "&        self.count = getattr(self, 'count', 0) + 1\n        if self.count % 1000 == 0:\n            return\n",
    ),
    # Wrong where the base is wider than 4,096.
    "TestPlain.test_base_tiles_are_the_contracts_if_promised": (
        "plain.py",
        "        for level in",
        "        pixels[:, 4096:] ^= 1\n&",
    ),
    "TestPool.test_every_call_gives_its_own_result": ("pool.py", "-> Executor:\n", f"&{BACKWARDS}"),
    # Stops at a tile that is missing.
    "TestWeight.test_damage_is_a_finding_and_never_an_exception": (
        "weight.py",
        "except (KeyError, InputError):",
        "except InputError:",
    ),
    # Writes names as markup.
    "TestSheet.test_names_and_manifests_of_strangers_bring_no_markup_in": (
        "sheet.py",
        "escape(one.location.name)",
        "one.location.name",
    ),
}
"""By the test that is to find it: a file, what stands there once, and what is put there; & is what stood there."""
QUICK = ("TestBmp", "TestFlat", "TestWeight")
"""Contracts that look at every package. The others take longer, and make use of nothing that is not their own."""


def contracts_of(example: Path) -> dict[str, type[Contract]]:
    """The contracts of the example's own tests, both imported anew."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "tileframe_example"]:
        del sys.modules[name]
    sys.path.insert(1, str(example))  # behind this repository, and before the package that is installed
    importlib.invalidate_caches()
    slides.installed.cache_clear()
    plugins._loaded_by_a_new_interpreter.cache_clear()
    file = example / "tests" / "test_contracts.py"
    spec = importlib.util.spec_from_file_location("example_contracts", file)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    return {name: found for name, found in vars(module).items() if name.startswith("Test")}


def failed(contracts: dict[str, type[Contract]], folder: Path) -> list[str]:
    """The first test that fails of each contract of which any does."""
    found = []
    for name, contract in contracts.items():
        (own := folder / name).mkdir()
        found += [f"{name}.{test}" for test, _ in islice(failing(contract, own), 1)]
    return found


def main(example: Path, folder: Path, kinds: Sequence[str]) -> None:
    found = {}
    for test, (file, right, wrong) in WRONG.items():
        name = test.partition(".")[0]
        if name not in kinds:
            continue
        copy = shutil.copytree(example, folder / name / "example")
        path = copy / "tileframe_example" / file
        code = path.read_text(encoding="utf-8")
        assert code.count(right) == 1, f"{file} has not once {right!r}"
        path.write_text(code.replace(right, wrong.replace("&", right)), encoding="utf-8")
        contracts = contracts_of(copy)
        assert contracts.keys() == {each.partition(".")[0] for each in WRONG}
        looking = {each: contract for each, contract in contracts.items() if each in (*QUICK, name)}
        found[test] = failed(looking, folder / name)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
