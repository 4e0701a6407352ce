"""From what was asked to what was decided: the plan as it is printed, written, sent and read again."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.pictures import gradient, photo, png, svs
from tileframe import (
    CheckError,
    InputError,
    Manifest,
    OptionError,
    Plan,
    PluginError,
    open_job,
    open_pyramid,
    run,
    verify,
)
from tileframe.records import MANIFEST_SCHEMA, PLAN_SCHEMA
from tileframe.serialize import from_json, to_json
from tileframe_start.command import run_command


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    return png(tmp_path / "secret folder" / "slide.png", gradient(300, 200))


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    (tmp_path / "secret folder").mkdir()


def planned(slide: Path, target: Path, registry: Any, **options: Any) -> Plan:
    """The plan of a run that was really done."""
    plans: list[Plan] = []
    run(slide, target, registry=registry, on_plan=plans.append, **options)
    return plans[0]


def plain(record: Any) -> Any:
    return json.loads(to_json(record))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    assert run_command(["run", *map(str, arguments), "--dry-run", "--json"]) == 0
    plan: dict[str, Any] = json.loads(capsys.readouterr().out)["plan"]
    return plan


def manifest_of(target: str | Path) -> Path:
    return Path(target).with_suffix(".tileframe.json")


def without_execution(plan: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in plan.items() if name != "execution"}


def test_the_plan_that_a_dry_run_prints_is_the_one_that_is_carried_out(slide, tmp_path, registry, capsys):
    coming = printed(capsys, slide, "-o", tmp_path / "a", "--format", "png", "--tile-size", "64", "--workers", "2")
    assert not list(tmp_path.glob("a*"))
    done = planned(slide, tmp_path / "a", registry, format="png", tile_size=64, workers=2)
    assert without_execution(coming) == without_execution(plain(done))
    assert {**coming["execution"], "run": ""} == {**plain(done.live), "run": ""}


def test_a_dry_run_leaves_nothing_open_in_the_plan(slide, tmp_path, capsys):
    plan = printed(capsys, slide, "-o", tmp_path / "a")
    # That no tile is left out is decided, too.
    assert {name for name, value in plan.items() if value is None or value == ""} == {"skip_blank"}
    assert (plan["reader"], plan["backend"], plan["store"]) != (None, "auto", None)
    assert plan["format_options"] == {"quality": 75}
    assert plan["region"] == {"x": 0, "y": 0, "width": 300, "height": 200}
    assert plan["schema"] == PLAN_SCHEMA


def test_the_manifest_holds_the_plan_but_for_what_changes_no_byte(slide, tmp_path, registry):
    done = planned(slide, tmp_path / "out" / "a", registry)
    written = json.loads(manifest_of(tmp_path / "out" / "a").read_text())["plan"]
    assert written == plain(done.published())
    assert (written["execution"], written["location"]["folder"]) == (None, "")
    assert without_execution(written) == without_execution(plain(done)) | {"location": written["location"]}


@pytest.mark.parametrize("container", ["", ".zip"])
def test_no_folder_gets_into_what_is_published(slide, tmp_path, registry, container):
    run(slide, tmp_path / "out" / f"a{container}", registry=registry)
    with open_pyramid(tmp_path / "out" / f"a{container}", registry=registry) as pyramid:
        text = pyramid.files.get(pyramid.location.manifest_key).decode()
    assert "slide.png" in text
    assert str(tmp_path) not in text
    assert "secret folder" not in text


def test_the_plan_is_frozen(slide, tmp_path, registry):
    plan = planned(slide, tmp_path / "a", registry)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.reader = "another"  # type: ignore[misc]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"layout": "google", "format": "jpg", "quality": 91},
        {"region": (10, 20, 100, 90), "background": "#102030", "reader": "imageslide"},
        {"layout": "iiif3", "layout_options": {"id": "https://example.org/slides"}},
    ],
    ids=str,
)
def test_plan_and_manifest_come_back_from_json_as_they_were(slide, tmp_path, registry, options):
    plan = planned(slide, tmp_path / "a", registry, **options)
    assert from_json(Plan, to_json(plan).encode(), schema=PLAN_SCHEMA) == plan
    manifest = from_json(Manifest, (tmp_path / "a.tileframe.json").read_bytes(), schema=MANIFEST_SCHEMA)
    assert manifest.plan == plan.published()
    assert from_json(Manifest, to_json(manifest).encode(), schema=MANIFEST_SCHEMA) == manifest


def test_a_plan_out_of_a_manifest_cannot_be_run(slide, tmp_path, registry):
    plan = planned(slide, tmp_path / "a", registry).published()
    with pytest.raises(OptionError, match="does not say where its slide is"):
        open_job(plan, registry)


# Manifests that are wrong.


def broken(done: Path, change: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads(manifest_of(done).read_text())
    change(record)
    manifest_of(done).write_text(json.dumps(record))


@pytest.fixture(scope="module")
def made(tmp_path_factory, registry) -> Path:
    """The folder of a finished pyramid, which nobody changes."""
    folder = tmp_path_factory.mktemp("made")
    run(png(tmp_path_factory.mktemp("slide") / "slide.png", gradient(300, 200)), folder / "a", registry=registry)
    return folder


@pytest.fixture
def done(made, tmp_path) -> Path:
    """A copy of it, to be broken."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "a.dzi"


SCHEMAS = ["tileframe-manifest/1", "tileframe-manifest/3", None, 2, ["x"] * 1000, "\n"]
BY = [*(("verify", schema) for schema in SCHEMAS), ("view", SCHEMAS[1]), ("info", SCHEMAS[4])]


@pytest.mark.parametrize(("command", "schema"), BY)
def test_an_unknown_schema_is_refused_in_one_line(done, capsys, command, schema):
    broken(done, lambda record: record.update(schema=schema))
    assert run_command([command, str(done)]) == 5
    out, err = capsys.readouterr()
    line = next(line for line in (out + err).splitlines() if "schema" in line)
    assert "a.tileframe.json: the manifest its schema is " in line
    assert f", not {MANIFEST_SCHEMA}" in line
    assert len(line) < 400
    assert "Traceback" not in out + err


HOSTILE = {
    "nested": "[" * 100_000,
    "nested and closed": '{"plan":' * 100_000 + "1" + "}" * 100_000,
    "long number": f'{{"schema": "{MANIFEST_SCHEMA}", "plan": {"9" * 400}}}',
    "longer number": f'{{"schema": "{MANIFEST_SCHEMA}", "plan": {"9" * 5000}}}',
    "not JSON": "{",
    "empty": "",
    "no record": "[]",
    "null": "null",
    "lone surrogate": '"\\ud800"',
    "not UTF-8": "\xff\xfe",
    "NaN": f'{{"schema": "{MANIFEST_SCHEMA}", "made": {{"finished": NaN}}}}',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_manifest_is_refused_in_one_line(done, registry, text):
    manifest_of(done).write_bytes(text.encode("latin-1"))
    with pytest.raises(CheckError, match="the manifest") as caught:
        open_pyramid(done, registry=registry)
    assert len(str(caught.value).splitlines()) == 1


VALUES: list[Any] = [None, True, -1, 1.5, 10**400, "x\ud800", [], {}, [1], float("nan"), "../..", "\0", "DELETED"]
CHECKED = [
    ("plan", "source", "background", 0),
    ("plan", "source", "size", "width"),
    ("plan", "source", "mpp"),
    ("plan", "location"),
    ("plan", "region", "width"),
    ("plan", "promises"),
    ("plan", "pyramid", "base", "width"),
    ("plan", "pyramid", "tile_size"),
    ("plan", "pyramid", "overlap"),
    ("plan", "layout_options"),
    ("plan", "format_options", "quality"),
    ("plan", "encoding", "suffix"),
    ("plan", "encoding", "quality"),
    ("plan", "passthrough"),
    ("plan", "notes"),
    ("tiles", "count"),
    ("tiles", "digests_sha256"),
    ("made", "seconds"),
    ("made", "versions"),
]


@pytest.mark.parametrize("layout", ["dzi", "google"])
def test_no_value_in_a_manifest_is_more_than_a_fault_of_the_pyramid(slide, tmp_path, registry, layout):
    """The geometry of the layout google is known from the manifest alone."""
    run(slide, tmp_path / "m", layout=layout, tile_size=512, overlap=0, registry=registry)
    path = tmp_path / "m.tileframe.json"
    sound = path.read_text()
    for where in CHECKED:
        for value in VALUES:
            record = json.loads(sound)
            holder: Any = record
            for step in where[:-1]:
                holder = holder[step]
            holder[where[-1]] = value
            if value == "DELETED":
                del holder[where[-1]]
            path.write_text(json.dumps(record))
            try:
                verify(tmp_path / "m", checks=["descriptor", "digests"], registry=registry, workers=1)
            except CheckError as error:
                said = str(error)
                assert "m.tileframe.json" in said or "can be checked" in said, where


def test_a_pyramid_too_large_to_be_checked_is_refused(slide, tmp_path, registry):
    run(slide, tmp_path / "a", layout="google", registry=registry)

    def grow(record: dict[str, Any]) -> None:
        record["plan"]["pyramid"]["base"]["width"] = 10**18

    broken(tmp_path / "a", grow)
    with pytest.raises(CheckError, match="would have more tiles than the 134,217,728 that can be checked"):
        verify(tmp_path / "a", checks=["files"], registry=registry)


def test_a_layout_that_is_not_installed_is_named(slide, tmp_path, registry):
    run(slide, tmp_path / "a", layout="google", registry=registry)
    broken(tmp_path / "a", lambda record: record["plan"].update(layout="spiral"))
    with pytest.raises(PluginError, match=r"no plugin offers its layout 'spiral' \(have: dzi, google"):
        open_pyramid(tmp_path / "a", registry=registry)


# Workers.


class Elsewhere(Executor):
    """An executor that sends everything through pickle, as if it went to another process; ``before`` comes first."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self._before = before

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        self._before()
        future: Future[Any] = Future()
        try:
            sent = pickle.loads(pickle.dumps((function, arguments)))
            future.set_result(pickle.loads(pickle.dumps(sent[0](*sent[1]))))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.mark.parametrize("name", ["a", "a.szi"])
def test_a_second_run_in_a_living_worker_opens_its_own_slide(tmp_path, registry, name):
    slide = tmp_path / "slide.png"
    for seed in (1, 2):
        png(slide, photo(300, 200, seed=seed))
        options: dict[str, Any] = {"executor": Elsewhere(), "reader": "imageslide", "format": "png", "overwrite": True}
        assert run(slide, tmp_path / name, registry=registry, **options).backend == "stream"
        assert verify(tmp_path / name, against=slide, registry=registry) == []


def test_a_worker_opens_what_the_plan_says_and_decides_nothing(tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(700, 500))
    options: dict[str, Any] = {"reader": "openslide", "quality": 33, "tile_size": 100, "overlap": 3}
    ours = run(slide, tmp_path / "ours", region=(101, 57, 499, 333), registry=registry, backend="stream", **options)
    run(slide, tmp_path / "far", region=(101, 57, 499, 333), registry=registry, executor=Elsewhere(), **options)
    assert ours.reader == "openslide"
    digests = [(tmp_path / f"{name}.sha256").read_text().replace(f"{name}_files", "") for name in ("ours", "far")]
    assert digests[0] == digests[1]


def test_a_worker_whose_slide_was_replaced_by_one_of_another_size_says_so(tmp_path):
    slide = png(tmp_path / "slide.png", gradient(300, 200))
    swapped = Elsewhere(lambda: png(slide, gradient(301, 200)))
    said = r"slide\.png: was changed since the run was planned; it is 301x200, and was 300x200"
    with pytest.raises(InputError, match=said):
        run(slide, tmp_path / "a", reader="imageslide", executor=swapped)
    assert not list(tmp_path.glob("a*"))


def test_a_slide_that_is_replaced_while_it_is_read_makes_no_pyramid(tmp_path):
    slide = png(tmp_path / "slide.png", photo(300, 200))
    swapped = Elsewhere(lambda: png(slide, photo(300, 200, seed=2)))
    with pytest.raises(InputError, match="was changed since the run was planned"):
        run(slide, tmp_path / "a", reader="imageslide", executor=swapped)
    assert not list(tmp_path.glob("a*"))


def test_a_worker_without_the_plans_reader_names_it(slide, tmp_path, registry):
    plan = planned(slide, tmp_path / "a", registry, reader="imageslide")
    sent = tmp_path / "plan.json"
    sent.write_text(to_json(plan))
    code = (
        "import sys, pathlib, tileframe, tileframe.serialize as s\n"
        "plan = s.from_json(tileframe.Plan, pathlib.Path(sys.argv[1]).read_bytes(), schema='tileframe-plan/1')\n"
        "try:\n    tileframe.open_job(plan)\nexcept tileframe.PluginError as error:\n    print(error)\n"
    )
    env = {**os.environ, "TILEFRAME_PLUGINS": "layouts,stores,stream,writers,vips"}
    said = subprocess.run([sys.executable, "-c", code, sent], env=env, capture_output=True, text=True, check=True)
    assert said.stdout == "the plan cannot be carried out here: no reader named 'imageslide' (have: vips)\n"


@pytest.mark.parametrize("missing", ["reader", "format", "layout"])
def test_a_plan_with_an_unknown_plugin_cannot_be_carried_out(slide, tmp_path, registry, missing):
    changes: dict[str, Any] = {missing: "moon"}
    plan = dataclasses.replace(planned(slide, tmp_path / "a", registry), **changes)
    with pytest.raises(PluginError, match=f"the plan cannot be carried out here: no {missing} named 'moon'"):
        open_job(plan, registry)


def test_a_sent_plan_opens_the_part_of_the_slide_that_it_names(slide, tmp_path, registry):
    plan = planned(slide, tmp_path / "a", registry, region=(10, 20, 30, 40))
    with open_job(pickle.loads(pickle.dumps(plan)), registry).source as source:
        assert str(source.facts.size) == "30x40"


# Against the slide, as the manifest says.


def transparent(path: Path) -> Path:
    image = Image.new("RGBA", (300, 200), (200, 30, 60, 255))
    image.paste((0, 0, 0, 0), (100, 50, 220, 150))
    image.save(path)
    return path


@pytest.mark.parametrize("quality", [None, 40])
@pytest.mark.parametrize("region", [None, (90, 40, 100, 70)])
def test_against_uses_the_recorded_reader_background_region_and_quality(tmp_path, registry, region, quality):
    slide = transparent(tmp_path / "slide.png")
    made = run(
        slide, tmp_path / "a", reader="imageslide", background="#00ff00", region=region, quality=quality,
        registry=registry,
    )  # fmt: skip
    assert made.reader == "imageslide"
    assert verify(made.target, against=slide, registry=registry) == []


@pytest.mark.parametrize("layout", ["dzi", "zoomify", "google", "iiif3"])
def test_against_is_exact_whatever_the_layout_does_to_the_tiles(tmp_path, registry, layout):
    """Those of google are padded, and what they are padded with is mixed into the pixels of a lossy tile."""
    slide = svs(tmp_path / "a.svs", photo(700, 500))
    made = run(slide, tmp_path / "a", layout=layout, background="#205080", quality=30, registry=registry)
    assert verify(made.target, against=slide, registry=registry) == []


def test_against_finds_another_background(tmp_path, registry):
    slide = transparent(tmp_path / "slide.png")
    made = run(slide, tmp_path / "a", reader="imageslide", background="#00ff00", format="png", registry=registry)

    def turn_white(record: dict[str, Any]) -> None:
        record["plan"]["source"]["background"] = [255, 255, 255]

    broken(Path(made.target), turn_white)
    assert [one.check for one in verify(made.target, checks=["files"], against=slide, registry=registry)] == ["against"]


def test_against_without_the_recorded_reader_says_which_it_was(tmp_path, registry):
    slide = png(tmp_path / "slide.png", gradient(300, 200))
    made = run(slide, tmp_path / "a", registry=registry)
    broken(Path(made.target), lambda record: record["plan"].update(reader="moon"))
    with pytest.raises(OptionError, match="no reader named 'moon'"):
        verify(made.target, against=slide, registry=registry)
