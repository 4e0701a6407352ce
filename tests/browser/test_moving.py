"""Mouse, fingers, keys and links move the slide."""

from __future__ import annotations

import pytest

from tests.browser.looking import HEIGHT, PHONE, WIDTH, canvas, page_of, psnr


def test_wheel_drag_and_double_click(open_page, made):
    opened = open_page(page_of(made()), "#x=1500&y=1000&zoom=0.5")
    mouse = opened.page.mouse
    mouse.move(WIDTH // 2, HEIGHT // 2)
    mouse.wheel(0, -100)
    opened.wait()
    assert opened.view()["zoom"] > 0.5
    before = opened.view()
    mouse.down()
    mouse.move(WIDTH // 2 - 100, HEIGHT // 2 - 50, steps=4)
    mouse.up()
    opened.wait()
    after = opened.view()
    assert (after["x"] - before["x"]) * after["zoom"] == pytest.approx(100, abs=2)
    assert (after["y"] - before["y"]) * after["zoom"] == pytest.approx(50, abs=2)
    mouse.dblclick(WIDTH // 2, HEIGHT // 2)
    opened.wait()
    assert opened.view()["zoom"] > after["zoom"] * 1.5


def test_every_key_does_what_the_help_says(open_page, made):
    opened = open_page(page_of(made()), "#x=1500&y=1000&zoom=0.5")

    press = opened.press
    assert press("+")["zoom"] == pytest.approx(0.75)
    assert press("-")["zoom"] == pytest.approx(0.5)
    assert press("ArrowRight")["x"] == pytest.approx(1660)
    assert press("ArrowDown")["y"] == pytest.approx(1160)
    assert press("Shift+ArrowLeft")["x"] == pytest.approx(1020)
    assert press("r")["rotation"] == 90
    assert press("R").get("rotation", 0) == 0
    assert press("f")["flip"] == 1
    right = press("ArrowRight")
    assert right["x"] == pytest.approx(860), "right on the screen is left on a flipped slide"
    assert press("1")["zoom"] == 1
    whole = press("0")
    assert (whole["x"], whole["y"]) == pytest.approx((1500, 1000))


def test_everything_is_reached_by_tab(open_page, made):
    opened = open_page(page_of(made()))
    reached = []
    for _ in range(30):
        opened.page.keyboard.press("Tab")
        reached.append(opened.page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''"))
    buttons = opened.page.evaluate(
        "[...document.querySelectorAll('button')].filter(b => b.offsetParent).map(b => b.getAttribute('aria-label'))"
    )
    assert len(buttons) >= 11
    assert set(buttons) <= set(reached)
    assert any(label.startswith("slide:") for label in reached), "the slide itself"


def test_a_link_restores_the_exact_view(open_page, made):
    page = page_of(made())
    first = open_page(page, width=1280, height=800)
    first.page.mouse.move(500, 300)
    first.page.mouse.wheel(0, -300)
    first.page.keyboard.press("r")
    first.page.keyboard.press("f")
    first.wait()
    first.page.mouse.move(5, 5)
    hash_ = first.page.evaluate("location.hash")
    assert "rotation=90" in hash_
    second = open_page(page, hash_, width=1280, height=800)
    second.page.mouse.move(5, 5)
    second.wait()
    assert psnr(canvas(first), canvas(second)) > 50
    assert second.view() == pytest.approx(first.view(), rel=1e-4)


def test_the_link_is_copied(open_page, made):
    opened = open_page(page_of(made()), "#x=1500&y=1000&zoom=0.5")
    opened.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=opened.origin)
    opened.page.click("[data-action=link]")
    opened.page.wait_for_selector("#toast.shown")
    copied = opened.page.evaluate("navigator.clipboard.readText()")
    opened.page.context.clear_permissions()
    assert copied.startswith(opened.origin)
    assert copied.endswith("#x=1500&y=1000&zoom=0.5")


def test_a_changed_address_is_followed(open_page, made):
    opened = open_page(page_of(made()))
    opened.go("#x=700&y=600&zoom=2&rotation=270")
    assert opened.view() == {"x": 700, "y": 600, "zoom": 2, "rotation": 270}


def test_fingers_move_and_pinch(open_page, made):
    opened = open_page(page_of(made()), "#x=1500&y=1000&zoom=0.5", **PHONE)
    cdp = opened.page.context.new_cdp_session(opened.page)

    def touch(kind: str, *points: tuple[int, int]) -> None:
        touches = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    touch("touchStart", (200, 400))
    for step in range(1, 11):
        touch("touchMove", (200 - 10 * step, 400))
        opened.page.wait_for_timeout(30)
    opened.page.wait_for_timeout(300)  # no flick
    touch("touchEnd")
    opened.wait()
    moved = opened.view()
    assert moved["x"] > 1600
    touch("touchStart", (150, 400), (240, 400))
    for step in range(1, 11):
        touch("touchMove", (150 - 8 * step, 400), (240 + 8 * step, 400))
        opened.page.wait_for_timeout(30)
    touch("touchEnd")
    opened.wait()
    assert opened.view()["zoom"] > moved["zoom"] * 1.5


def test_the_whole_slide_stays_whole_when_the_window_changes(open_page, made):
    opened = open_page(page_of(made()))
    opened.page.set_viewport_size({"width": 390, "height": 844})
    opened.wait()
    zoom = opened.view()["zoom"]
    assert zoom * 3000 == pytest.approx(390, rel=0.01)


def test_full_page_and_back(open_page, made):
    opened = open_page(page_of(made()))
    opened.page.keyboard.press("p")
    opened.page.wait_for_function("document.fullscreenElement !== null")
    opened.page.keyboard.press("p")
    opened.page.wait_for_function("document.fullscreenElement === null")
