"""picture: files of every kind that the tests draw themselves, and what it refuses."""

from __future__ import annotations

import re
import struct
import sys
import zlib

import numpy
import pytest
from PIL import Image

from tinynet.data import picture

BLACK_AND_WHITE = numpy.array([[0, 255, 255], [0, 0, 255]], numpy.uint8)  # a stair, 2 x 3


@pytest.fixture
def saved(tmp_path):
    """Save an array, or a picture of Pillow, and give its path."""

    def save(image, name="one.png", **settings):
        if isinstance(image, numpy.ndarray):
            image = Image.fromarray(image)
        image.save(tmp_path / name, **settings)
        return tmp_path / name

    return save


def as_it_is(path, **settings):
    """The one picture of the batch, in its own size."""
    (found,) = picture(path, **{"size": None, "invert": False} | settings)
    assert found.dtype == numpy.float32
    return found


# -- what Pillow reads -----------------------------------------------------------------------------


def test_a_digit_of_mnist_comes_back_exactly(saved, rng):
    pixels = numpy.zeros((28, 28), numpy.uint8)
    pixels[4:24, 4:24] = rng.integers(0, 256, (20, 20))
    found = picture(str(saved(pixels)))
    assert found.shape == (1, 28, 28, 1) and found.dtype == numpy.float32
    numpy.testing.assert_array_equal(found[0, :, :, 0], pixels.astype(numpy.float32) / 255)


@pytest.mark.parametrize("name", ["one.png", "one.bmp", "one.gif", "one.tif"])
def test_gray_pictures_of_several_formats_are_the_same(saved, name):
    found = as_it_is(saved(BLACK_AND_WHITE, name))
    numpy.testing.assert_array_equal(found[..., 0], BLACK_AND_WHITE / 255)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_pictures_of_several_modes_are_the_same(saved, mode):
    path = saved(Image.fromarray(BLACK_AND_WHITE).convert(mode))
    numpy.testing.assert_array_equal(as_it_is(path)[..., 0], BLACK_AND_WHITE / 255)
    color = as_it_is(path, color=True)
    numpy.testing.assert_array_equal(color, numpy.stack([BLACK_AND_WHITE / 255] * 3, axis=2))


def test_colors_are_kept_or_become_their_luma(saved):
    red_green = numpy.array([[[255, 0, 0], [0, 255, 0]]], numpy.uint8)
    for path in (
        saved(red_green),
        saved(Image.fromarray(red_green).convert("P"), "palette.png"),
        saved(Image.fromarray(red_green).convert("CMYK"), "print.tif"),
    ):
        numpy.testing.assert_array_equal(as_it_is(path, color=True), red_green / 255)
        numpy.testing.assert_allclose(as_it_is(path)[..., 0], [[0.299, 0.587]], atol=0.002)


def test_sixteen_bits_keep_their_shades(saved):
    shades = numpy.array([[0, 1, 32768, 65535]], numpy.uint16)
    for name in ("deep.png", "deep.tif"):
        for color in (False, True):
            found = as_it_is(saved(shades, name), color=color)
            assert found.shape == (1, 4, 3 if color else 1)
            numpy.testing.assert_allclose(found[..., 0], shades / 65535, rtol=1e-6)
    path = saved(shades.astype(numpy.int32), "old.tif")  # how Pillow 10 opens a .png of 16 bits
    numpy.testing.assert_allclose(as_it_is(path)[..., 0], shades / 65535, rtol=1e-6)


def test_shades_of_floats_are_themselves(saved):
    shades = numpy.array([[0, 0.25, 1]], numpy.float32)
    numpy.testing.assert_array_equal(as_it_is(saved(shades, "one.tif"))[..., 0], shades)


def test_what_is_transparent_is_white(saved):
    gray_alpha = numpy.array([[[0, 0], [0, 255], [100, 128]]], numpy.uint8)
    half = (100 * 128 + 255 * 127) / 255 / 255
    found = as_it_is(saved(gray_alpha))[..., 0]
    numpy.testing.assert_allclose(found, [[1, 0, half]], atol=0.003)
    palette = Image.fromarray(BLACK_AND_WHITE).convert("P")
    black = palette.getpixel((0, 0))
    path = saved(palette, "palette.png", transparency=black)
    numpy.testing.assert_array_equal(as_it_is(path), numpy.ones((2, 3, 1)))


@pytest.mark.parametrize("name", ["phone.jpg", "phone.png"])
def test_a_rotation_of_the_phone_is_undone(saved, name):
    upright = numpy.zeros((16, 32), numpy.uint8)
    upright[:, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn it clockwise to see it upright
    path = saved(numpy.rot90(upright).copy(), name, exif=exif)
    numpy.testing.assert_allclose(as_it_is(path)[..., 0], upright / 255, atol=0.03)


def test_of_an_animation_the_first_picture_is_taken(saved):
    frames = [Image.fromarray(numpy.full((4, 4), shade, numpy.uint8)) for shade in (255, 0)]
    path = saved(frames[0], "moving.gif", save_all=True, append_images=frames[1:])
    numpy.testing.assert_array_equal(as_it_is(path), numpy.ones((4, 4, 1)))


# -- the size --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "size", "fitted"),
    [
        ((40, 20), (28, 28), (28, 14)),
        ((20, 40), 28, (14, 28)),
        ((5, 7), (50, 30), (21, 30)),
        ((300, 1), (28, 28), (28, 1)),
        ((28, 28), (28, 28), (28, 28)),
        ((28, 28), (28, 40), (28, 28)),
    ],
)
@pytest.mark.parametrize("color", [False, True])
def test_the_whole_picture_is_fitted_in_the_middle_with_its_proportions(
    saved, own, size, fitted, color
):
    """The picture is white with a gray frame: what is around it has the frame's shade."""
    pixels = numpy.full(own, 255, numpy.uint8)
    pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1] = 102, 102, 102, 102
    (found,) = picture(saved(pixels), size, invert=False, color=color)
    H, W = (size, size) if isinstance(size, int) else size
    assert found.shape == (H, W, 3 if color else 1)
    high, wide = fitted
    top, left = (H - high) // 2, (W - wide) // 2
    outside = numpy.ones((H, W), bool)
    outside[top : top + high, left : left + wide] = False
    inside = Image.fromarray(pixels / numpy.float32(255))
    inside = numpy.asarray(inside.resize((wide, high), Image.Resampling.LANCZOS)).clip(0, 1)
    numpy.testing.assert_allclose(found[~outside][:, 0], inside.ravel(), atol=1e-6)
    border = [inside[0], inside[-1], inside[:, 0], inside[:, -1]]
    assert (found[outside] == numpy.median(numpy.concatenate(border))).all()


def test_no_pixel_is_left_out_when_a_picture_shrinks(saved, rng):
    """Each small pixel is close to the mean of those it stands for, thin lines do not vanish."""
    lines = numpy.zeros((280, 280), numpy.uint8)
    lines[:, 5::10] = 255  # one in ten is white
    (found,) = picture(saved(lines), invert=False)
    numpy.testing.assert_allclose(found[2:-2, 2:-2], 0.1, atol=0.02)


def test_shades_stay_in_the_unit_interval(saved):
    (found,) = picture(saved(BLACK_AND_WHITE), (64, 96), invert=False)  # Lanczos overshoots
    assert found.min() == 0 and found.max() == 1


def test_the_background_of_a_color_picture_is_a_color(saved):
    sky = numpy.full((4, 8, 3), (0, 51, 255), numpy.uint8)
    (found,) = picture(saved(sky), 8, color=True)
    numpy.testing.assert_allclose(found, numpy.full((8, 8, 3), (0, 0.2, 1)), atol=1e-6)


# -- dark and light --------------------------------------------------------------------------------


def test_true_and_false_invert_or_not(saved):
    path = saved(BLACK_AND_WHITE)
    numpy.testing.assert_array_equal(as_it_is(path, invert=True), 1 - as_it_is(path))
    red = saved(numpy.full((1, 1, 3), (255, 51, 0), numpy.uint8), "red.png")
    found = as_it_is(red, invert=True, color=True)
    numpy.testing.assert_allclose(found, [[[0, 0.8, 1]]], atol=1e-6)


def test_auto_makes_ink_on_paper_light_on_black(saved):
    """The median of the border becomes 0, the darkest pixel 1, and what is lighter 0 too."""
    shades = numpy.full((5, 5), 200, numpy.uint8)
    shades[2] = [200, 50, 125, 220, 200]
    right = numpy.zeros((5, 5, 1))
    right[2, :, 0] = [0, 1, 0.5, 0, 0]
    numpy.testing.assert_allclose(as_it_is(saved(shades), invert="auto"), right, atol=1e-6)


def test_auto_leaves_light_on_dark_and_one_shade_as_they_are(saved):
    chalk = numpy.full((5, 5), 60, numpy.uint8)
    chalk[2, 1:4] = 230
    for pixels in (chalk, numpy.full((4, 4), 200, numpy.uint8)):
        path = saved(pixels)
        numpy.testing.assert_array_equal(as_it_is(path, invert="auto"), as_it_is(path))


def test_auto_leaves_colors_as_they_are(saved):
    ink = numpy.full((5, 5, 3), 200, numpy.uint8)
    ink[2, 2] = 0
    path = saved(ink)
    found = as_it_is(path, invert="auto", color=True)
    numpy.testing.assert_array_equal(found, as_it_is(path, color=True))


def test_a_photograph_of_a_digit_becomes_one_like_those_of_mnist(saved, rng):
    """Gray paper in uneven light, noise, a phone held upright: a light bar on black."""
    down, across = numpy.mgrid[0:1:400j, 0:1:300j]
    photo = 0.6 + 0.1 * down + 0.05 * across + rng.normal(0, 0.03, down.shape)
    photo[80:320, 140:165] = 0.15  # a 1
    path = saved((255 * photo).astype(numpy.uint8), "photo.jpg", quality=85)
    (found,) = picture(path)
    assert found[6:22, 13].min() > 0.7  # the bar
    assert found[:, :12].max() < 0.2 and found[:, 17:].max() < 0.2  # the paper
    assert (found[:, [0, 1, 2, 25, 26, 27]] == 0).all()  # around it


# -- what it refuses -------------------------------------------------------------------------------


def refused(kind, message, *given, **settings):
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        picture(*given, **settings)


def test_a_file_that_is_not_there_is_told_with_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = "picture: there is no file 'seven.png' in the folder {}. Check the name and folder."
    refused(FileNotFoundError, message.format(tmp_path), "seven.png")
    refused(FileNotFoundError, message.format(tmp_path / "a"), "a/seven.png")
    (tmp_path / "seven.png").mkdir()
    refused(FileNotFoundError, message.format(tmp_path), "seven.png")


def test_what_is_no_picture_is_refused(tmp_path):
    for content in (b"", b"not a picture", b"\x89PNG\r\n\x1a\n"):
        (tmp_path / "one.heic").write_bytes(content)
        refused(
            ValueError,
            "picture: 'one.heic' cannot be read: Pillow does not know its format. Save it anew as "
            "PNG or JPEG.",
            tmp_path / "one.heic",
        )


def test_a_damaged_picture_is_refused(saved, rng):
    path = saved(rng.integers(0, 256, (64, 64)).astype(numpy.uint8))
    whole = path.read_bytes()
    for part in (100, 1000, len(whole) // 2):
        path.write_bytes(whole[:part])
        with pytest.raises(ValueError, match=r"^picture: 'one.png' cannot be read: .* PNG or JPEG"):
            picture(path)


@pytest.mark.parametrize("side", [9_000, 12_000, 2**31 - 1])
def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_decoded(tmp_path, side):
    """Above the limit, above Pillow's warning, above Pillow's own limit.  There are no pixels."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)), (b"IDAT", b""))
    data = b"\x89PNG\r\n\x1a\n"
    for kind, content in chunks:
        data += struct.pack(">I", len(content)) + kind + content
        data += struct.pack(">I", zlib.crc32(kind + content))
    (tmp_path / "bomb.png").write_bytes(data)
    refused(
        ValueError,
        "picture: 'bomb.png' has more than 80,000,000 pixels. Save it smaller.",
        tmp_path / "bomb.png",
    )


@pytest.mark.parametrize("shade", [-0.1, 200.0, numpy.nan])
def test_numbers_that_are_no_shades_are_refused(saved, shade):
    refused(
        ValueError,
        "picture: 'one.tif' holds numbers outside the range of shades. Save it anew as PNG or "
        "JPEG.",
        saved(numpy.full((2, 2), shade, numpy.float32), "one.tif"),
    )


@pytest.mark.parametrize("size", [0, -1, 28.0, (28,), (28, 28, 1), "28", (0, 28)])
def test_a_wrong_size_is_refused(size):
    message = (
        "picture: size must be a whole number of at least 1 or a pair of them, received "
        f"{size!r}. None keeps the picture's own."
    )
    refused(ValueError, message, "one.png", size)


def test_a_size_that_fills_the_memory_is_refused():
    message = "picture: size (9000, 9000) has more than 80,000,000 pixels. Give a smaller one."
    refused(ValueError, message, "one.png", 9000)


@pytest.mark.parametrize("invert", ["yes", 1, None, numpy.zeros(2)])
def test_a_wrong_word_for_invert_is_refused(invert):
    message = f'picture: invert must be True, False or "auto", received {invert!r}.'
    refused(ValueError, message, "one.png", invert=invert)


def test_a_wrong_color_or_path_is_refused():
    message = "picture: color must be True or False, received 'red'."
    refused(TypeError, message, "one.png", color="red")
    message = 'picture: path is ndarray. Give the name of a file, for example "seven.png".'
    refused(TypeError, message, numpy.zeros((28, 28)))


def test_without_pillow_it_says_what_to_install(saved, monkeypatch):
    path = saved(BLACK_AND_WHITE)
    monkeypatch.setitem(sys.modules, "PIL", None)
    message = (
        "picture: Pillow, which reads pictures, is not installed. Install it: pip install pillow"
    )
    refused(ImportError, message, path)
