"""plot.film: the file is read back with Pillow, and shows what was given; so does the figure."""

from __future__ import annotations

import importlib
import os
import re

import matplotlib
import numpy
import pytest
from PIL import Image

import tinynet as tn
from tinynet import plot

matplotlib.use("Agg")
import matplotlib.pyplot as plt

module = importlib.import_module("tinynet.plot.film")  # plot.film is the function


@pytest.fixture
def path(tmp_path):
    return tmp_path / "training.gif"


def read(path):
    """The frames of a file in RGB, and for how many milliseconds each is shown."""
    frames, times = [], []
    with Image.open(path) as image:
        assert (image.format, image.info["loop"]) == ("GIF", 0)  # without end
        for i in range(image.n_frames):
            image.seek(i)
            frames.append(numpy.asarray(image.convert("RGB")))
            times.append(image.info["duration"])
    return numpy.stack(frames), times


def gray(*shape):
    return numpy.random.default_rng(0).integers(0, 256, shape).astype(numpy.uint8)


# -- the file --------------------------------------------------------------------------------------


def test_gray_bytes_are_kept_as_they_are(path):
    frames = gray(3, 260, 130) // 2 + 50  # not from 0 to 255
    plot.film(frames, path)
    found, times = read(path)
    numpy.testing.assert_array_equal(found, frames[..., None].repeat(3, axis=3))
    assert times == [200, 200, 2200]


def test_every_form_of_the_same_pictures_is_the_same_film(path, device):
    frames = numpy.random.default_rng(0).random((3, 8, 9), dtype=numpy.float32)
    plot.film(frames, path)
    right = path.read_bytes()
    tensor = tn.Tensor(frames, requires_grad=True).to(device)
    for given in (
        frames[..., None],
        list(frames),
        tensor,
        tensor.data,
        [tensor[i] for i in range(3)],
    ):
        path.unlink()
        plot.film(given, str(path))
        assert path.read_bytes() == right


def test_small_pictures_are_enlarged_by_a_whole_number(path):
    frames = gray(2, 28, 20)
    plot.film(frames, path)
    found, _ = read(path)
    assert found.shape == (2, 252, 180, 3)
    numpy.testing.assert_array_equal(found[..., 0], frames.repeat(9, axis=1).repeat(9, axis=2))


@pytest.mark.parametrize(
    ("limits", "right"), [(None, [0, 64, 128, 255]), ((-2, 2), [64, 128, 191, 255])]
)
def test_numbers_are_shades_between_limits_that_hold_for_all_frames(path, limits, right):
    x = numpy.array([-1, -0.25, 0.5, 2]) if limits is None else numpy.array([-1, 0, 1, 7])
    plot.film(x.reshape(2, 1, 2), path, limits=limits)
    found, _ = read(path)
    assert found[:, 0, [0, -1], 0].ravel().tolist() == right


def test_limits_hold_for_bytes_too(path):
    plot.film(numpy.array([[[100, 150]], [[200, 255]]], numpy.uint8), path, limits=(100, 200))
    assert read(path)[0][:, 0, [0, -1], 0].tolist() == [[0, 128], [255, 255]]


def test_the_color_of_a_thin_line_is_kept(path):
    """Blue, of 2 pixels in 200,000, on white, beside a thousand shades of red and green."""
    frames = numpy.full((2, 250, 400, 3), 255, numpy.uint8)
    frames[:, :32, :32, 0] = numpy.arange(0, 256, 8)
    frames[:, :32, :32, 1] = numpy.arange(0, 256, 8)[:, None]
    frames[0, 100, 100] = frames[1, 200, 300] = (31, 119, 180)
    plot.film(frames, path)
    found, _ = read(path)
    numpy.testing.assert_array_equal(found[:, 32:], frames[:, 32:])
    assert numpy.abs(found[:, :32].astype(int) - frames[:, :32]).max() < 40


def test_many_colors_become_128_that_are_near_and_the_same_in_all_frames(path):
    frames = numpy.zeros((3, 120, 300, 3), numpy.uint8)
    frames[..., 0] = numpy.linspace(0, 255, 300)
    frames[..., 1] = numpy.linspace(0, 255, 120)[:, None]
    for i in range(3):
        frames[i, -20:, :, 2] = 100 * i  # the rest does not change
    plot.film(frames, path)
    found, _ = read(path)
    assert len(numpy.unique(found.reshape(-1, 3), axis=0)) <= 128
    assert numpy.abs(found.astype(int) - frames).mean() < 8
    assert (found[1:, :100] == found[0, :100]).all()
    pairs = numpy.concatenate([frames, found], axis=3).reshape(-1, 6)
    one = len(numpy.unique(pairs[:, :3], axis=0))
    assert len(numpy.unique(pairs, axis=0)) == one  # equal pixels have become equal


@pytest.mark.parametrize(("seconds", "times"), [(0.05, [50, 2050]), (1, [1000, 3000])])
def test_a_frame_is_shown_for_its_time_and_the_last_one_longer(path, seconds, times):
    plot.film(gray(2, 9, 9), path, seconds=seconds)
    assert read(path)[1] == times


@pytest.mark.parametrize("N", [1, 4])
def test_frames_that_do_not_change_are_one_for_the_time_of_all(path, N):
    plot.film(gray(1, 9, 9).repeat(N, axis=0), path)
    found, times = read(path)
    assert len(found) == 1 and times == [200 * N + 2000]


@pytest.mark.parametrize("color", [(), (3,)])
def test_a_film_that_is_too_large_becomes_smaller_in_its_proportions(path, color, monkeypatch):
    frames = gray(4, 200, 300, *color)
    monkeypatch.setattr(module, "MOST", 60_000)
    plot.film(frames, path)
    assert 40_000 < path.stat().st_size <= 60_000
    found, _ = read(path)
    assert len(found) == 4
    assert found.shape[2] / found.shape[1] == pytest.approx(1.5, abs=0.03)


def test_no_film_has_more_than_a_megabyte_and_a_half():
    assert module.MOST == 1_500_000


# -- the figure ------------------------------------------------------------------------------------


def drawn(figure):
    return [numpy.asarray(axes.images[0].get_array()) for axes in figure.axes]


def test_the_figure_has_frames_evenly_chosen_with_the_first_and_the_last(path):
    frames = gray(10, 4, 6)
    titles = [f"step {i}" for i in range(10)]
    figure = plot.film(frames, path, titles, "all", columns=4)
    assert figure.get_suptitle() == "all"
    assert [axes.get_title() for axes in figure.axes] == [f"step {i}" for i in (0, 3, 6, 9)]
    for found, i in zip(drawn(figure), (0, 3, 6, 9), strict=True):
        numpy.testing.assert_array_equal(found, frames[i])
    assert {axes.images[0].get_clim() for axes in figure.axes} == {(0, 255)}


def test_a_short_film_is_drawn_whole_and_keeps_its_colors(path):
    frames = gray(2, 4, 6, 3)
    figure = plot.film(frames, path, width=3)
    numpy.testing.assert_array_equal(drawn(figure), frames)
    assert figure.get_figwidth() == 6


# -- what goes wrong -------------------------------------------------------------------------------

X = numpy.zeros((2, 3, 3))
FORMS = "It must be (N, H, W), (N, H, W, 1) or (N, H, W, 3)."
TABLE = {
    "no frames": (
        lambda path: plot.film([], path),
        "film: there are no frames. Give at least one picture.",
    ),
    "an empty array": (
        lambda path: plot.film(X[:0], path),
        "film: there are no frames. Give at least one picture.",
    ),
    "one picture": (lambda path: plot.film(X[0], path), f"film: frames has shape (3, 3). {FORMS}"),
    "transparent frames": (
        lambda path: plot.film(numpy.zeros((2, 5, 5, 4)), path),
        f"film: frames has shape (2, 5, 5, 4). {FORMS}",
    ),
    "frames of two sizes": (
        lambda path: plot.film([X[0], X[1, :2]], path),
        "film: frames have shapes (2, 3) and (3, 3). Give pictures of one size.",
    ),
    "NaN": (
        lambda path: plot.film(X + numpy.nan, path),
        "film: frames holds NaN or infinity. Find out where it comes from with tn.doctor().",
    ),
    "another ending": (
        lambda path: plot.film(X, "training.mp4"),
        "film: path must end in .gif, received 'training.mp4'. Give a name such as "
        '"training.gif".',
    ),
    "too few titles": (
        lambda path: plot.film(X, path, ["before"]),
        "film: titles must be one for each of 2 frames, received 1. Give all, or leave them out.",
    ),
    "no time": (
        lambda path: plot.film(X, path, seconds=0.01),
        "film: seconds must be from 0.02 to 300, received 0.01. Give the time of one frame.",
    ),
    "a night": (
        lambda path: plot.film(X, path, seconds=3600),
        "film: seconds must be from 0.02 to 300, received 3600. Give the time of one frame.",
    ),
    "no columns": (
        lambda path: plot.film(X, path, columns=0),
        "film: columns must be a whole number of at least 1, received 0.",
    ),
    "no width": (
        lambda path: plot.film(X, path, width=0),
        "film: width must be positive and finite, received 0.",
    ),
    "limits that fall": (
        lambda path: plot.film(X, path, limits=(1, 0)),
        "film: limits must be (low, high) with low < high, received (1, 0). Give the value drawn "
        "black, then the one drawn white.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_no_film_is_refused_and_leaves_neither_file_nor_figure(name, path):
    call, message = TABLE[name]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call(path)
    assert not os.listdir(path.parent) and not plt.get_fignums()


def test_frames_and_path_in_each_others_place():
    message = (
        "film: path is ndarray. Give the name of a file after the frames, for example "
        '"training.gif".'
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        plot.film("training.gif", X)


def test_what_never_fits_is_refused(path, monkeypatch):
    monkeypatch.setattr(module, "MOST", 5000)
    message = (
        f"film {str(path)!r}: 30 frames do not fit into 0.005 MB. Give fewer; frames[::10] is "
        "every tenth."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plot.film(gray(30, 40, 40), path)
    assert not os.listdir(path.parent)


@pytest.mark.parametrize(
    ("place", "error", "reason"),
    [
        (
            "nowhere/a.gif",
            FileNotFoundError,
            "there is no such folder. Create it first, with os.makedirs.",
        ),
        ("folder.gif", IsADirectoryError, "there is a folder of this name. Choose another name."),
    ],
)
def test_where_no_file_can_be_is_said(tmp_path, place, error, reason):
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(error) as caught:
        plot.film(X, tmp_path / place)
    assert str(caught.value) == f"film {str(tmp_path / place)!r}: {reason}"
    assert not plt.get_fignums()


def test_a_film_replaces_the_older_one_at_the_end_or_not_at_all(path, monkeypatch):
    plot.film(gray(2, 9, 9), path)
    old = path.read_bytes()

    def full(one, other):
        assert path.read_bytes() == old  # until now
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(OSError) as caught:
        patched.setattr(os, "replace", full)
        plot.film(gray(3, 9, 9), path)
    assert str(caught.value) == (
        f"film {str(path)!r}: No space left on device. Is the disk full? The old file has not "
        "changed."
    )
    assert path.read_bytes() == old and os.listdir(path.parent) == [path.name]
    plot.film(gray(3, 9, 9), path)
    assert len(read(path)[0]) == 3
