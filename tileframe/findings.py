"""What a check finds in a pyramid, and a comparison between two: typed, frozen, and to and from JSON."""

from __future__ import annotations

from dataclasses import dataclass

from tileframe.facts import Equality, Ordered


class Severity(Ordered):
    """How much a finding matters."""

    NOTE = "note"
    """Worth knowing, and no fault."""
    WARNING = "warning"
    """Unlikely in a sound pyramid, by a threshold that the message names."""
    ERROR = "error"
    """A fault."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What a check has to say of one file of a pyramid."""

    key: str
    """The file, relative to the descriptor's folder, with forward slashes."""
    check: str
    """The name of the check."""
    severity: Severity
    """Whether it is a fault."""
    message: str
    """What is wrong with it, and what was expected."""

    def __str__(self) -> str:
        return f"{self.key}: {self.message} ({self.check})"


@dataclass(frozen=True, slots=True)
class LevelDifference:
    """How one level of two pyramids differs."""

    level: int
    """The pyramid's, 0 for 1x1."""
    tiles: int
    """How many tiles the level has."""
    differing: int
    """Tiles that do not decode to the same pixels."""
    unreadable: int
    """Tiles that are missing, damaged or of another size in one of the two; no figure below counts them."""
    largest: int
    """The largest difference of a sample, 0 to 255."""
    mean: float
    """The mean absolute difference of all samples."""
    psnr: float | None
    """In dB over all samples; None where all are equal."""
    worst: str | None
    """The tile with the largest mean difference, as ``LEVEL/COL_ROW``; None where all are equal."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How equal two pyramids are."""

    strength: Equality | None
    """The strongest equality that holds; None if not even the layouts are the same."""
    layout: tuple[str, ...]
    """What differs in descriptors, keys and sizes, or is damaged, as sentences; no more than 20."""
    levels: tuple[LevelDifference, ...]
    """The base last; empty where the geometries differ."""
    notes: tuple[str, ...] = ()
    """What differs and does not count: layouts, stores, lossless tile formats."""

    @property
    def tiles(self) -> int:
        """Tiles of all levels."""
        return sum(level.tiles for level in self.levels)

    @property
    def identical(self) -> int:
        """Tiles of all levels that decode to the same pixels."""
        return self.tiles - sum(level.differing + level.unreadable for level in self.levels)
