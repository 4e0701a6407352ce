"""Annotations over the slide, from a file beside it or from the reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tileframe
from tests.browser.looking import PHONE, Opened, decoded, page_of
from tests.pictures import photo, svs
from tileframe_viewer.page import PageViewer

RED = (255, 0, 0)
HOSTILE = "<img src=x onerror=alert(1)>"


def square(x: int, y: int, side: int, **properties: Any) -> dict[str, Any]:
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


def written(path: Path, *features: object) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def red_at(opened: Opened, x: int, y: int) -> bool:
    """Whether something red is drawn at that place of the stage."""
    stage = opened.box("#stage-a")
    clip = {"x": stage["x"] + x - 3, "y": stage["y"] + y - 3, "width": 7, "height": 7}
    return bool((decoded(opened.page.screenshot(clip=clip)) == RED).all(axis=2).any())


def stage_place(opened: Opened, x: float, y: float) -> tuple[int, int]:
    """Where a base pixel is on the stage, in a view that is not turned."""
    stage, view = opened.box("#stage-a"), opened.view()
    return (
        round(stage["width"] / 2 + (x - view["x"]) * view["zoom"]),
        round(stage["height"] / 2 + (y - view["y"]) * view["zoom"]),
    )


def test_the_file_beside_a_part_of_a_slide_is_drawn_at_its_place_listed_and_toggled(open_page, tmp_path):
    slide = svs(tmp_path / "a.svs", photo(1200, 900))
    report = tileframe.run(slide, tmp_path / "part", region=(300, 100, 700, 600))
    tumour = {"name": "Tumour", "color": list(RED)}
    written(tmp_path / "part.geojson", square(500, 300, 200, name=HOSTILE, classification=tumour), {"geometry": 7})
    PageViewer().write([tileframe.open_pyramid(report.target)])
    opened = open_page(tmp_path / "part.html", "#x=300&y=300&zoom=1")
    opened.page.keyboard.press("a")
    opened.page.wait_for_selector(".kind")
    assert opened.text(".kind").replace("\n", " ") == f"{HOSTILE} · Tumour 1"
    assert "1 that are no points, lines or areas were left out" in opened.text("#annotations-note")
    assert opened.page.locator("#annotations img").count() == 0
    corner = stage_place(opened, 200, 300)  # 500, 400 of the slide
    assert red_at(opened, *corner)
    assert not red_at(opened, corner[0] - 20, corner[1])
    opened.keep("annotations")
    opened.page.click(".kind input")
    opened.wait()
    assert not red_at(opened, *corner)
    opened.page.click(".kind input")
    opened.press("h")
    assert not red_at(opened, *corner)


def test_a_file_is_given_by_finger_and_sent_nowhere(open_page, made, tmp_path):
    opened = open_page(page_of(made()), "#x=1500&y=1000&zoom=0.1", **PHONE)
    asked = len(opened.requests)
    opened.page.tap("#annotations-button")
    one = written(tmp_path / "mine.geojson", square(1000, 500, 1000, classification={"name": "A", "color": list(RED)}))
    opened.page.set_input_files("#annotations-file", one)
    opened.page.wait_for_selector(".kind")
    assert "1 annotation from mine.geojson" in opened.text("#annotations-note")
    opened.keep("phone-annotations")
    opened.page.tap("#annotations-close")
    opened.wait()
    assert red_at(opened, *stage_place(opened, 1000, 1000))
    assert len(opened.requests) == asked


def test_a_file_is_dropped_onto_the_page(open_page, made):
    opened = open_page(page_of(made()), as_file=True)
    text = json.dumps([square(100, 100, 500, name="dropped")])
    opened.page.evaluate(
        """(text) => { const data = new DataTransfer(); data.items.add(new File([text], "d.json"));
        const how = { dataTransfer: data, bubbles: true, cancelable: true };
        document.querySelector("main").dispatchEvent(new DragEvent("drop", how)) }""",
        text,
    )
    opened.page.wait_for_selector(".kind")
    assert "dropped" in opened.text(".kind")
    assert opened.is_seen("#stage-a")


def test_what_is_dropped_and_cannot_be_read_is_told(open_page, made):
    opened = open_page(page_of(made()))
    opened.page.evaluate(
        """() => { const folder = { name: "scans", size: 0, text: () => Promise.reject(new Error("no file")) };
        const drop = new Event("drop", { bubbles: true, cancelable: true });
        document.dispatchEvent(Object.assign(drop, { dataTransfer: { files: [folder] } })) }"""
    )
    opened.page.wait_for_selector("#problem:not([hidden])")
    assert "scans could not be read" in opened.text("#problem-text")


@pytest.mark.parametrize("text", ["<svg onload=alert(1)>", '{"type": "FeatureCollection", "features": {"length": 9}}'])
def test_what_is_no_file_of_annotations_is_one_line(open_page, made, tmp_path, text):
    opened = open_page(page_of(made()))
    path = tmp_path / "odd.geojson"
    path.write_text(text)
    opened.page.set_input_files("#annotations-file", path)
    opened.page.wait_for_selector("#problem:not([hidden])")
    assert opened.text("#problem-text").startswith("The annotations odd.geojson cannot be shown: it ")


def test_a_file_that_has_gone_is_told(open_page, made, tmp_path):
    pyramid = made()
    beside = written(tmp_path / "slide.geojson")
    PageViewer().write([pyramid])
    beside.unlink()
    opened = open_page(page_of(pyramid), faults=True)
    opened.page.wait_for_selector("#problem:not([hidden])")
    assert "slide.geojson could not be loaded" in opened.text("#problem-text")
