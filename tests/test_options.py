"""The options that plugins declare: on the command line, in Python, and as they are printed."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import gradient, png
from tests.streamed import RawWriter
from tileframe import (
    BaseSource,
    LayoutPlugin,
    OptionError,
    Plan,
    ReaderPlugin,
    StorePlugin,
    WriterPlugin,
    hookimpl,
    open_slide,
    option,
    run,
)
from tileframe import registry as registry_module
from tileframe.hooks import Fit
from tileframe.options import describe, parse_pairs, resolve
from tileframe.registry import Registry
from tileframe_start.command import run_command


@dataclass(frozen=True, slots=True)
class Everything:
    """One option of each type."""

    count: int = option(3, help="A number.", low=1, high=9)
    share: float = option(0.5, help="A part.", low=0)
    below: float = option(0.0, help="A figure.", high=1.5)
    fast: bool = option(False, help="Whether to hurry.")
    word: str = option("plain", help="Any text.")
    kind: str = option("a", help="One of two.", choices=("a", "b"))
    most: int | None = option(None, help="A limit, or none.", low=0)


class Plugin:
    """Everything that can have options, of which each tells what it was made with."""

    def __init__(self, registry: Registry) -> None:
        self.seen: dict[str, Any] = {}
        self._png, self._directory, self._dzi = (
            registry.reader("imageslide"), registry.store("directory"), registry.layout("dzi"),
        )  # fmt: skip

    def _writer(self, options: Everything) -> RawWriter:
        self.seen["format"] = options
        return RawWriter()

    def _reader(self, options: Everything) -> Any:
        self.seen["reader"] = options
        return self._png.create()

    def _store(self, target: Any, options: Everything) -> Any:
        self.seen["store"] = options
        return self._directory.create(target)

    def _layout(self, name: str, suffix: str, pyramid: Any, options: Everything) -> Any:
        self.seen["layout"] = options
        return self._dzi.make(name, suffix, pyramid)

    @hookimpl
    def tileframe_writers(self) -> list[WriterPlugin]:
        return [WriterPlugin("all", "in tests", self._writer, Everything)]

    @hookimpl
    def tileframe_readers(self) -> list[ReaderPlugin]:
        return [ReaderPlugin("all", "in tests", self._reader, lambda path, head: Fit.NONE, Everything)]

    @hookimpl
    def tileframe_stores(self) -> list[StorePlugin]:
        opened = self._directory.open
        return [StorePlugin("all", "in tests", self._store, opened, ("file",), ("box",), options=Everything)]

    @hookimpl
    def tileframe_layouts(self) -> list[LayoutPlugin]:
        return [LayoutPlugin("all", "in tests", self._layout, "{name}.all", self._dzi.read, options=Everything)]


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    return png(tmp_path / "slide.png", gradient(40, 30))


@pytest.fixture
def command(slide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Exit code, plan and message of a dry run."""

    def ask(*options: str) -> tuple[int, dict[str, Any], str]:
        code = run_command(["run", str(slide), "-o", str(tmp_path / "a"), "--dry-run", "--json", *options])
        out, err = capsys.readouterr()
        return code, json.loads(out)["plan"] if out else {}, err

    return ask


def test_quality_is_short_for_the_formats_option(command):
    plans = [command(*words)[1] for words in (["--quality", "80"], ["--format-option", "quality=80"])]
    assert plans[0]["format_options"] == plans[1]["format_options"] == {"quality": 80}
    assert plans[0]["encoding"] == plans[1]["encoding"]


@pytest.mark.parametrize("other", ["80", "81"])
def test_a_quality_that_is_given_both_ways_is_refused(command, other):
    code, _, err = command("--quality", "80", "--format-option", f"quality={other}")
    assert (code, err) == (2, f"tileframe: the quality is given twice: 80 and {other}\n")


def test_a_format_without_a_quality_says_so(command):
    assert command("--format", "png", "--quality", "80")[::2] == (
        2,
        "tileframe: the format png has no option 'quality' (have: none)\n",
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format-option", "speed=3"], "the format jpeg has no option 'speed' (have: quality)"),
        (["--layout-option", "id=x"], "the layout dzi has no option 'id' (have: none)"),
        (["--layout", "iiif3", "--layout-option", "ID=x"], "the layout iiif3 has no option 'ID' (have: id)"),
        (["--store-option", "x=y"], "the store directory has no option 'x' (have: sync)"),
        (["--reader", "vips", "--reader-option", "x=y"], "the reader vips has no option 'x' (have: none)"),
    ],
)
def test_an_unknown_option_is_refused_with_those_there_are(command, words, said):
    assert command(*words)[::2] == (2, f"tileframe: {said}\n")


def test_an_option_that_no_reader_of_the_slide_knows_is_refused(command):
    code, _, err = command("--reader-option", "x=y")
    assert code == 2
    assert "has no option 'x'" in err


@pytest.mark.parametrize("word", ["quality", "=80", "", "="])
def test_what_is_no_name_and_value_is_refused(command, word):
    assert command("--format-option", word)[::2] == (2, f"tileframe: --format-option takes NAME=VALUE, not '{word}'\n")


def test_an_option_that_is_given_twice_is_refused(command):
    code, _, err = command("--format-option", "quality=1", "--format-option", "quality=1")
    assert (code, err) == (2, "tileframe: --format-option gives 'quality' twice\n")


@pytest.mark.parametrize("value", ["0", "101", "-1", "abc", "", "7.5", "true", "1e400", "nan", "9" * 5000, "80 "])
def test_a_quality_that_is_none_is_refused_with_what_would_be_right(command, value):
    code, _, err = command("--format-option", f"quality={value}")
    assert code == 2
    assert "quality of the format jpeg must be from 1 to 100, not" in err
    assert len(err.splitlines()) == 1


def test_a_value_that_is_no_text_is_refused():
    """As an argument that is not UTF-8 becomes in Python."""
    with pytest.raises(OptionError, match="count of the thing must be from 1 to 9"):
        resolve(Everything, {"count": "\udcff"}, "thing")


def test_a_value_may_hold_an_equals_sign():
    assert parse_pairs(["id=https://x/?a=b"], "--layout-option") == {"id": "https://x/?a=b"}


def test_resolved_options_of_every_kind_stand_in_the_plan_and_reach_their_plugins(slide, tmp_path, registry):
    plugin = Plugin(registry)
    plans: list[Plan] = []
    given: dict[str, Any] = {"count": "4", "share": 0.25, "fast": "true", "word": "5", "kind": "b", "most": 7}
    run(
        slide, tmp_path / "a", reader="all", reader_options=given, format="all", format_options={"count": 9},
        layout="all", layout_options={"most": None}, registry=registry_module.load([plugin]), on_plan=plans.append,
    )  # fmt: skip
    resolved = Everything(4, 0.25, 0.0, True, "5", "b", 7)
    assert plans[0].reader_options == dataclasses.asdict(resolved)
    assert plans[0].format_options == dataclasses.asdict(Everything(count=9))
    assert plans[0].layout_options == dataclasses.asdict(Everything())
    assert plugin.seen == {"reader": resolved, "format": Everything(count=9), "layout": Everything()}


def test_a_store_is_made_with_its_options(slide, tmp_path, registry):
    plugin = Plugin(registry)
    loaded = registry_module.load([plugin])
    store = loaded.store_for(loaded.location(str(tmp_path / "a.box")))
    assert store.name == "all"
    run(slide, tmp_path / "a.box", store_options={"word": "tar"}, registry=loaded)
    assert plugin.seen["store"] == Everything(word="tar")


def test_a_slide_is_opened_with_the_options_of_its_reader(slide, registry):
    plugin = Plugin(registry)
    with open_slide(slide, reader="all", options={"kind": "b"}, registry=registry_module.load([plugin])) as source:
        assert isinstance(source, BaseSource)
    assert plugin.seen["reader"] == Everything(kind="b")


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("count", "7", 7), ("count", 7, 7), ("count", 9, 9), ("count", 1, 1),
        ("share", "0.75", 0.75), ("share", "1e3", 1000.0), ("share", 2, 2.0),
        ("below", "-3", -3.0), ("below", 1.5, 1.5),
        ("fast", "true", True), ("fast", "false", False), ("fast", True, True), ("fast", "1", True),
        ("word", "true", "true"), ("word", "", ""), ("word", "None", "None"), ("kind", "b", "b"),
        ("most", "5", 5), ("most", None, None), ("most", "null", None),
    ],
)  # fmt: skip
def test_texts_and_values_become_what_the_option_is(name, given, value):
    found = getattr(resolve(Everything, {name: given}, "thing"), name)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("count", "10", "from 1 to 9, not 10"),
        ("count", 0, "from 1 to 9, not 0"),
        ("count", 1.5, "from 1 to 9, not 1.5"),
        ("count", True, "from 1 to 9, not True"),
        ("count", None, "from 1 to 9, not None"),
        ("count", [1], "from 1 to 9, not [1]"),
        ("share", "-0.1", "0 or more, not '-0.1'"),
        ("share", float("nan"), "0 or more, not nan"),
        ("share", "nan", "0 or more, not 'nan'"),
        ("share", "lots", "0 or more, not 'lots'"),
        ("below", 2, "1.5 or less, not 2"),
        ("fast", "maybe", "true or false, not 'maybe'"),
        ("fast", 2, "true or false, not 2"),
        ("word", 5, "a text, not 5"),
        ("kind", "c", "one of a, b, not 'c'"),
        ("kind", 1, "one of a, b, not 1"),
        ("most", -1, "0 or more, not -1"),
        ("most", "few", "0 or more, not 'few'"),
    ],
)
def test_a_value_that_the_option_cannot_be_is_refused(name, given, wanted):
    with pytest.raises(OptionError) as caught:
        resolve(Everything, {name: given}, "thing x")
    assert str(caught.value) == f"{name} of the thing x must be {wanted}"


def test_options_in_python_are_checked_as_on_the_command_line(slide, tmp_path, registry):
    for options in ({"quality": "high"}, {"quality": 0}, {"speed": 1}):
        with pytest.raises(OptionError, match="the format jpeg"):
            run(slide, tmp_path / "a", format_options=options, registry=registry)
    with pytest.raises(OptionError, match="given twice"):
        run(slide, tmp_path / "a", quality=80, format_options={"quality": 80}, registry=registry)
    assert [path.name for path in tmp_path.iterdir()] == ["slide.png"]


def test_options_are_described_with_type_default_help_and_range():
    shown = {one.name: (one.type, one.default, one.help, one.range) for one in describe(Everything)}
    assert shown["count"] == ("int", 3, "A number.", "from 1 to 9")
    assert shown["kind"] == ("str", "a", "One of two.", "one of a, b")
    assert shown["most"] == ("int | None", None, "A limit, or none.", "0 or more")
    assert shown["fast"] == ("bool", False, "Whether to hurry.", "")


def test_options_are_described_alike_where_annotations_are_not_postponed():
    record = dataclasses.make_dataclass(
        "Made", [("count", int, option(1, help="")), ("most", int | None, option(None, help=""))], frozen=True
    )
    assert [one.type for one in describe(record)] == ["int", "int | None"]
    assert resolve(record, {"count": "4"}, "thing") == record(count=4)


def test_the_command_plugins_prints_the_options_of_one(capsys):
    assert run_command(["plugins", "jpeg"]) == 0
    out = capsys.readouterr().out
    assert "writer jpeg: JPEG tiles that end in .jpeg" in out
    assert "--format-option quality=INT" in out
    assert "from 1 to 100 (default: 75)" in out


@pytest.mark.parametrize(("name", "flag"), [("iiif3", "--layout-option id=STR")])
def test_the_command_plugins_names_the_flag_of_each_kind(capsys, name, flag):
    assert run_command(["plugins", name]) == 0
    assert flag in capsys.readouterr().out


def test_a_plugin_without_options_says_so(capsys):
    assert run_command(["plugins", "png"]) == 0
    assert "no options" in capsys.readouterr().out


def test_the_command_plugins_prints_options_as_json(capsys):
    assert run_command(["plugins", "jpeg", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["plugins"]
    assert listed["options"] == [
        {
            "name": "quality",
            "type": "int",
            "default": 75,
            "help": "4:2:0 below 90, 4:4:4 from there on.",
            "range": "from 1 to 100",
        }
    ]


@pytest.mark.parametrize(("scheme", "name"), [("s3", "objects"), ("https", "url")])
def test_the_command_plugins_knows_the_schemes_of_addresses(scheme, name, capsys):
    assert run_command(["plugins", scheme, "--json"]) == 0
    assert name in [one["name"] for one in json.loads(capsys.readouterr().out)["plugins"]]


def test_the_command_plugins_lists_the_names_when_it_knows_none(capsys):
    assert run_command(["plugins", "moon"]) == 2
    assert "nothing is named 'moon' (have: " in capsys.readouterr().err
