"""The pixel contract, beside a slow reference that works on one number at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from tests.pictures import gradient
from tileframe import WHITE, InputError, Rgb
from tileframe.pixels import Alpha, halve, to_8_bit, to_rgb8

CHANNELS = {Alpha.NONE: (1, 3), Alpha.STRAIGHT: (2, 4), Alpha.PREMULTIPLIED: (2, 4)}
COLOURS = [WHITE, Rgb(0, 0, 0), Rgb(1, 128, 254)]


def slow_8_bit(sample: int, depth: int) -> int:
    return sample >> (depth - 8) if depth > 8 else sample * 255 // (2**depth - 1)


def slow_rgb(samples: list[int], depth: int, alpha: Alpha, background: Rgb) -> list[int]:
    """One pixel by the words of the contract."""
    values = [slow_8_bit(sample, depth) for sample in samples]
    opacity = 255 if alpha is Alpha.NONE else values.pop()
    colour = values * 3 if len(values) == 1 else values
    if alpha is Alpha.PREMULTIPLIED:
        return [min(255, (c * 255 + b * (255 - opacity) + 127) // 255) for c, b in zip(colour, background, strict=True)]
    return [(c * opacity + b * (255 - opacity) + 127) // 255 for c, b in zip(colour, background, strict=True)]


@st.composite
def pictures(draw):
    """Samples of any kind that the contract knows, with their depth and what their last channel means."""
    alpha = draw(st.sampled_from(Alpha))
    depth = draw(st.integers(1, 16) | st.sampled_from([8, 16, 32]))
    holders = [np.dtype(name) for name in ("u1", "u2", ">u2", "u4") if 8 * np.dtype(name).itemsize >= depth]
    dtype = draw(st.sampled_from(holders))
    shape = (*draw(st.tuples(st.integers(1, 4), st.integers(1, 4))), draw(st.sampled_from(CHANNELS[alpha])))
    samples = draw(arrays.arrays(dtype, shape, elements=st.integers(0, 2**depth - 1)))
    return samples, depth, alpha


@given(pictures(), st.sampled_from(COLOURS))
def test_every_pixel_is_that_of_the_reference(picture, background):
    samples, depth, alpha = picture
    pixels = to_rgb8(samples, depth=depth, alpha=alpha, background=background)
    assert pixels.dtype == np.uint8
    assert pixels.tolist() == [
        [slow_rgb(pixel, depth, alpha, background) for pixel in row] for row in samples.astype(object).tolist()
    ]


def test_16_bit_is_shifted_as_libvips_does():
    samples = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(to_8_bit(samples), np.arange(65536).reshape(256, 256) >> 8)


@pytest.mark.parametrize("depth", range(1, 17))
def test_every_depth_uses_the_full_range(depth):
    assert to_8_bit(np.array([[0, 2**depth - 1]], np.uint16), depth).tolist() == [[0, 255]]


def test_false_is_black_and_true_is_white():
    assert to_rgb8(np.array([[False, True]])).tolist() == [[[0, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize("alpha", [Alpha.STRAIGHT, Alpha.PREMULTIPLIED])
@pytest.mark.parametrize("background", COLOURS, ids=str)
def test_compositing_is_exact_for_every_colour_and_opacity(alpha, background):
    opacity, value = np.mgrid[0:256, 0:256].astype(np.uint8)
    if alpha is Alpha.PREMULTIPLIED:
        value = np.minimum(value, opacity)
    pixels = to_rgb8(np.dstack([value, opacity]), alpha=alpha, background=background)
    for a, row in enumerate(value.tolist()):
        assert pixels[a].tolist() == [slow_rgb([v, a], 8, alpha, background) for v in row]


def test_grey_without_a_channel_axis_is_grey():
    grey = gradient(5, 4)[:, :, 0]
    assert np.array_equal(to_rgb8(grey), np.dstack([grey, grey, grey]))


@pytest.mark.parametrize("turn", [lambda a: a, lambda a: a[::2, 1:], lambda a: a.swapaxes(0, 1), np.asfortranarray])
@pytest.mark.parametrize("alpha", Alpha, ids=str)
@pytest.mark.parametrize("colours", [1, 3])
def test_result_is_the_callers_own(turn, alpha, colours):
    samples = turn(np.full((6, 8, colours + (alpha is not Alpha.NONE)), 255, np.uint8))
    pixels = to_rgb8(samples, alpha=alpha)
    assert pixels.flags.c_contiguous
    pixels[:] = 7
    assert samples.min() == 255


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "c8"])
def test_samples_without_a_defined_range_are_refused(dtype):
    with pytest.raises(InputError, match=str(np.dtype(dtype))):
        to_rgb8(np.zeros((2, 2, 3), dtype))


@pytest.mark.parametrize(
    ("channels", "alpha"),
    [(2, Alpha.NONE), (4, Alpha.NONE), (5, Alpha.NONE), (1, Alpha.STRAIGHT), (3, Alpha.STRAIGHT), (5, Alpha.STRAIGHT)],
)
def test_other_numbers_of_channels_are_refused(channels, alpha):
    with pytest.raises(InputError, match=f"{channels} channels"):
        to_rgb8(np.zeros((2, 2, channels), np.uint8), alpha=alpha)


def slow_halve(pixels: list[list[list[int]]]) -> list[list[list[int]]]:
    """The mean of each 2x2, the last row and column being repeated where they are odd."""
    height, width = len(pixels), len(pixels[0])

    def mean(x: int, y: int, channel: int) -> int:
        right, below = min(x + 1, width - 1), min(y + 1, height - 1)
        return (sum(pixels[v][u][channel] for v in (y, below) for u in (x, right)) + 2) >> 2

    return [[[mean(x, y, c) for c in range(3)] for x in range(0, width, 2)] for y in range(0, height, 2)]


@pytest.mark.parametrize("height", range(1, 10))
@pytest.mark.parametrize("width", range(1, 10))
def test_halving_is_that_of_the_reference(width, height):
    pixels = gradient(width, height)
    assert halve(pixels).tolist() == slow_halve(pixels.tolist())
    assert np.array_equal(pixels, gradient(width, height))


def noise(sides: st.SearchStrategy[int]):
    return arrays.arrays(np.uint8, st.tuples(sides, sides, st.just(3)))


@given(noise(st.integers(1, 16).map(lambda half: 2 * half)))
def test_pillow_halves_even_sides_alike(pixels):
    assert np.array_equal(halve(pixels), np.asarray(Image.fromarray(pixels).reduce(2)))
