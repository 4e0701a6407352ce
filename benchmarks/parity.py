"""Every file of a folder, with every layout, with and without bounds: do the backends agree?

python benchmarks/parity.py FOLDER [WORD ...]    # only files whose path holds one of the words
"""

from __future__ import annotations

import sys
import tempfile
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.agreement import disagreement
from tileframe import registry as registry_module

LAYOUTS = [(254, 1), (256, 0), (512, 0), (1024, 0)]


def main(folder: Path, words: list[str]) -> int:
    registry = registry_module.load()
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    chosen = [path for path in files if not words or any(word in str(path) for word in words)]
    wrong = 0
    for path, (tile_size, overlap), limit_bounds in product(chosen, LAYOUTS, (True, False)):
        with tempfile.TemporaryDirectory() as scratch:
            options = {"tile_size": tile_size, "overlap": overlap, "limit_bounds": limit_bounds}
            if found := disagreement(path, Path(scratch), registry, **options):
                wrong += 1
                print(f"{path.relative_to(folder)} at {tile_size}/{overlap}, bounds {limit_bounds}: {found}")
    print(f"{len(chosen)} files, {len(chosen) * len(LAYOUTS) * 2} comparisons, {wrong} disagreements")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
