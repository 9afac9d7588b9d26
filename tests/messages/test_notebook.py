"""What a notebook shows: the PNG that is written is read with Pillow, and texts are escaped."""

from __future__ import annotations

import base64
import io
import re

import numpy
import pytest
from PIL import Image

from tinynet.messages.notebook import picture_html, table_html


def images(text):
    """The pixels of each <img>, and its width and height on the screen."""
    found = []
    for tag in re.findall("<img [^>]*>", text):
        data = re.search('src="data:image/png;base64,([^"]*)"', tag)[1]
        width, height = re.search('width="([0-9]+)" height="([0-9]+)"', tag).groups()
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as image:
            image.load()  # checks every checksum
            found.append((numpy.asarray(image), int(width), int(height)))
    return found


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (9, 30, 3), (8, 1024), (1024, 8, 3)])
def test_bytes_are_shown_as_they_are(shape, rng):
    array = rng.integers(0, 256, shape).astype(numpy.uint8)
    ((pixels, _, _),) = images(picture_html(array))
    numpy.testing.assert_array_equal(pixels, array[..., 0] if shape[2:] == (1,) else array)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_from_0_to_1_are_shades_from_0_to_255(dtype):
    array = (numpy.arange(256).reshape(16, 16) / 255).astype(dtype)
    ((pixels, _, _),) = images(picture_html(array))
    numpy.testing.assert_array_equal(pixels, numpy.arange(256).reshape(16, 16))


def test_shades_between_two_bytes_are_rounded():
    ((pixels, _, _),) = images(picture_html(numpy.full((8, 8), 0.999)))
    assert (pixels == 255).all()


def test_a_view_is_shown_in_its_own_order(rng):
    array = rng.integers(0, 256, (10, 20, 3)).astype(numpy.uint8).transpose(1, 0, 2)[::-1]
    ((pixels, _, _),) = images(picture_html(array))
    numpy.testing.assert_array_equal(pixels, array)


@pytest.mark.parametrize("C", [1, 3])
def test_of_a_batch_the_first_eight_are_shown(C, rng):
    batch = rng.integers(0, 256, (11, 8, 9, C)).astype(numpy.uint8)
    for N in (1, 8, 11):
        found = images(picture_html(batch[:N]))
        assert len(found) == min(N, 8)
        for (pixels, _, _), right in zip(found, batch, strict=False):
            numpy.testing.assert_array_equal(pixels.reshape(8, 9, C), right)


@pytest.mark.parametrize(
    ("shape", "on_screen"),
    [
        ((28, 28), (112, 112)),
        ((8, 16), (112, 56)),
        ((64, 64), (128, 128)),
        ((300, 200), (200, 300)),
    ],
)
def test_small_pictures_are_enlarged_by_a_whole_factor_with_square_pixels(shape, on_screen):
    text = picture_html(numpy.zeros(shape))
    ((_, *size),) = images(text)
    assert tuple(size) == on_screen
    assert "image-rendering: pixelated" in text


NO_PICTURES = {
    "a list": [[0.0] * 8] * 8,
    "a row": numpy.zeros(64),
    "two channels": numpy.zeros((8, 8, 2)),
    "a small kernel": numpy.zeros((3, 3)),
    "too narrow": numpy.zeros((8, 7)),
    "too large": numpy.zeros((8, 1025)),
    "feature maps": numpy.zeros((2, 8, 8, 32)),
    "no pictures": numpy.zeros((0, 8, 8, 1)),
    "five axes": numpy.zeros((1, 1, 8, 8, 1)),
    "above 1": numpy.full((8, 8), 1.01),
    "below 0": numpy.full((8, 8), -0.01),
    "NaN": numpy.full((8, 8), numpy.nan),
    "one NaN in a batch": numpy.pad([[[[numpy.nan]]]], ((9, 0), (0, 7), (0, 7), (0, 0))),
    "class numbers": numpy.zeros((8, 8), int),
    "truths": numpy.zeros((8, 8), bool),
}


@pytest.mark.parametrize("name", NO_PICTURES)
def test_anything_else_is_no_picture(name):
    assert picture_html(NO_PICTURES[name]) is None


def test_a_table_has_its_title_its_header_and_its_rows():
    assert table_html("Model", ["layer", "numbers"], [["dense", 12], ["dense_2", 3.5]]) == (
        "<table>\n<caption>Model</caption>\n"
        '<thead><tr><th style="text-align: left">layer</th>'
        '<th style="text-align: right">numbers</th></tr></thead>\n<tbody>\n'
        '<tr><td style="text-align: left">dense</td><td style="text-align: right">12</td></tr>\n'
        '<tr><td style="text-align: left">dense_2</td><td style="text-align: right">3.5</td></tr>'
        "\n</tbody>\n</table>"
    )


def test_everything_in_a_table_is_escaped():
    bad = "<script>\"&'"
    text = table_html(bad, [bad, bad], [[bad, bad]])
    assert text.count("&lt;script&gt;&quot;&amp;&#x27;") == 5
    assert "<script" not in text


def test_a_table_without_rows_has_its_header():
    assert "<tbody>\n\n</tbody>" in table_html("Empty", ["a"], [])
