"""Which reader and which backend do a job, and what is said of the others."""

from __future__ import annotations

import itertools

import pytest

import tileframe_layouts
import tileframe_stores
import tileframe_writers
from tests.plugins.objects import Offers, backend, reader
from tests.plugins.slides import Slide
from tileframe import (
    BackendPlugin,
    Box,
    Fit,
    InputError,
    OptionError,
    PluginError,
    ReaderPlugin,
    Size,
    Spec,
    UnsupportedInput,
    open_slide,
)
from tileframe import registry as registry_module
from tileframe.planning import Prepared, prepare
from tileframe.registry import Registry

ANY = backend("any", speed=1)
NOT_MINE, DAMAGED, MISSING = (
    UnsupportedInput("is not mine"),
    InputError("row 7 is damaged"),
    PluginError("needs libfake"),
)


def loaded(*offers: ReaderPlugin | BackendPlugin) -> Registry:
    readers = [offer for offer in offers if isinstance(offer, ReaderPlugin)]
    backends = [offer for offer in offers if isinstance(offer, BackendPlugin)]
    ours = Offers(readers=readers, backends=backends)
    return registry_module.load([ours, tileframe_layouts, tileframe_stores, tileframe_writers], installed=False)


@pytest.fixture
def slide(tmp_path):
    path = tmp_path / "slide.made"
    path.write_bytes(b"made in a test")
    return path


@pytest.fixture
def planned(slide):
    """Plan a run of ``slide`` with these offers and these options."""

    def make(*offers: ReaderPlugin | BackendPlugin, **options: object) -> Prepared:
        registry = loaded(*offers)
        location = registry.location(str(slide.with_name("out.dzi")))
        return prepare(Spec(slide, location, **options), registry)  # type: ignore[arg-type]

    return make


def chosen(made: Prepared) -> tuple[str, str, tuple[str, ...]]:
    """The reader, the backend, and why others were passed over."""
    return made.plan.reader, made.plan.backend, made.plan.live.passed_over


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_readers_are_ranked_by_fit_and_then_by_name(planned, order):
    offers = [
        reader("a", NOT_MINE, Fit.POSSIBLE),
        reader("b", NOT_MINE, Fit.NATIVE),
        reader("c", NOT_MINE, Fit.NATIVE),
        reader("d", Slide(), Fit.NONE),
    ]
    with pytest.raises(InputError, match=r"no reader can open it \(b: is not mine; c: is not mine; a: is not mine\)"):
        planned(*(offers[index] for index in order), ANY)


def test_first_reader_that_takes_the_file_opens_it(planned):
    first, second = Slide(), Slide()
    made = planned(reader("b", second, Fit.GOOD), reader("a", first, Fit.GOOD), ANY)
    assert chosen(made) == ("a", "any", ())
    assert made.job.source is first
    assert not first.closed


def test_reader_that_does_not_take_the_file_leaves_it_to_the_next(planned):
    made = planned(reader("picky", NOT_MINE, Fit.NATIVE), reader("next", Slide()), ANY)
    assert chosen(made) == ("next", "any", ("reader picky: is not mine",))


def test_reader_without_its_library_leaves_the_file_to_the_next(planned):
    made = planned(reader("lame", MISSING, Fit.NATIVE), reader("next", Slide()), ANY)
    assert chosen(made) == ("next", "any", ("reader lame: needs libfake",))


def test_file_that_only_a_lame_reader_would_take_needs_its_library(planned):
    with pytest.raises(PluginError, match="needs libfake"):
        planned(reader("lame", MISSING, Fit.NATIVE), reader("next", NOT_MINE), ANY)


def test_damage_that_one_reader_finds_no_other_lets_through(planned):
    with pytest.raises(InputError, match="row 7 is damaged") as caught:
        planned(reader("strict", DAMAGED, Fit.NATIVE), reader("lax", Slide()), ANY)
    assert not isinstance(caught.value, UnsupportedInput)


def test_named_reader_is_taken_whatever_it_guesses(planned):
    made = planned(reader("best", Slide(), Fit.NATIVE), reader("mine", Slide(), Fit.NONE), ANY, reader="mine")
    assert made.plan.reader == "mine"


def test_named_reader_that_does_not_take_the_file_is_not_replaced(planned, slide):
    with pytest.raises(InputError) as caught:
        planned(reader("picky", NOT_MINE), reader("next", Slide()), ANY, reader="picky")
    assert str(caught.value) == f"{slide}: is not mine"


def test_faster_backend_is_taken_first(planned):
    made = planned(reader("r", Slide()), backend("slow", speed=3), backend("fast", speed=20), ANY)
    assert chosen(made) == ("r", "fast", ())


def test_backend_that_refuses_is_passed_over_with_its_reason(planned):
    made = planned(reader("r", Slide()), backend("fast", "too wide", speed=9), ANY)
    assert chosen(made) == ("r", "any", ("backend fast with reader r: too wide",))


def test_backend_without_its_library_is_passed_over(planned):
    made = planned(reader("r", Slide()), backend("fast", MISSING, speed=9), ANY)
    assert chosen(made) == ("r", "any", ("backend fast: needs libfake",))


def test_named_backend_without_its_library_is_an_error(planned):
    slide = Slide()
    with pytest.raises(PluginError, match="needs libfake"):
        planned(reader("r", slide), backend("fast", MISSING), ANY, backend="fast")
    assert slide.closed


def test_named_backend_that_refuses_is_not_replaced(planned):
    slides = Slide(), Slide()
    with pytest.raises(OptionError, match="backend fast with reader a: too wide; backend fast with reader b: too wide"):
        planned(reader("a", slides[0]), reader("b", slides[1]), backend("fast", "too wide"), ANY, backend="fast")
    assert all(slide.closed for slide in slides)


def test_next_reader_is_tried_when_no_backend_can_use_the_first(planned):
    rows, regions = Slide(Size(1, 1)), Slide(Size(2, 2))
    picky = backend("picky", lambda job: None if job.source is regions else "needs regions")
    made = planned(reader("a", rows), reader("b", regions), picky)
    assert (made.plan.reader, made.plan.pyramid.base) == ("b", Size(2, 2))
    assert (rows.closed, regions.closed) == (True, False)


def test_source_is_closed_when_a_backend_fails_to_judge(planned):
    slide = Slide()
    with pytest.raises(ZeroDivisionError):
        planned(reader("r", slide), backend("odd", lambda job: str(1 // 0)))
    assert slide.closed


@pytest.mark.parametrize("name", ["format", "backend", "reader"])
def test_unknown_name_is_refused_and_nothing_is_opened(planned, name):
    with pytest.raises(OptionError, match=f"no {name} named 'nope'"):
        planned(reader("r", AssertionError("was opened")), ANY, **{name: "nope"})


@pytest.mark.parametrize(
    ("bounds", "limit", "region"),
    [
        (None, True, Box(0, 0, 64, 48)),
        (Box(3, 5, 20, 10), True, Box(3, 5, 20, 10)),
        (Box(3, 5, 20, 10), False, Box(0, 0, 64, 48)),
        (Box(-3, -5, 20, 10), True, Box(0, 0, 17, 5)),
        (Box(60, 40, 20, 10), True, Box(60, 40, 4, 8)),
        (Box(100, 100, 20, 10), True, Box(0, 0, 64, 48)),
    ],
)
def test_region_is_the_part_of_the_bounds_that_the_slide_has(planned, bounds, limit, region):
    made = planned(reader("r", Slide(bounds=bounds)), ANY, limit_bounds=limit)
    assert (made.plan.region, made.plan.pyramid.base) == (region, region.size)
    assert [note for note in made.plan.notes if "cropped" in note] == made_note(region)


def made_note(region: Box) -> list[str]:
    whole = region == Box(0, 0, 64, 48)
    return [] if whole else [f"cropped to the scanned part, {region.size} at ({region.x}, {region.y}) of 64x48"]


def test_missing_folder_and_empty_paths_are_refused_with_the_path(tmp_path):
    (tmp_path / "empty.svs").touch()
    for path, reason in [
        (tmp_path / "missing.svs", "no such file"),
        (tmp_path, "is a folder"),
        (tmp_path / "empty.svs", "is empty"),
    ]:
        with pytest.raises(InputError) as caught:
            open_slide(path, registry=loaded(reader("r", Slide())))
        assert str(caught.value).startswith(f"{path}: {reason}")


def test_planning_writes_nothing(planned, slide):
    planned(reader("r", Slide()), ANY)
    assert list(slide.parent.iterdir()) == [slide]
