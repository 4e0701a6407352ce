"""A viewer that lists pyramids in a plain page, and what can be wrong with one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from tests.contracts.calling import breaker
from tileframe import Comparison, Location, OptionError, OutputError, StoredPyramid, ViewerPlugin
from tileframe.testing import ViewerContract

MARK = "<!doctype html><title>list</title>"
LAYOUTS = ("dzi", "google")


class Listing:
    """One line for each pyramid: its name, a link to its top tile, and who made it."""

    def prepare(self, locations: Sequence[Location], *, overwrite: bool) -> Path:
        first = locations[0]
        if first.scheme != "file":
            raise OutputError(f"{first}: a list is written only beside pyramids on this machine")
        page = first.page
        if page.is_dir():
            raise OutputError(f"{page}: is a folder")
        if page.exists() and not overwrite and not self.is_ours(page):
            raise OutputError(f"{page}: is no list")
        return page

    def is_ours(self, page: Path) -> bool:
        return page.read_text(encoding="utf-8").startswith(MARK)

    def write(
        self, pyramids: Sequence[StoredPyramid], *, comparison: Comparison | None = None, overwrite: bool = False
    ) -> Path:
        page = self.prepare([pyramid.location for pyramid in pyramids], overwrite=overwrite)
        for pyramid in pyramids:
            if pyramid.layout_name not in LAYOUTS:
                raise OptionError(f"{pyramid.target}: the list has no layout {pyramid.layout_name}")
        page.write_text("\n".join([MARK, *map(self.line, pyramids)]), encoding="utf-8")
        return page

    def line(self, pyramid: StoredPyramid) -> str:
        name, folder = pyramid.location.name, quote(pyramid.layout.folder)
        source = pyramid.manifest.plan.source.name if pyramid.manifest else ""
        return f'<p><a href="{folder}">{escape(name)}</a> of {escape(source)}'


class GoodViewer(ViewerContract):
    plugin = ViewerPlugin("list", "a list of pyramids", Listing, LAYOUTS)


class Alone(Listing):
    """Shows one pyramid."""

    def prepare(self, locations: Sequence[Location], *, overwrite: bool) -> Path:
        if len(locations) > 1:
            raise OptionError("the list is of one pyramid")
        return super().prepare(locations, overwrite=overwrite)


class GoodViewerOfOne(GoodViewer):
    plugin = ViewerPlugin("list", "a list of pyramids", Alone, LAYOUTS)
    pairs = False


class Elsewhere(Listing):
    def prepare(self, locations: Sequence[Location], *, overwrite: bool) -> Path:
        page = super().prepare(locations, overwrite=overwrite)
        return page if not page.parent.exists() else page.parent.parent / page.name


class DziAlone(Listing):
    def line(self, pyramid: StoredPyramid) -> str:
        if pyramid.layout_name != "dzi":
            raise AssertionError("no such tiles")
        return super().line(pyramid)


class Text(Listing):
    def line(self, pyramid: StoredPyramid) -> str:
        return pyramid.location.name

    def write(
        self, pyramids: Sequence[StoredPyramid], *, comparison: Comparison | None = None, overwrite: bool = False
    ) -> Path:
        page = super().write(pyramids, overwrite=overwrite)
        page.write_text("a list", encoding="utf-8")
        return page


class ShowingAll(Listing):
    def write(
        self, pyramids: Sequence[StoredPyramid], *, comparison: Comparison | None = None, overwrite: bool = False
    ) -> Path:
        page = self.prepare([pyramid.location for pyramid in pyramids], overwrite=overwrite)
        page.write_text("\n".join([MARK, *map(self.line, pyramids)]), encoding="utf-8")
        return page


class Eager(Listing):
    def prepare(self, locations: Sequence[Location], *, overwrite: bool) -> Path:
        page = super().prepare(locations, overwrite=overwrite)
        page.parent.mkdir(exist_ok=True)
        return page


class Anywhere(Listing):
    def prepare(self, locations: Sequence[Location], *, overwrite: bool) -> Path:
        return locations[0].page if locations[0].scheme != "file" else super().prepare(locations, overwrite=overwrite)


class Nowhere(Listing):
    def prepare(self, locations: Sequence[Location], *, overwrite: bool) -> Path:
        if locations[0].scheme != "file":
            raise OutputError("cannot be written")
        return super().prepare(locations, overwrite=overwrite)


class Unquoted(Listing):
    def line(self, pyramid: StoredPyramid) -> str:
        return super().line(pyramid).replace(quote(pyramid.layout.folder), escape(pyramid.layout.folder))


class Unescaped(Listing):
    """Trusts the manifest."""

    def line(self, pyramid: StoredPyramid) -> str:
        assert pyramid.manifest is not None
        return super().line(pyramid).partition(" of ")[0] + f" of {pyramid.manifest.plan.source.name}"


class UnescapedName(Listing):
    """Trusts the name of the pyramid, within quotes."""

    def line(self, pyramid: StoredPyramid) -> str:
        return f"{super().line(pyramid)}<p title='{pyramid.location.name}'>"


class UnescapedAttribute(Listing):
    """Escapes what ends an element, and not what ends an attribute."""

    def line(self, pyramid: StoredPyramid) -> str:
        assert pyramid.manifest is not None
        name = pyramid.manifest.plan.source.name.replace("<", "&lt;").replace(">", "&gt;")
        return f'{super().line(pyramid)}<p title="{name}">'


class Once(Listing):
    def is_ours(self, page: Path) -> bool:
        return False


class Careless(Listing):
    def is_ours(self, page: Path) -> bool:
        return True


class Stubborn(Listing):
    def prepare(self, locations: Sequence[Location], *, overwrite: bool) -> Path:
        return super().prepare(locations, overwrite=False)


class Blind(Listing):
    def prepare(self, locations: Sequence[Location], *, overwrite: bool) -> Path:
        page = locations[0].page
        return page if page.is_dir() else super().prepare(locations, overwrite=overwrite)


class FirstAlone(Listing):
    def write(
        self, pyramids: Sequence[StoredPyramid], *, comparison: Comparison | None = None, overwrite: bool = False
    ) -> Path:
        return super().write(pyramids[:1], overwrite=overwrite)


WRONG: dict[str, list[type[Listing]]] = {
    "test_a_page_is_written_for_every_layout_that_it_declares": [Elsewhere, DziAlone, Text],
    "test_a_layout_that_it_does_not_declare_is_an_option_error": [ShowingAll],
    "test_prepare_says_where_the_page_will_be_and_writes_nothing": [Eager],
    "test_a_location_that_it_cannot_write_beside_is_refused_by_name": [Anywhere, Nowhere],
    "test_what_the_page_refers_to_is_there": [Unquoted],
    "test_names_and_manifests_of_strangers_bring_no_markup_in": [Unescaped, UnescapedName, UnescapedAttribute],
    "test_its_own_page_is_replaced": [Once],
    "test_anothers_file_is_replaced_only_if_that_is_asked_for": [Careless, Stubborn],
    "test_a_folder_in_its_place_is_an_output_error": [Blind],
    "test_two_pyramids_are_shown_or_refused": [FirstAlone],
}
SUBTLE = (Unescaped, UnescapedAttribute, Unquoted, Careless)
GOOD = [GoodViewer, GoodViewerOfOne]
BREAKERS = [
    breaker(
        test,
        GoodViewer,
        make.__name__,
        subtle=make in SUBTLE,
        plugin=ViewerPlugin("list", "a list of pyramids", make, LAYOUTS),
    )
    for test, makes in WRONG.items()
    for make in makes
]
