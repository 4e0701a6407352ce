"""Compare the backends over every file of a folder, in every layout, with and without bounds.

``python benchmarks/parity.py FOLDER [WORD ...]`` takes only files whose path holds one of the words, if there are any.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import product
from pathlib import Path

from tests.agreement import COMBINATIONS, disagreement
from tileframe import registry as registry_module


def main(folder: Path, words: list[str]) -> int:
    registry = registry_module.load()
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    chosen = [path for path in files if not words or any(word in str(path) for word in words)]
    wrong = 0
    for path, options in product(chosen, COMBINATIONS):
        with tempfile.TemporaryDirectory() as scratch:
            if found := disagreement(path, Path(scratch), registry, **options):
                wrong += 1
                print(f"{path.relative_to(folder)} with {options}: {found}")
    print(f"{len(chosen)} files, {len(chosen) * len(COMBINATIONS)} comparisons, {wrong} disagreements")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
