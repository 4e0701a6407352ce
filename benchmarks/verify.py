"""How fast ``tileframe verify`` goes through a pyramid of 256-pixel JPEG tiles: megapixels a second and core.

``python benchmarks/verify.py [--scale S]``
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import tileframe
from tileframe.verification import faults
from tileframe_bench.workloads import WORKLOADS, scaled

CHECKS = {"structural": ("descriptor", "files", "tiles"), "all checks": ()}
# Megapixels a second and core of the structural checks, at least.
LIMIT = 120.0


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how fast tileframe verify is.")
    parser.add_argument("--scale", type=float, default=0.5, help="of the 30000x21952 picture's sides")
    source, rates = scaled(WORKLOADS["babel"], parser.parse_args().scale).make(), {}
    with tempfile.TemporaryDirectory() as folder:
        made = tileframe.run(source, Path(folder) / "p", tile_size=256, overlap=0)
        for name, checks in CHECKS.items():
            started, before = time.perf_counter(), time.process_time()
            if found := list(faults(tileframe.verify(made.target, checks=checks))):
                print(f"not counted: {found[0]}")
                return 1
            wall, busy = time.perf_counter() - started, time.process_time() - before
            rates[name] = made.megapixels / busy
            print(
                f"{name:12}{made.megapixels:8.0f} MP{wall:8.2f} s{busy:8.2f} s of cores{rates[name]:8.0f} MP/s a core"
            )
    kept = rates["structural"] > LIMIT
    print(f"limit: {LIMIT:.0f} MP/s a core for the structural checks: {'kept' if kept else 'missed'}")
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
