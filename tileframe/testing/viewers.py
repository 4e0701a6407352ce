"""The contract of viewers."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tileframe import (
    Comparison,
    Location,
    OptionError,
    OutputError,
    Size,
    StoredPyramid,
    Viewer,
    ViewerPlugin,
    compare,
    open_pyramid,
    run,
)
from tileframe.testing.cases import Case, Contract
from tileframe.testing.measures import for_each, refusal
from tileframe.testing.slides import READER, MadeSlide, installed, registry_with, tileframe_readers

SIDE = 64
SLIDE = MadeSlide(Case(Size(150, 100)))
NAMES = ("50% & #a;b", "it's ü 切片")
"""Of pyramids; any file system has them."""
EVIL = """</script></title></style>--><script>alert(1)</script><img src=x onerror="alert(2)">'"`&lt;"""
"""Of what a manifest may hold, which came from a stranger."""
EVIL_NAME = "' onerror='alert(3)" if os.name == "nt" else """'"><img src=x onerror=alert(3)>"""
"""Of a pyramid, where the file system has such names."""
REFERENCES = {"src", "href", "data", "poster"}


class ViewerContract(Contract):
    """Asserts what a `Viewer` promises. State ``plugin``, and the ``format`` of tiles that its page can show."""

    plugin: ViewerPlugin
    format = "png"
    pairs = True
    """Whether it shows two pyramids. If not, it refuses them with `OptionError`."""

    def viewer(self) -> Viewer:
        """Return a new viewer."""
        return self.plugin.make()

    def _layouts(self) -> Sequence[str]:
        """Return the layouts that it declares; all that are installed if it declares none."""
        return self.plugin.layouts or [layout.name for layout in installed().layouts]

    def test_a_page_is_written_for_every_layout_that_it_declares(self, tmp_path: Path) -> None:
        def look(layout: str) -> None:
            with self._pyramid(tmp_path / layout, layout=layout) as pyramid:
                page = self._written([pyramid])
                assert page.parent == Path(pyramid.location.folder), f"{layout}: {page} is not beside its pyramid"
                assert _tags(page), f"{layout}: {page.name} holds no HTML"

        for_each(self._layouts(), look)

    def test_a_layout_that_it_does_not_declare_is_an_option_error(self, tmp_path: Path) -> None:
        for layout in sorted({layout.name for layout in installed().layouts} - set(self._layouts())):
            with self._pyramid(tmp_path / layout, layout=layout) as pyramid:
                refusal(OptionError, f"the layout {layout}", partial(self.viewer().write, [pyramid]))
        if self.plugin.layouts:
            with self._pyramid(tmp_path / "other") as pyramid:
                unheard = replace(pyramid, layout_name="unheard-of")
                refusal(OptionError, "a layout of another plugin", lambda: self.viewer().write([unheard]))

    def test_prepare_says_where_the_page_will_be_and_writes_nothing(self, tmp_path: Path) -> None:
        places = [Location("file", str(tmp_path / "new"), name) for name in ("one", "two")]
        for locations in (places[:1], places) if self.pairs else (places[:1],):
            page = self.viewer().prepare(locations, overwrite=False)
            assert page.parent == tmp_path / "new", f"{page} is not beside {locations[0]}"
            left = list(tmp_path.iterdir())
            assert not left, f"prepare() has made {left}"

    def test_a_location_that_it_cannot_write_beside_is_refused_by_name(self) -> None:
        elsewhere = Location("unheard-of", "bucket/folder", "made")
        prepare = partial(self.viewer().prepare, [elsewhere], overwrite=False)
        error = refusal((OptionError, OutputError), f"a location that nobody serves, {elsewhere}", prepare)
        assert str(elsewhere) in str(error), f"the message does not name {elsewhere}: {error}"

    def test_what_the_page_refers_to_is_there(self, tmp_path: Path) -> None:
        def look(name: str) -> None:
            with self._pyramid(tmp_path / str(NAMES.index(name)), name) as pyramid:
                page = self._written([pyramid])
                for reference in _references(page):
                    address = urlsplit(reference)
                    if not address.scheme and address.path:
                        file = page.parent / unquote(address.path)
                        assert file.exists(), f"{page.name} refers to {reference}, and there is no {file}"

        for_each(NAMES, look)

    def test_names_and_manifests_of_strangers_bring_no_markup_in(self, tmp_path: Path) -> None:
        with self._pyramid(tmp_path / "plain") as plain, self._pyramid(tmp_path / "odd", EVIL_NAME) as odd:
            manifest = odd.manifest
            assert manifest is not None
            source = replace(manifest.plan.source, name=EVIL, format=EVIL)
            plan = replace(manifest.plan, source=source, method=EVIL, reader=EVIL, notes=(EVIL,))
            wanted, evil = (
                _tags(self._written([replace(pyramid, manifest=replace(manifest, plan=shown))]))
                for pyramid, shown in ((plain, replace(manifest.plan, notes=("harmless",))), (odd, plan))
            )
            assert evil == wanted, (
                f"names bring markup in: {sorted(set(evil) - set(wanted)) or len(evil) - len(wanted)}"
            )

    def test_its_own_page_is_replaced(self, tmp_path: Path) -> None:
        with self._pyramid(tmp_path) as pyramid:
            page = self._written([pyramid])
            before = page.read_bytes()
            assert self._written([pyramid]) == page, "the second page is elsewhere"
            assert page.read_bytes() == before, "the same pyramid gave another page"

    def test_anothers_file_is_replaced_only_if_that_is_asked_for(self, tmp_path: Path) -> None:
        with self._pyramid(tmp_path) as pyramid:
            page = self.viewer().prepare([pyramid.location], overwrite=False)
            page.write_bytes(b"somebody else's")
            refusal(OutputError, f"{page.name} is another's", lambda: self.viewer().write([pyramid]))
            assert page.read_bytes() == b"somebody else's", f"{page.name} was another's, and is gone"
            assert _tags(self._written([pyramid], overwrite=True)), f"{page.name} was not replaced, as was asked for"

    def test_a_folder_in_its_place_is_an_output_error(self, tmp_path: Path) -> None:
        location = Location("file", str(tmp_path), "made")
        page = self.viewer().prepare([location], overwrite=True)
        page.mkdir()
        refusal(OutputError, f"{page.name} is a folder", lambda: self.viewer().prepare([location], overwrite=True))

    def test_two_pyramids_are_shown_or_refused(self, tmp_path: Path) -> None:
        with self._pyramid(tmp_path / "a") as one, self._pyramid(tmp_path / "a", "other") as other:
            if not self.pairs:
                refusal(OptionError, "two pyramids", lambda: self.viewer().write([one, other]))
                return
            alone = self._written([one]).read_bytes()
            page = self._written([one, other], comparison=compare(one, other))
            assert page.read_bytes() != alone, "the page of two shows no more than that of one"

    def _written(
        self, pyramids: Sequence[StoredPyramid], *, comparison: Comparison | None = None, overwrite: bool = False
    ) -> Path:
        try:
            wanted = self.viewer().prepare([pyramid.location for pyramid in pyramids], overwrite=overwrite)
            page = self.viewer().write(pyramids, comparison=comparison, overwrite=overwrite)
        except Exception as error:
            raise AssertionError(f"the page of {pyramids[0].target} was not written: {error!r}") from error
        assert page == wanted, f"prepare() says {wanted}, and the page is {page}"
        assert page.is_file(), f"{page} was not written"
        return page

    @contextmanager
    def _pyramid(self, folder: Path, name: str = "made", *, layout: str | None = None) -> Iterator[StoredPyramid]:
        """Make a pyramid in ``folder`` by a run, and open it; the slide is not in that folder."""
        slide, registry = folder.with_name(f"{folder.name}.slide"), registry_with(*tileframe_readers())
        SLIDE.write(slide)
        target = Location("file", str(folder), name)
        with ExitStack() as stack:
            run(
                slide,
                target,
                reader=READER,
                layout=layout or self._layouts()[0],
                tile_size=SIDE,
                overlap=0,
                format=self.format,
                registry=registry,
            )
            slide.unlink()
            yield stack.enter_context(open_pyramid(target, registry=registry))


class _Page(HTMLParser):
    """The elements of a page, as a browser finds them."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(" ".join([tag, *(name for name, _ in attributes)]))
        self.references += (value for name, value in attributes if name in REFERENCES and value)


def _tags(page: Path) -> list[str]:
    """Return the elements of ``page``, each with the names of its attributes, in order."""
    return _Page(page).tags


def _references(page: Path) -> list[str]:
    return _Page(page).references
