"""Plugins are found, loaded each on its own, and refused where they would be confused."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import click
import pytest

import tileframe
import tileframe_layouts
import tileframe_openslide
import tileframe_stores
import tileframe_vips
import tileframe_writers
from tests.plugins.objects import Offers, backend, reader
from tests.plugins.slides import Slide
from tests.pyramids import descriptor, tiles
from tileframe import OptionError, PluginError, WriterPlugin, hookimpl, hooks
from tileframe.registry import Registry, load

BUNDLED = [tileframe_layouts, tileframe_openslide, tileframe_stores, tileframe_vips, tileframe_writers]


def owners(registry: Registry) -> set[str]:
    return {offer.owner for offer in registry.offers}


def test_installed_plugin_is_listed_with_its_package_and_version(install):
    install("working")
    (offer,) = [offer for offer in load().offers if (offer.kind, offer.plugin.name) == ("reader", "tiny")]
    assert (offer.owner, offer.package, offer.version) == ("tiny", "tiny", "1.2")


def test_installed_plugin_reads_and_writes_a_pyramid(install, tmp_path):
    install("working")
    (tmp_path / "slide.tiny").write_text("100 70")
    done = tileframe.run(tmp_path / "slide.tiny", tmp_path / "out", format="tiny", tile_size=64, registry=load())
    assert (done.reader, done.tiles) == ("tiny", len(tiles(done.target)))
    assert descriptor(done.target)["Format"] == "tiny"
    assert tiles(done.target)["7/1_0.tiny"].read_bytes().startswith(bytes([0, 0, 0, 37, 0, 0, 0, 65, 63, 63, 63, 64]))


@pytest.mark.parametrize(
    ("owner", "reason"),
    [
        ("absent", "ModuleNotFoundError: No module named 'fake_absent'"),
        ("broken", "OSError: libfake.so.3: cannot open shared object file"),
        ("failing", "ZeroDivisionError: no readers today"),
    ],
)
def test_broken_plugin_is_recorded_with_its_reason_and_stops_no_other(install, owner, reason):
    install("working")
    registry = load()
    assert {broken.owner: broken.reason for broken in registry.broken}[owner] == reason
    assert {"tiny", "openslide", "stores", "vips", "writers"} <= owners(registry)


def test_plugin_with_one_hook_that_fails_offers_nothing(install):
    install("working")
    registry = load()
    assert "failing" not in owners(registry)
    with pytest.raises(OptionError, match="no format named 'sound'"):
        registry.writer("sound")


def test_broken_plugin_that_is_asked_for_by_name_says_why(install):
    install("working")
    with pytest.raises(PluginError, match=r"the plugin 'broken' \(trouble 0\.3\) is broken: OSError: libfake"):
        load().backend("broken")


def test_environment_limits_what_is_loaded(install):
    install("working", only="tiny, writers")
    registry = load()
    assert owners(registry) == {"tiny", "writers"}
    assert registry.broken == ()
    assert "fake_broken" not in sys.modules


def test_environment_does_not_limit_what_is_passed(install):
    install("working", only="tiny")
    assert owners(load([tileframe_stores])) == {"tiny", "tileframe_stores"}


def test_misspelled_hook_names_the_plugin_and_the_known_hooks(install):
    install("misspelled")
    with pytest.raises(PluginError) as caught:
        load()
    assert "the plugin 'slip' implements an unknown hook 'tileframe_readerz'" in str(caught.value)
    for hook in (name for name in vars(hooks) if name.startswith("tileframe_")):
        assert hook in str(caught.value)


def test_two_offers_of_one_name_name_both_owners(install):
    install("clashing")
    with pytest.raises(PluginError, match="two plugins offer a backend named 'same': 'first' and 'second'"):
        load()


def test_environment_settles_a_clash(install):
    install("clashing", only="second")
    assert owners(load()) == {"second"}


def test_one_name_may_stand_for_a_reader_and_a_backend():
    registry = load([Offers(readers=[reader("one", Slide())], backends=[backend("one")])], installed=False)
    assert (registry.reader("one").summary, registry.backend("one").summary) == ("reader one", "backend one")


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda registry: registry.backend("vip"), "no backend named 'vip' (have: openslide, vips)"),
        (lambda registry: registry.reader("vip"), "no reader named 'vip' (have: imageslide, openslide, vips)"),
        (lambda registry: registry.writer("gif"), "no format named 'gif' (have: avif, jpeg, jpg, jxl, png, webp)"),
        (lambda registry: registry.layout("maps"), "no layout named 'maps' (have: dzi, google, iiif3, zoomify)"),
        (lambda registry: registry.store("tape"), "no store named 'tape' (have: directory, szi, zip)"),
    ],
)
def test_unknown_name_lists_the_known_ones(ask, said):
    with pytest.raises(OptionError) as caught:
        ask(load(BUNDLED, installed=False))
    assert str(caught.value) == said


def test_nothing_known_is_said_too():
    with pytest.raises(OptionError, match=r"no backend named 'vips' \(have: none\)"):
        load(installed=False).backend("vips")


@pytest.mark.parametrize("turn", [list, lambda plugins: plugins[::-1]], ids=["forwards", "backwards"])
def test_readers_come_by_name_and_backends_by_speed_whatever_was_loaded_first(turn):
    plugins = [
        Offers(readers=[reader("b", Slide())], backends=[backend("slow", speed=1), backend("z", speed=5)], name="one"),
        Offers(readers=[reader("a", Slide())], backends=[backend("a", speed=5), backend("fast", speed=9)], name="two"),
    ]
    registry = load(turn(plugins), installed=False)
    assert [offer.name for offer in registry.readers] == ["a", "b"]
    assert [offer.name for offer in registry.backends] == ["fast", "a", "z", "slow"]


def test_registries_share_nothing():
    load([Offers(backends=[backend("mine")])], installed=False)
    assert load(installed=False).backends == []


class WrongArguments(Offers):
    @hookimpl
    def tileframe_readers(self, path: Path):  # type: ignore[override]
        return []


class WrongRecords(Offers):
    @hookimpl
    def tileframe_readers(self):
        return ["tiff"]


class WrongKind(Offers):
    @hookimpl
    def tileframe_readers(self):
        return [backend("fast")]


@pytest.mark.parametrize("kind", [WrongArguments, WrongRecords, WrongKind])
def test_a_hook_that_is_not_as_specified_is_an_error_naming_the_plugin(kind):
    with pytest.raises(PluginError, match="the plugin 'odd' is broken"):
        load([kind(name="odd")], installed=False)


class NoDataclass:
    side = 256


@dataclass(frozen=True)
class NoDefault:
    side: int


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (NoDataclass, "the options of the writer 'odd' are <class '.*NoDataclass'>, and no dataclass"),
        (NoDefault(1), r"the options of the writer 'odd' are NoDefault\(side=1\), and no dataclass"),
        (NoDefault, "the option 'side' of the writer 'odd' has no default: tileframe.option gives it one"),
    ],
)
def test_options_that_are_no_dataclass_with_defaults_are_an_error_naming_the_plugin(options, said):
    class OddOptions(Offers):
        @hookimpl
        def tileframe_writers(self):
            return [WriterPlugin("odd", "in tests", Mock, options)]

    with pytest.raises(PluginError, match=f"the plugin 'odd' is broken: TypeError: {said}"):
        load([OddOptions(name="odd")], installed=False)


class Commands:
    """A plugin that adds a command of this name, or fails."""

    def __init__(self, name: str | None) -> None:
        self.name = name

    @hookimpl
    def tileframe_add_commands(self, cli: click.Group) -> None:
        if self.name is None:
            raise RuntimeError("no commands today")
        cli.add_command(click.Command(self.name))


def test_plugins_add_commands_and_a_broken_one_stops_no_other():
    cli = click.Group()
    broken = load([Commands(None), Commands("mine")], installed=False).add_commands(cli)
    assert list(cli.commands) == ["mine"]
    assert [one.reason for one in broken] == ["RuntimeError: no commands today"]


def test_a_command_that_is_there_already_is_an_error():
    cli = click.Group(commands=[click.Command("run")])
    with pytest.raises(PluginError, match="adds a second command 'run'"):
        load([Commands("run")], installed=False).add_commands(cli)


def test_limiting_the_plugins_to_an_unknown_one_is_an_error(monkeypatch):
    monkeypatch.setenv("TILEFRAME_PLUGINS", "vip")
    with pytest.raises(OptionError, match=r"TILEFRAME_PLUGINS names 'vip', which is not installed \(have: .*vips"):
        load()


def test_an_empty_limit_is_none(monkeypatch):
    monkeypatch.setenv("TILEFRAME_PLUGINS", "")
    assert "vips" in [offer.name for offer in load().backends]


@pytest.fixture
def require(tmp_path, monkeypatch) -> Iterator[Callable[[str], Registry]]:
    """Load a plugin whose package has this line in its requirements."""

    def load_with(requirement: str) -> Registry:
        folder = tmp_path / "fake_made-2.0.dist-info"
        folder.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: made\nVersion: 2.0\nRequires-Dist: {requirement}\n"
        (folder / "METADATA").write_text(metadata)
        (folder / "entry_points.txt").write_text("[tileframe]\nmade = fake_made\n")
        (tmp_path / "fake_made.py").write_text("")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("TILEFRAME_PLUGINS", "made")
        return load()

    yield load_with
    sys.modules.pop("fake_made", None)


@pytest.mark.parametrize(
    "requirement",
    [
        f"tileframe>=0.1,<={tileframe.__version__}",
        "tileframe (>=0.1)",
        "tileframe",
        "tileframe[bench]>=0.1",
        "tileframe @ file:///somewhere",
        "tileframe-other>=99",
        'tileframe>=99; python_version < "3"',
        'tileframe>=99; extra == "dev"',
    ],
)
def test_a_plugin_that_requires_this_version_or_none_is_loaded(requirement, require):
    assert require(requirement).broken == ()
    assert "fake_made" in sys.modules


@pytest.mark.parametrize("requirement", ["tileframe>=99", "Tileframe<0.1", "tileframe (==99.*)"])
def test_a_plugin_that_requires_another_version_is_broken_and_not_imported(requirement, require):
    (broken,) = require(requirement).broken
    assert str(broken).startswith("the plugin 'made' (made 2.0) is broken: it needs ")
    assert broken.reason.endswith(f", and this is {tileframe.__version__}")
    assert "fake_made" not in sys.modules


def test_a_requirement_that_cannot_be_read_is_said(require):
    (broken,) = require("tileframe >> 1").broken
    assert broken.reason.startswith("InvalidSpecifier: ")
