"""Make all figures of ``docs/reliability.md``: kills, mutated files, and what safety costs; some hours.

``python benchmarks/reliability.py [--kills N] [--count N] [--rounds N] [--scale S]``

Ends with 1 if one of the three did.
"""

from __future__ import annotations

import argparse
import subprocess
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description="Make all figures of docs/reliability.md.")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--count", type=int, default=10_000, help="of mutated files")
    parser.add_argument("--rounds", type=int, default=5, help="of runs that are timed")
    parser.add_argument("--scale", type=float, default=1.0, help="of the sides of the slides that are timed")
    given = parser.parse_args()
    # The one that is timed comes first: the others delete many files, which on some disks slows down for minutes.
    scripts = {
        "safety": ["--rounds", f"{given.rounds}", "--scale", f"{given.scale}"],
        "kills": ["--kills", f"{given.kills}", "--large", f"{given.scale}"],
        "fuzz": ["--count", f"{given.count}"],
    }
    codes = []
    for name, options in scripts.items():
        print(f"{name} {' '.join(options)}", flush=True)
        codes.append(subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=False).returncode)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
