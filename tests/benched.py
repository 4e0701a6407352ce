"""Records of a made-up benchmark, for the tests of tables, charts and pages, and those of a real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tileframe import Equality, Size
from tileframe.serialize import from_json
from tileframe_bench.records import SCHEMA, Bench, Entry, Machine, Run, Sample, Trial, Verdict

BASELINES = ("bare dzsave", "generator loop", "generator pool")
# Seconds for the picture, cores kept busy, and megabytes held.
ENTRANTS = {
    "stream": (5.3, 1.8, 240),
    "vips": (7.2, 1.5, 410),
    "openslide": (31, 1.7, 330),
    "bare dzsave": (6.6, 1.5, 385),
    "acme-gpu": (3.5, 0.6, 1450),
    "generator loop": (73, 1.0, 160),
}
SMALL_TILES = "50 tiles are a pixel narrower than the layout says: the generator rounds their sides twice"
NO_POOL = "BrokenProcessPool: A process in the process pool was terminated abruptly while the future was running"


def run(seconds: float, *, cores: float = 1.5, megabytes: float = 200, samples: int = 40) -> Run:
    """A run that fills its memory, and reads and writes all the time."""
    held, read, written = int(megabytes * 1e6), 612_345_678, 402_345_678
    shares = [number / (samples + 1) for number in range(1, samples + 1)]
    taken = (
        Sample(seconds * share, cores, (cores / 2,) * 2, int(held * share), int(read * share), int(written * share))
        for share in shares
    )
    return Run(seconds, cores * seconds, held, read, written, tuple(taken))


def entry(name: str, *seconds: float, tiles: int = 13_465) -> Entry:
    """An entrant whose runs take so long, with all its tiles identical."""
    _, cores, megabytes = ENTRANTS.get(name, (0, 1.5, 200))
    return Entry(
        name,
        "baseline" if name in BASELINES else "backend",
        f"tileframe run --backend '{name}' IN OUT",
        tuple(run(one, cores=cores, megabytes=megabytes + number) for number, one in enumerate(seconds)),
        Verdict(Equality.PIXELS, tiles, tiles, (), is_ranked=True),
        "rows, 2 workers" if name == "stream" else "",
    )


def unranked(made: Entry, *marks: str) -> Entry:
    """The same with a verdict that keeps it out of the ranking."""
    return replace(made, verdict=Verdict(None, 9_000, 13_465, marks, is_ranked=False))


def failed(name: str, failure: str) -> Entry:
    return Entry(name, "baseline", f"python {name}.py IN OUT", (), None, "", failure)


def trial(*entries: Entry, name: str = "plaza.jpg", baseline: str = "bare dzsave", workers: int = 2) -> Trial:
    size = Size(30000, 21952)
    return Trial(name, size, 215_000_000, 256, 16, 13_583, workers, baseline, entries)


def usual_trial(name: str = "plaza.jpg") -> Trial:
    """All entrants with one input: one is not ranked, one has other pixels below the base, one failed."""
    entries = [entry(who, 1.05 * seconds, 0.98 * seconds) for who, (seconds, _, _) in ENTRANTS.items()]
    entries[2] = replace(entries[2], verdict=Verdict(Equality.BASE, 10_098, 13_465, (), is_ranked=True))
    entries[5] = unranked(entry("generator loop", 73.0), SMALL_TILES)
    return trial(*entries, failed("generator pool", NO_POOL), name=name)


def bench(trials: Sequence[Trial]) -> Bench:
    return Bench(
        "2026-02-03T14:05:06+00:00",
        "tileframe bench plaza.jpg tissue.svs --html bench.html",
        Machine("Linux 6.1 (x86_64)", "Example Processor 7 @ 3.10GHz", 2, 8_318_820_352, "ext4"),
        {"tileframe": "0.1.0", "Python": "3.12.4", "libvips": "8.17.1", "acme-gpu (acme-tiles)": "2.1.0rc1"},
        {"overlap": "0 px", "format": "JPEG, quality 75, 4:2:0", "workers": "2", "cache": "the input is in it"},
        2,
        tuple(trials),
    )


def read(report: bytes) -> Bench:
    return from_json(Bench, report, schema=SCHEMA)
