"""Whatever a plugin raises, and wherever, ends in one line that names it, and in exit code 6."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import gradient, png
from tileframe import (
    Access,
    BaseSource,
    Box,
    Encoding,
    ExecutorPlugin,
    Fit,
    Location,
    PluginError,
    ReaderPlugin,
    Size,
    SlideFacts,
    Source,
    StorePlugin,
    Writer,
    WriterPlugin,
    hookimpl,
    open_slide,
)
from tileframe.hooks import refuse_lacking
from tileframe.pixels import Pixels
from tileframe.registry import load
from tileframe_start.command import run_command

PLUGIN = "the plugin 'breaking' (breaking 0.7)"
ALL = ["run", "a.png", "-o", "new/a.breaking", "--tile-size", "16", "--quiet"]
ALL += [word for kind in ("reader", "format", "layout", "backend") for word in (f"--{kind}", "breaking")]

VERIFY = ["verify", "made.breaking", "--quiet"]
VIEW = ["run", "a.png", "-o", "new/a", "--viewer=breaking"]
IN_A_RUN = {
    "reader": ["make", "open"],
    "source": ["read", "facts"],
    "writer": ["make", "encoding", "encode", "size", "decode"],
    "layout": ["make", "key", "folder", "levels", "descriptor"],
    "store": ["make", "prepare", "put", "keys", "get", "commit"],
    "backend": ["make", "refuses", "method", "promises", "run"],
}
IN_A_CHECK = {
    "store": ["open"],
    "files": ["get", "keys", "close"],
    "layout": ["read"],
    "check": ["make", "call"],
}
PLACES = {
    "reader.guess": ["run", "a.png", "-o", "new/a"],
    "command": ["breaking"],
    **{f"{kind}.{method}": ALL for kind, methods in IN_A_RUN.items() for method in methods},
    **{f"{kind}.{method}": VERIFY for kind, methods in IN_A_CHECK.items() for method in methods},
    **{f"viewer.{method}": VIEW for method in ("make", "prepare")},
}
WAYS = {
    "error": "ValueError: 0",
    "exit": "SystemExit: 0",
    "fatal": "Fatal: 0",
    "interrupt": "KeyboardInterrupt: 0",
    "eof": "EOFError: 0",
    "recursion": "RecursionError: maximum recursion depth exceeded",
}


@pytest.fixture
def here(install, tmp_path, monkeypatch) -> Path:
    """A folder with a picture, where the plugin is installed and works."""
    install("breaking")
    monkeypatch.chdir(tmp_path)
    png(tmp_path / "a.png", gradient(40, 30))
    return tmp_path


def breaks(place: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREAKING_AT", place)
    monkeypatch.setenv("BREAKING_BY", way)


def test_the_plugin_works_where_it_does_not_break(here):
    assert run_command(ALL) == 0
    assert run_command(["verify", "new/a.breaking", "--check", "breaking"]) == 0
    assert run_command(["run", "a.png", "--viewer=breaking"]) == 0
    assert run_command(["breaking"]) == 0


# An exit is the worst: unseen, it would be a success. The other ways are told apart in a thread and where none is.
CASES = [(place, "exit") for place in PLACES]
CASES += [(place, way) for place in ("source.read", "command") for way in WAYS]
MORE = [(place, way) for place in ("reader.guess", "writer.encode") for way in WAYS if way != "exit"]


@pytest.mark.parametrize(
    ("place", "way"),
    [*sorted(set(CASES)), *(pytest.param(*case, marks=pytest.mark.thorough) for case in MORE)],
    ids=str,
)
def test_a_method_that_breaks_is_one_line_naming_the_plugin(place, way, here, monkeypatch, capsys):
    if PLACES[place] is VERIFY:
        assert run_command([*ALL[:3], "made.breaking", *ALL[4:]]) == 0
    before = sorted(os.listdir())
    breaks(place, way, monkeypatch)
    assert run_command(PLACES[place]) == 6
    assert capsys.readouterr().err == f"tileframe: {PLUGIN} failed: {WAYS[way]} (TILEFRAME_TRACEBACK=1 shows where)\n"
    assert sorted(os.listdir()) == before


def test_a_page_that_cannot_be_written_leaves_the_pyramid(here, monkeypatch, capsys):
    breaks("viewer.write", "exit", monkeypatch)
    assert run_command(VIEW) == 6
    assert capsys.readouterr().err.startswith(f"tileframe: {PLUGIN} failed: SystemExit: 0")
    assert (here / "new" / "a.dzi").is_file()


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("reader.make", "the reader 'breaking' is broken: make returns None, which has no 'open'"),
        ("reader.open", "the reader 'breaking' is broken: open returns None, which has no 'facts'"),
        ("writer.make", "the writer 'breaking' is broken: make returns None, which has no 'encoding'"),
        ("writer.encode", "the writer 'breaking' encodes a tile as NoneType, not as bytes"),
        ("writer.decode", "the writer 'breaking' decodes a tile as NoneType, no pixels"),
        ("check.make", "the check 'breaking' is broken: make returns None, which has no '__call__'"),
    ],
)
def test_what_returns_nothing_is_named(place, said, here, monkeypatch, capsys):
    if PLACES[place] is VERIFY:
        assert run_command([*ALL[:3], "made.breaking", *ALL[4:]]) == 0
    breaks(place, "nothing", monkeypatch)
    assert run_command(PLACES[place]) == 6
    assert capsys.readouterr().err == f"tileframe: {said}\n"


def test_a_make_that_takes_something_else_is_named():
    with pytest.raises(PluginError, match=r"the writer 'odd' is broken: .*missing 1 required positional argument"):
        WriterPlugin("odd", "in tests", lambda options: None).create()  # type: ignore[arg-type, return-value]


class Odd:
    """A writer, and one whose methods take something else."""

    encoding = Encoding("odd", "odd", lossless=True)

    def encode(self, pixels: Pixels) -> bytes:
        return b""

    def decode(self, data: bytes) -> Pixels:
        raise NotImplementedError

    def size(self, data: bytes) -> Size:
        raise NotImplementedError


def without(self: object) -> bytes:
    return b""


def with_more(self: object, pixels: Pixels, quality: int) -> bytes:
    return b""


def with_named(self: object, *, pixels: Pixels) -> bytes:
    return b""


@pytest.mark.parametrize(
    ("encode", "said"),
    [
        (without, "too many positional arguments"),
        (with_more, "missing a required argument: 'quality'"),
        (with_named, "too many positional arguments"),
        (7, "7 is not a callable object"),
    ],
)
def test_a_method_of_another_signature_is_named_before_any_work(encode, said, monkeypatch):
    offer = WriterPlugin("odd", "in tests", Odd)
    assert isinstance(offer.create(), Odd)
    monkeypatch.setattr(Odd, "encode", encode)
    with pytest.raises(PluginError, match=rf"'odd' is broken: .* whose 'encode' cannot be called as .*: {said}"):
        offer.create()


class Narrow(BaseSource):
    """Knows nothing of native levels."""

    def read(self, box: Box) -> Pixels:
        raise NotImplementedError


def test_so_is_a_source_whose_read_takes_no_native_level():
    narrow = Narrow(SlideFacts("narrow", Size(1, 1), Access.REGIONS))
    with pytest.raises(PluginError, match=r"whose 'read' cannot be called .*: got an unexpected keyword argument"):
        refuse_lacking(narrow, Source, "it returns")


def never() -> Any:
    raise AssertionError("it is not made")


def test_so_is_an_executor_whose_submit_takes_no_arguments_and_its_threads_end():
    class Narrow(ThreadPoolExecutor):
        def submit(self, function: Any) -> Any:  # type: ignore[override]
            return super().submit(function)

    made: list[Narrow] = []

    def make(workers: int) -> Executor:
        made.append(Narrow(workers))
        ThreadPoolExecutor.submit(made[0], time.sleep, 0)
        return made[0]

    with pytest.raises(PluginError, match="whose 'submit' cannot be called as it will be: too many positional"):
        ExecutorPlugin("narrow", "in tests", make).create(2)
    with pytest.raises(RuntimeError, match="after shutdown"):
        made[0].submit(print)


@pytest.mark.parametrize(
    ("guess", "said"),
    [
        (lambda path: Fit.GOOD, "takes 1 positional argument but 2 were given"),
        (lambda path, head: None, "guess returns None, and no Fit"),
    ],
)
def test_a_guess_that_is_wrong_is_named(guess, said, tmp_path):
    class Plugin:
        @staticmethod
        @hookimpl
        def tileframe_readers() -> list[ReaderPlugin]:
            return [ReaderPlugin("odd", "in tests", never, guess)]

    png(tmp_path / "a.png", gradient(20, 10))
    with pytest.raises(PluginError, match=f"the reader 'odd' is broken: .*{said}"):
        open_slide(tmp_path / "a.png", registry=load([Plugin()]))


def test_a_guess_that_fails_by_itself_is_that_error(tmp_path):
    def guess(path: Path, head: bytes) -> Fit:
        raise TypeError("of its own")

    with pytest.raises(TypeError, match="of its own"):
        ReaderPlugin("odd", "in tests", never, guess).fit(tmp_path, b"")


@pytest.mark.parametrize(
    ("opens", "said"),
    [
        (lambda: None, "takes 0 positional arguments but 1 was given"),
        (lambda location: None, "open returns None, which has no 'name'"),
    ],
)
def test_a_store_that_opens_nothing_is_named(opens, said):
    store = StorePlugin("odd", "in tests", never, opens)
    with pytest.raises(PluginError, match=f"the store 'odd' is broken: .*{said}"):
        store.opened(Location("file", "", "a"))


def test_who_lists_a_broken_plugin_by_its_name_is_told_why(here, monkeypatch, capsys):
    breaks("hook", "exit", monkeypatch)
    assert run_command(["plugins", "breaking"]) == 6
    assert capsys.readouterr().err == f"tileframe: {PLUGIN} is broken: SystemExit: 0\n"


def test_a_run_beside_a_broken_plugin_says_so(here, monkeypatch, capsys):
    breaks("hook", "exit", monkeypatch)
    assert run_command(["run", "a.png", "-o", "new/a.odd"]) == 0
    assert f"tileframe: {PLUGIN} is broken: SystemExit: 0\n" in capsys.readouterr().err
    assert run_command(["run", "a.png", "-o", "new/b.odd", "-q"]) == 0
    assert capsys.readouterr().err == ""


def test_what_does_not_tell_its_arguments_is_taken(monkeypatch):
    monkeypatch.setattr(Odd, "encode", staticmethod(min))
    assert isinstance(WriterPlugin("odd", "in tests", Odd).create(), Odd)


def test_a_type_error_in_make_is_that_error():
    def make() -> Writer:
        raise TypeError("of its own")

    with pytest.raises(TypeError, match="of its own"):
        WriterPlugin("odd", "in tests", make).create()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", ["import", "hook"])
def test_a_plugin_that_cannot_be_loaded_stops_no_other_and_is_named_to_whoever_asks_for_it(
    place, way, here, monkeypatch, capsys
):
    breaks(place, way, monkeypatch)
    if way == "interrupt":  # as if the user had ended the program, but for the name
        assert run_command(["plugins"]) == 6
        assert capsys.readouterr().err.startswith(f"tileframe: {PLUGIN} failed: KeyboardInterrupt: 0")
        return
    assert run_command(["plugins"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{PLUGIN} is broken: {WAYS[way]}"
    assert run_command(ALL) == 6
    assert capsys.readouterr().err == f"tileframe: {PLUGIN} is broken: {WAYS[way]}\n"
    assert run_command(["run", "a.png", "--quiet"]) == 0


@pytest.mark.parametrize("way", WAYS)
def test_commands_that_cannot_be_had_stop_no_other(way, here, monkeypatch, capsys):
    breaks("commands", way, monkeypatch)
    if way == "interrupt":
        assert run_command(["plugins"]) == 6
        return
    assert run_command(["run", "a.png", "--quiet"]) == 0
    assert capsys.readouterr().err == f"tileframe: no commands: {PLUGIN} is broken: {WAYS[way]}\n"
    assert run_command(["breaking"]) == 2


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["run", "a.png", "--format", "tiny"], "no format named 'tiny' (have: avif, jpeg, "),
        (["plugins", "tiny"], "nothing is named 'tiny' (have: avif, dask, "),
    ],
)
def test_a_name_that_nobody_offers_may_be_one_of_a_broken_plugin(words, start, here, monkeypatch, capsys):
    breaks("import", "exit", monkeypatch)
    assert run_command(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"tileframe: {start}")
    assert said.endswith("; broken: breaking)\n")


def test_the_variable_shows_where_it_broke(here, monkeypatch, capsys):
    breaks("source.read", "error", monkeypatch)
    monkeypatch.setenv("TILEFRAME_TRACEBACK", "1")
    assert run_command(ALL) == 6
    *trace, last = capsys.readouterr().err.splitlines()
    assert trace[0].startswith("Traceback")
    assert "in fail_at" in "".join(trace)
    assert last == f"tileframe: {PLUGIN} failed: ValueError: 0"


def test_the_variable_shows_where_a_plugin_that_is_asked_for_could_not_be_loaded(here, monkeypatch, capsys):
    breaks("import", "fatal", monkeypatch)
    monkeypatch.setenv("TILEFRAME_TRACEBACK", "1")
    assert run_command(ALL) == 6
    assert "fake_breaking.Fatal: 0" in capsys.readouterr().err


@pytest.mark.parametrize("executor", ["processes", pytest.param("pool", marks=pytest.mark.thorough)])
def test_so_is_one_that_breaks_in_another_process(executor, here, shown, monkeypatch, capsys):
    registry = load([shown("pool")])
    monkeypatch.setattr("tileframe_start.command.registry_module.load", lambda: registry)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    breaks("writer.encode", "exit", monkeypatch)
    assert run_command(["run", "a.png", "--reader", "imageslide", "--format", "breaking", "--executor", executor]) == 6
    assert f"tileframe: {PLUGIN} failed: SystemExit: 0 (TILEFRAME_TRACEBACK=1 shows where)\n" in capsys.readouterr().err


@pytest.mark.parametrize("way", [pytest.param("exit", marks=pytest.mark.thorough), "interrupt"])
def test_the_program_itself_ends_with_6(way, here):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent / "plugins" / "breaking")}
    environment |= {"BREAKING_AT": "source.read", "BREAKING_BY": way}
    done = subprocess.run([sys.executable, "-m", "tileframe", *ALL], env=environment, capture_output=True, check=False)
    assert done.returncode == 6


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent the POSIX way")
def test_ctrl_c_in_a_plugin_is_no_fault_of_it(here):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent / "plugins" / "breaking")}
    environment |= {"BREAKING_AT": "command", "BREAKING_BY": "wait"}
    command = [sys.executable, "-m", "tileframe", "breaking"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (process.returncode, said.decode().strip()) == (130, "tileframe: interrupted; nothing half-made was left")
