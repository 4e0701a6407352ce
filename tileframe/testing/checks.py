"""The contract of checks."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from tileframe import CheckPlugin, Finding, OptionError, Progress, Severity, Size
from tileframe.pixels import Pixels
from tileframe.testing.cases import Case, Contract, gradient
from tileframe.testing.faults import DAMAGES, FAULTS, NAME, Kept, good, planted
from tileframe.testing.slides import installed

CASES = (
    Case(Size(1, 1)),
    Case(Size(1, 300)),
    Case(Size(254, 254)),
    Case(Size(255, 255), 64, 2),
    Case(Size(509, 763), 256, 0),
)
SEVERAL = Case(Size(300, 260), 64, 2)
OTHER_LAYOUTS = Case(Size(300, 260), 64, 0)


def _silent(tiles: int, pixels: int) -> None:
    pass


class CheckContract(Contract):
    """Asserts what a `Check` promises.

    State ``plugin``, and in ``faults`` those of `FAULTS` that are its business: all of them, unless
    other checks are to find the rest. The check is never told which fault it looks at. Pyramids are Deep Zoom's, with
    a list of digests and the record of a run, unless a test says otherwise.
    """

    plugin: CheckPlugin
    faults: Sequence[str] = FAULTS
    format = "png"
    """Of the tiles; its writer must be installed."""
    cases: Sequence[Case] = CASES
    """The good pyramids."""

    def picture(self, size: Size) -> Pixels:
        """Return the pixels of the base; a gradient is hard on lossy formats, which may want another."""
        return gradient(size)

    def parameters(self) -> Mapping[str, Sequence[object]]:
        """Run tests for every good pyramid and layout, for the faults that are its business, and for all damage."""
        layouts = [offer.name for offer in installed().layouts]
        return {"case": self.cases, "layout": layouts, "fault": self.faults, "damage": (*FAULTS, *DAMAGES)}

    def test_a_good_pyramid_gives_no_finding(self, case: Case) -> None:
        found = self._faults_found(self._good(case))
        assert not found, f"{case}: there is nothing wrong with it, and the check says: {found[0]}"

    def test_a_good_pyramid_of_any_layout_gives_no_finding(self, layout: str) -> None:
        try:
            kept = self._good(OTHER_LAYOUTS, layout)
        except OptionError:
            return  # a layout that takes no tiles of this format
        found = self._faults_found(kept)
        assert not found, f"{layout}: there is nothing wrong with it, and the check says: {found[0]}"

    def test_a_good_pyramid_of_another_tool_gives_no_finding(self) -> None:
        found = self._faults_found(self._good(SEVERAL).of_another_tool())
        assert not found, f"without manifest and digests: nothing is wrong, and the check says: {found[0]}"

    def test_a_planted_fault_is_found_and_named(self, fault: str) -> None:
        kept = self._broken(fault)
        found = self._faults_found(kept)
        assert found, f"{fault}: the check finds nothing"
        named = {finding.key for finding in found}
        assert named & kept.culprits, f"{fault}: {sorted(named)[:3]} are named, none of {sorted(kept.culprits)[:3]}"

    def test_damage_is_a_finding_and_never_an_exception(self, damage: str) -> None:
        try:
            self._findings(self._broken(damage))
        except Exception as error:
            raise AssertionError(f"{damage}: the check raised {error!r}") from error

    def test_findings_carry_the_name_of_the_check(self, fault: str) -> None:
        for finding in self._findings(self._broken(fault)):
            assert finding.check == self.plugin.name, f"{fault}: the finding says it is of '{finding.check}'"

    def test_findings_say_in_a_line_what_is_wrong(self, fault: str) -> None:
        for finding in self._findings(self._broken(fault)):
            lines = finding.message.strip().splitlines()
            assert len(lines) == 1, f"{fault}: the message is no line of text: {finding.message!r}"

    def test_findings_name_files_from_the_descriptors_folder_on(self, fault: str) -> None:
        for finding in self._findings(self._broken(fault)):
            known = finding.key.startswith((f"{NAME}_files", f"{NAME}."))
            assert known, f"{fault}: {finding.key!r} is no file of the pyramid"

    def test_one_worker_and_many_say_the_same(self, fault: str) -> None:
        one, many = (sorted(self._findings(self._broken(fault), workers=n)) for n in (1, 4))
        assert one == many, f"{fault}: one worker gives {len(one)} findings, four give {len(many)} or others"

    def test_progress_never_goes_back(self, case: Case) -> None:
        told: list[tuple[int, int]] = []
        self._findings(self._good(case), progress=lambda tiles, pixels: told.append((tiles, pixels)))
        assert all(one <= other for counts in zip(*told, strict=True) for one, other in pairwise(counts)), (
            f"{case}: it went back"
        )

    def _findings(self, kept: Kept, *, workers: int = 2, progress: Progress = _silent) -> list[Finding]:
        pyramid = kept.opened(workers)
        return list(self.plugin.make()(pyramid, progress))

    def _faults_found(self, kept: Kept) -> list[Finding]:
        return [finding for finding in self._findings(kept) if finding.severity > Severity.NOTE]

    def _good(self, case: Case, layout: str = "dzi") -> Kept:
        return _kept(case, layout, self.format, self.picture(case.size).tobytes())

    def _broken(self, fault: str) -> Kept:
        return planted(self._good(SEVERAL), fault)


@lru_cache(maxsize=32)
def _kept(case: Case, layout: str, format: str, samples: bytes) -> Kept:
    """Return the good pyramid of RGB8 ``samples``; kept, for many tests look at the same, and change a copy."""
    base = np.frombuffer(samples, np.uint8).reshape(case.size.height, case.size.width, 3)
    return good(case, base, installed().layout(layout), installed().writer(format).create())
