"""The checks of ``tileframe verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import CheckPlugin, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tileframe import Check


def _descriptor() -> Check:
    from tileframe_checks.descriptor import check_descriptor

    return check_descriptor


def _files() -> Check:
    from tileframe_checks.files import check_files

    return check_files


def _tiles() -> Check:
    from tileframe_checks.tiles import check_tiles

    return check_tiles


def _digests() -> Check:
    from tileframe_checks.digests import check_digests

    return check_digests


def _overlap() -> Check:
    from tileframe_checks.overlap import check_overlap

    return check_overlap


def _levels() -> Check:
    from tileframe_checks.levels import check_levels

    return check_levels


def _filled() -> Check:
    from tileframe_checks.filled import check_filled

    return check_filled


@hookimpl
def tileframe_checks() -> Sequence[CheckPlugin]:
    """Offer all of them."""
    return [
        CheckPlugin("descriptor", "the descriptor says what the manifest says", _descriptor),
        CheckPlugin("files", "every tile is there, and no other file", _files),
        CheckPlugin("tiles", "every tile decodes strictly and has exactly its size", _tiles),
        CheckPlugin("digests", "every tile has the digest of the list, where there is one", _digests),
        CheckPlugin("filled", "every tile shows the slide, as the manifest says", _filled),
        CheckPlugin("overlap", "neighbouring tiles agree over their overlap", _overlap),
        CheckPlugin("levels", "each level is the 2x2 mean of the one below it", _levels),
    ]
