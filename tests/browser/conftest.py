"""A real browser, and pages for it to open."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import tileframe
from tests.browser.looking import HEIGHT, TILE_SIZE, WIDTH, Opened
from tests.browser.tabs import Tab, Tabs
from tests.pictures import photo, svs
from tests.running import served
from tileframe import StoredPyramid
from tileframe_serve.files import Files
from tileframe_viewer.page import PageViewer

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Any]]:
    """Start Chromium, headless, as the system has it, once for each set of options; tests are skipped without one."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser is installed here: {', '.join(NAMES)}")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        started: dict[tuple[str, ...], Any] = {}

        def start(*options: str) -> Any:
            if options not in started:
                # Its sandbox needs rights that containers do not give.
                arguments = ["--no-sandbox", *options]
                started[options] = playwright.chromium.launch(executable_path=found, args=arguments)
            return started[options]

        yield start
        for browser in started.values():
            browser.close()


@pytest.fixture
def browser(launch: Callable[..., Any], request: pytest.FixtureRequest) -> Any:
    """A browser, with the option that the test gives it as a parameter."""
    return launch(*getattr(request, "param", ()))


@pytest.fixture(scope="session")
def tabs() -> dict[int, Tabs]:
    """The tabs of each browser."""
    return {}


@pytest.fixture
def tab(browser: Any, tabs: dict[int, Tabs], request: pytest.FixtureRequest) -> Iterator[Callable[..., Tab]]:
    """Take a tab, and say what to listen to in it; at the end it is left, or closed if something failed."""
    failed, taken = request.session.testsfailed, list[Tab]()

    def take(listeners: Mapping[str, Any] | None = None, **how: Any) -> Tab:
        usual = {"width": WIDTH, "height": HEIGHT, "as_file": False, "reduced_motion": "reduce"}
        taken.append(tabs.setdefault(id(browser), Tabs(browser)).take(listeners or {}, **{**usual, **how}))
        return taken[-1]

    yield take
    for one in taken:
        if request.session.testsfailed > failed:
            one.page.close()
        else:
            one.empty()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Files, str]]:
    """One server for all, so that the browser, as it does for users, keeps the scripts that it has compiled."""
    files = Files(tmp_path_factory.mktemp("none"), [])
    with served(files) as origin:
        yield files, origin


@pytest.fixture
def origin(server: tuple[Files, str], tmp_path: Path) -> Iterator[str]:
    """Where the test's own folder is served."""
    files, origin = server
    files.root, files.folders = tmp_path.resolve(), [tmp_path.resolve()]
    yield origin
    files.folders = []


@pytest.fixture
def open_page(tab: Callable[..., Tab], origin: str, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """Open a page of the test's folder, from the server or as a file; at the end, nothing may have gone wrong."""
    opened: list[tuple[Opened, bool]] = []

    def open_it(
        path: Path, view: str = "", *, as_file: bool = False, faults: bool = False, viewer: bool = True, **how: Any
    ) -> Opened:
        messages, requests = list[str](), list[str]()
        listeners = {
            "console": lambda message: messages.append(f"{message.type}: {message.text}"),
            "pageerror": lambda error: messages.append(f"error: {error}"),
            "request": lambda request: requests.append(request.url),
        }
        page = tab(listeners, as_file=as_file, **how).page
        one = Opened(page, "file:///" if as_file else f"{origin}/", messages, requests)
        opened.append((one, faults))
        page.goto((path.as_uri() if as_file else f"{one.origin}{path.relative_to(tmp_path).as_posix()}") + view)
        if viewer and not faults:
            one.wait()
        return one

    yield open_it
    for one, faults in opened:
        one.page.evaluate("localStorage.clear()")
        one.page.goto("about:blank")
        assert [url for url in one.requests if not url.startswith((one.origin, "data:", "about:"))] == []
        assert faults or one.messages == []


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int, int], Path]:
    """A folder with ``slide.dzi``, made once for each size and quality."""
    made: dict[tuple[int, int, int], Path] = {}

    def keep(width: int, height: int, quality: int) -> Path:
        key = (width, height, quality)
        if key not in made:
            folder = tmp_path_factory.mktemp("kept")
            slide = svs(folder / "slide.svs", photo(width, height))
            # Few large tiles, for each one costs the browser as much as it draws.
            tileframe.run(slide, folder / "out" / "slide", quality=quality, tile_size=TILE_SIZE)
            made[key] = folder / "out"
        return made[key]

    return keep


@pytest.fixture
def made(tmp_path: Path, kept: Callable[[int, int, int], Path]) -> Callable[..., StoredPyramid]:
    """Put a pyramid of an SVS slide and its page into the test's folder."""

    def make(name: str = "slide", *, size: tuple[int, int] = (3000, 2000), quality: int = 90) -> StoredPyramid:
        for path in kept(*size, quality).iterdir():
            target = tmp_path / path.name.replace("slide", name, 1)
            shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)
        pyramid = tileframe.open_pyramid(tmp_path / f"{name}.dzi")
        PageViewer().write([pyramid])
        return pyramid

    return make
