"""What makes a start quick, and that it changes nothing else."""

from __future__ import annotations

import copy
import dataclasses
import importlib.metadata
import os
import pickle
import re
import subprocess
import sys
import zipfile
from dataclasses import FrozenInstanceError, asdict, field, replace
from pathlib import Path
from typing import Any, ClassVar

import click
import pytest

import tileframe_vips
from tests.pictures import jpeg, photo, png
from tests.profiles import matrix
from tileframe import PluginError, run
from tileframe.cli.later import Later
from tileframe.discovery import installed
from tileframe.distributions import Distribution, distributions, normal
from tileframe.frozen import dataclass
from tileframe.hooks import BackendPlugin
from tileframe_start.command import build_cli, run_command


@dataclass(frozen=True)
class Quick:
    """A record that is quick to define."""

    name: str
    sizes: tuple[int, ...] = ()
    facts: dict[str, int] = field(default_factory=dict)
    secret: int = field(default=1, repr=False)
    note: str = field(default="", compare=False)


@dataclasses.dataclass(frozen=True)
class Plain:
    """The same by Python's own."""

    name: str
    sizes: tuple[int, ...] = ()
    facts: dict[str, int] = field(default_factory=dict)
    secret: int = field(default=1, repr=False)
    note: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class Checked(Quick):
    """One over another, which looks at what it is given."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("no count is less than 0")


def test_a_quick_record_is_as_pythons_own():
    quick, plain = Quick("a", facts={"b": 1}), Plain("a", facts={"b": 1})
    assert repr(quick) == repr(plain).replace("Plain", "Quick")
    assert asdict(quick) == asdict(plain)
    assert replace(quick, name="b") == Quick("b", facts={"b": 1}) != quick
    assert [quick].count(plain) == 0  # type: ignore[arg-type]
    assert quick == Quick("a", (), {"b": 1}, note="not compared")
    assert hash(Quick("a", facts=())) == hash(Quick("a", facts=(), note="x"))  # type: ignore[arg-type]
    assert Quick("a").facts is not Quick("a").facts


def test_a_quick_record_is_copied_and_pickled():
    record = Checked("a", (1, 2), count=3)
    assert [copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))] == [record] * 3


@pytest.mark.parametrize("change", [lambda one: setattr(one, "name", "b"), lambda one: delattr(one, "name")])
def test_a_quick_record_cannot_be_changed(change):
    with pytest.raises(FrozenInstanceError):
        change(Quick("a"))


@pytest.mark.parametrize(
    ("values", "given"),
    [
        ((), {}),
        (("a",), {"name": "b"}),
        (("a",), {"other": 1}),
        (("a", (), {}, 1, "", 6), {}),
        ((), {"sizes": ()}),
        ((), {"nmae": "a"}),
    ],
    ids=["none", "twice", "unknown", "too many", "one is lacking", "misspelled"],
)
def test_a_quick_record_refuses_what_its_fields_are_not(values: Any, given: Any):
    takes = "name, sizes=..., facts=..., secret=..., note=..."
    with pytest.raises(TypeError, match=rf"^Quick\(\) takes {re.escape(takes)}, each once; given: "):
        Quick(*values, **given)


def test_a_quick_record_over_another_has_its_fields_and_looks_at_them():
    assert Checked("a", count=1).sizes == ()
    with pytest.raises(ValueError, match="no count"):
        Checked("a", count=-1)


def test_a_quick_record_over_another_is_to_others_what_pythons_own_is():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Over(Plain):
        count: int
        facts: dict[str, int] = field(default_factory=dict)
        note: str = "other"
        limit: ClassVar[int] = 3

    @dataclass(frozen=True, kw_only=True)
    class Quickly(Quick):
        """The same by ours."""

        count: int
        facts: dict[str, int] = field(default_factory=dict)
        note: str = "other"
        limit: ClassVar[int] = 3

    def told(record: Any) -> Any:
        fields = [(one.name, one.default, one.kw_only, one.compare, one.repr) for one in dataclasses.fields(record)]
        return fields, record.__match_args__, record.sizes, record.note, record.limit, hasattr(record, "facts")

    assert told(Quickly) == told(Over)
    assert asdict(Quickly("a", count=1)) == asdict(Over("a", count=1))


def test_the_public_names_are_listed_and_imported_by_a_star_though_they_are_loaded_late():
    code = "import tileframe; print(set(tileframe.__all__) - {*dir(tileframe)}); from tileframe import *; print(run)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.startswith("set()\n<function run")


def test_pythons_own_frozen_dataclass_may_be_over_a_quick_record_and_below_one():
    @dataclasses.dataclass(frozen=True)
    class Over(Checked):
        more: int = dataclasses.field(default=5, kw_only=True)

    @dataclass(frozen=True)
    class Below(Plain):
        more: int = 5

    assert (Over("a", count=1).more, Below("a").more) == (5, 5)
    with pytest.raises(TypeError, match="frozen"):
        dataclass(frozen=True)(type("Odd", (dataclasses.dataclass(type("Loose", (), {})),), {}))


def test_distributions_are_those_that_python_tells_of():
    theirs = {normal(one.metadata["Name"]): one for one in reversed([*importlib.metadata.distributions()])}
    ours = distributions()
    assert ours.keys() == theirs.keys()
    for name, one in ours.items():
        groups = {entry.group for entry in theirs[name].entry_points}
        assert one.version == theirs[name].version
        assert one.headers("Requires-Dist") == (theirs[name].requires or [])
        for group in groups:
            entries = theirs[name].entry_points.select(group=group)
            without_extras = {entry.name: entry.value.partition("[")[0].rstrip() for entry in entries}
            assert one.entry_points(group) == without_extras


def test_a_plugin_in_a_zip_file_is_found(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as file:
        file.writestr("zipped-1.5.dist-info/METADATA", "Metadata-Version: 2.1\nName: Zipped\nVersion: 1.5\n\ntext\n")
        file.writestr("zipped-1.5.dist-info/entry_points.txt", "[tileframe]\nzipped = zipped_plugin\n")
        file.writestr("zipped_plugin.py", "here = 1\n")
    (tmp_path / "empty-1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "zipped.zip"), str(tmp_path)])
    (found,) = [plugin for plugin in installed() if plugin.name == "zipped"]
    assert (found.package, found.version, found.place) == ("Zipped", "1.5", "zipped_plugin")


def test_a_plugin_in_an_egg_is_found(tmp_path, monkeypatch):
    egg = tmp_path / "older-1.5-py3.11.egg"
    (egg / "EGG-INFO").mkdir(parents=True)
    (egg / "EGG-INFO" / "PKG-INFO").write_text("Metadata-Version: 1.2\nName: older\nVersion: 1.5\n")
    (egg / "EGG-INFO" / "entry_points.txt").write_text("[tileframe]\nolder = older_plugin\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(egg)])
    (found,) = [plugin for plugin in installed() if plugin.name == "older"]
    assert (found.package, found.version, found.place) == ("older", "1.5", "older_plugin")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("odd = a.b : c [more]", "a.b:c"), ("odd=a", "a"), ("no entry\nodd = a:b", "a:b"), ("# x = y\nodd = a", "a"),
        ("x =\nodd = a", "a"), ("odd = a\n\n[other]\nodd = b", "a"),
    ],
)  # fmt: skip
def test_an_entry_point_is_what_its_line_says(text, place):
    read = {"entry_points.txt": f"[tileframe]\n{text}\n"}.__getitem__
    assert Distribution("any", read).entry_points("tileframe") == {"odd": place}


def test_what_pip_has_left_of_a_replaced_distribution_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "~ileframe-0.1.0.dist-info").mkdir()
    (tmp_path / "~ileframe-0.1.0.dist-info" / "entry_points.txt").write_text("[tileframe]\nstores = x\n")
    before = installed()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert installed() == before


def test_a_folder_of_metadata_that_lacks_them_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "odd-1.dist-info").mkdir()
    (tmp_path / "odd-1.dist-info" / "entry_points.txt").write_bytes(b"[tileframe]\r\nodd = odd_plugin\r\n\xff")
    (tmp_path / "older.egg-info").write_text("Name: older\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path), "/no/such/folder"])
    (found,) = [plugin for plugin in installed() if plugin.name == "odd"]
    assert (found.package, found.version) == ("odd", "")
    assert distributions()["older"].entry_points("tileframe") == {}


def test_metadata_that_lack_a_name_or_are_no_text_are_passed_over_beside_a_zip_file(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as file:
        file.writestr("zipped.py", "")
    for name, metadata in (("left-1", None), ("binary-1", b"Name: binary\n\xff"), ("sound-1", b"Name: Sound\n")):
        (tmp_path / f"{name}.dist-info").mkdir()
        (tmp_path / f"{name}.dist-info" / "entry_points.txt").write_bytes(b"[tileframe]\nx = y\xff")
        if metadata is not None:
            (tmp_path / f"{name}.dist-info" / "METADATA").write_bytes(metadata)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path), str(tmp_path / "zipped.zip")])
    found = distributions()
    assert found["sound"].entry_points("tileframe") == {}
    assert not {"left", "binary"} & found.keys()


def test_spaces_about_the_colon_of_an_entry_point_do_not_count():
    text = "[tileframe]\na = b.c : d.e [extra]\nf = g\n"
    assert Distribution("x", lambda name: text).entry_points("tileframe") == {"a": "b.c:d.e", "f": "g"}


def test_the_help_of_a_command_begins_with_what_is_said_before_it_is_loaded(registry):
    cli = build_cli(registry)
    assert len(cli.commands) >= 9
    for name, command in cli.commands.items():
        assert isinstance(command, Later)
        assert command.help
        whole = " ".join((command.loaded().help or "").split())
        assert whole.startswith(command.help), name
        # Below the group, as ever: a command keeps the words for help that it is first asked with, as -h.
        with click.Context(cli, **cli.context_settings) as group:
            context = command.make_context(name, ["--x"], parent=group, resilient_parsing=True)
        assert isinstance(context, click.Context)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("no_such_module:moon", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("tileframe.errors:moon", "AttributeError: module 'tileframe.errors' has no attribute 'moon'"),
        ("tileframe.errors:one_line", "tileframe.errors:one_line is <function one_line .*>, and no command"),
    ],
)
def test_a_command_that_is_not_where_it_is_said_to_be_is_its_plugins_fault(place, said):
    with pytest.raises(PluginError, match=f"^the command 'moon' is broken: {said}"):
        Later("moon", place, "Show the moon.").make_context("moon", [])


def backend_for(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run_command(["run", *words, "-o", "made", "--overwrite"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  backend")]
    return line.split()[1].rstrip(":")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "grey.png"])
def test_a_small_picture_is_made_by_libvips_with_the_bytes_of_stream(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pixels = photo(300, 200)
    (jpeg if name == "a.jpg" else png)(tmp_path / name, pixels[:, :, 0] if name == "grey.png" else pixels)
    assert backend_for(capsys, name) == "vips"
    run(name, "other", backend="stream")
    assert Path("made.sha256").read_text() == Path("other.sha256").read_text().replace("other", "made")


@pytest.mark.parametrize(
    "words",
    [
        ["--region", "10,10,100,100"], ["--skip-blank"], ["--on-error", "fill"], ["--format", "webp"],
        ["--format", "png"], ["--layout", "google"], ["--reader", "imageslide"], ["--resume"],
        ["--executor", "processes", "--reader", "imageslide"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_small_picture_of_which_more_is_asked_is_made_by_stream(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    jpeg(tmp_path / "a.jpg", photo(300, 200))
    assert backend_for(capsys, "a.jpg", *words) == "stream"


def test_a_picture_that_is_large_or_to_be_converted_is_made_by_stream(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    jpeg(tmp_path / "a.jpg", photo(300, 200))
    jpeg(tmp_path / "profiled.jpg", photo(300, 200), icc_profile=matrix())
    assert backend_for(capsys, "profiled.jpg") == "stream"
    monkeypatch.setattr(tileframe_vips, "QUICK", 300 * 200 - 1)
    assert backend_for(capsys, "a.jpg") == "stream"


def test_of_backends_that_are_quick_the_fastest_is_taken(tmp_path, registry):
    jpeg(tmp_path / "a.jpg", photo(300, 200))
    (vips,) = [offer for offer in registry.offers if offer.kind == "backend" and offer.plugin.name == "vips"]
    quicker = replace(vips, plugin=replace(vips.plugin, name="quicker", speed=60))
    slower = replace(vips, plugin=replace(vips.plugin, name="slower", speed=40))
    assert isinstance(vips.plugin, BackendPlugin)
    both = replace(registry, offers=(*registry.offers, slower, quicker))
    assert run(tmp_path / "a.jpg", tmp_path / "made", registry=both).backend == "quicker"


def test_libvips_reads_a_sound_picture_once(tmp_path, monkeypatch, registry):
    looked: list[object] = []
    monkeypatch.setattr("tileframe_vips.reader.damage_of", lambda *given: looked.append(given))
    jpeg(tmp_path / "a.jpg", photo(1200, 900))
    assert run(tmp_path / "a.jpg", tmp_path / "made", registry=registry).backend == "vips"
    assert looked == []
    assert os.listdir(tmp_path / "made_files")
