"""Make the inputs of the benchmarks, and print where they are.

``python benchmarks/workloads.py [NAME ...] [--scale S]``
"""

from __future__ import annotations

import argparse

from tileframe_bench.workloads import WORKLOADS, scaled


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the inputs of the benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: all of {', '.join(WORKLOADS)}")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides times this")
    given = parser.parse_args()
    for name in given.names or WORKLOADS:
        if name not in WORKLOADS:
            parser.error(f"no workload named '{name}' (have: {', '.join(WORKLOADS)})")
        workload = scaled(WORKLOADS[name], given.scale)
        facts = workload.facts()
        print(f"{workload.path}  {facts['size']}  {facts['bytes_per_pixel']} bytes a pixel", flush=True)


if __name__ == "__main__":
    main()
