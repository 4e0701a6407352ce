"""How fast ``tileframe verify`` goes through a pyramid of 256-pixel JPEG tiles: megapixels a second and core.

python benchmarks/verify.py [--scale S]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import tileframe
from tileframe import registry as registry_module
from tileframe.verify import faults, run_checks
from tileframe_bench.workloads import WORKLOADS, scaled

STRUCTURAL = ("descriptor", "files", "tiles")
LEAST = 120.0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=0.5, help="of the 30000x21952 picture's sides")
    scale = parser.parse_args().scale
    registry = registry_module.load()
    with tempfile.TemporaryDirectory() as folder:
        source = scaled(WORKLOADS["babel"], scale).make()
        made = tileframe.run(source, Path(folder) / "p", tile_size=256, overlap=0, registry=registry)
        rates = {}
        for name, checks in (("structural", STRUCTURAL), ("all checks", ())):
            pyramid = tileframe.open_pyramid(made.target, registry=registry)
            wall, before = time.perf_counter(), os.times()
            found = faults(run_checks(pyramid, registry, checks=checks))
            wall, after = time.perf_counter() - wall, os.times()
            if found:
                print(f"not counted: {found[0]}")
                return 1
            cores = after.user + after.system - before.user - before.system
            rates[name] = made.megapixels / cores
            print(
                f"{name:12}{made.megapixels:8.0f} MP{wall:8.2f} s{cores:8.2f} s of cores{rates[name]:8.0f} MP/s a core"
            )
    print(
        f"limit: {LEAST:.0f} MP/s a core for the structural checks: "
        + ("kept" if rates["structural"] > LEAST else "missed")
    )
    return int(rates["structural"] <= LEAST)


if __name__ == "__main__":
    sys.exit(main())
