"""The lessons on pictures and convolution: what each says beyond its claims, against naive loops.

Claims and figures of every lesson are run by test_lessons.py.
"""

from __future__ import annotations

import itertools

import numpy
import pytest

import tinynet as tn
from lessons.convolution import pixels as numbers
from lessons.convolution import pooling, stride_padding, volume


def correlate(x, w, stride, padding):
    """The definition.  x (H, W, C), w (KH, KW, C) -> (OH, OW)"""
    x = numpy.pad(x, ((padding, padding), (padding, padding), (0, 0))).astype(numpy.float64)
    KH, KW, _ = w.shape
    rows = range(0, x.shape[0] - KH + 1, stride)
    columns = range(0, x.shape[1] - KW + 1, stride)
    return numpy.array([[(x[i : i + KH, j : j + KW] * w).sum() for j in columns] for i in rows])


# -- numbers ---------------------------------------------------------------------------------------


def test_the_two_copies_are_16_by_12_and_their_sums_differ_by_50():
    assert numbers.COPIES.shape == (16, 12, 2)
    first, second = numbers.COPIES.sum(axis=(0, 1))
    assert first - second == 256 - 206
    assert numbers.COPIES[0, :3, 0].tolist() == [157, 153, 174]  # as the slide begins
    assert numbers.COPIES[-1, -3:, 1].tolist() == [13, 96, 218]  # and ends


def test_eight_bits_change_the_256_alone():
    kept = numbers.eight_bits()["grids"]
    assert (kept != numbers.COPIES).sum() == 1
    assert kept[3, 0].tolist() == [0, 206]


def test_each_number_has_the_index_that_the_formulas_give():
    r = numbers.shapes("cpu")
    for i in range(64):
        assert r["matrix"][i // 8, i % 8] == r["vector"][i] == i
        assert r["tensor"][i // 16, i // 4 % 4, i % 4] == i


def test_the_photograph_is_whole_numbers_and_its_grey_is_pillows(device):
    from PIL import Image

    color = numbers.photograph(device)
    assert color.shape == (600, 512, 3) and color.dtype == "float32" and color.device == device
    pixels = color.numpy().astype(numpy.uint8)
    numpy.testing.assert_array_equal(pixels, color.numpy())
    pillow = numpy.asarray(Image.fromarray(pixels).convert("L"))
    assert abs(numbers.luma(color).numpy() - pillow).max() <= 1  # Pillow rounds to whole numbers


# -- stride and padding ----------------------------------------------------------------------------


@pytest.mark.parametrize(("H", "K"), [*itertools.product((4, 5, 8, 11), (1, 2, 3, 4))])
def test_the_formula_counts_the_places_where_the_kernel_stands(H, K):
    for S, P in itertools.product((1, 2, 3), (0, 1, 2)):
        places = [i for i in range(-P, H + P, S) if i + K <= H + P]
        assert stride_padding.output_size(H, K, S, P) == len(places)
        assert stride_padding.measured_size(H, K, S, P, "cpu") == len(places)


# (size, jump) after each layer, worked out by hand: the lectures print none of these.
FIELDS = {
    "Keras MNIST": [(3, 1), (5, 1), (6, 2), (10, 2), (14, 2), (16, 4)],
    "TF1 MNIST": [(5, 1), (6, 2), (14, 2), (16, 4)],
    "Fashion-MNIST": [(3, 1), (5, 1), (6, 2)],
    "cartoon encoder": [(3, 2), (7, 4), (15, 8), (31, 16), (63, 32)],
    "dog encoder": [(5, 2), (9, 4), (17, 8)],
    "X or O": [(3, 1), (4, 2)],
}


@pytest.mark.parametrize("name", stride_padding.NETWORKS)
def test_receptive_fields_computed_and_measured(name, device):
    layers = stride_padding.NETWORKS[name]
    assert stride_padding.receptive_fields(layers) == FIELDS[name]
    assert stride_padding.measured_fields(layers, device) == FIELDS[name]


def test_the_gradient_finds_the_pixels_whose_change_changes_the_number():
    layers = stride_padding.NETWORKS["X or O"]
    seen = stride_padding.sight(layers, 10, 1, 2, "cpu") != 0

    def number(x):
        x = numpy.array([[x[i : i + 3, j : j + 3].sum() for j in range(8)] for i in range(8)])
        return x[2:4, 4:6].mean()  # pool 2 x 2 at row 1, column 2

    white = numpy.ones((10, 10))
    for i, j in itertools.product(range(10), range(10)):
        changed = white.copy()
        changed[i, j] += 1
        assert seen[i, j] == (number(changed) != number(white))


def test_the_drawn_cell_begins_at_pixel_128_in_every_layer():
    cartoon = stride_padding.NETWORKS["cartoon encoder"]
    for n, (size, _) in enumerate(FIELDS["cartoon encoder"], 1):
        seen = stride_padding.sight(cartoon[:n], 256, 128 >> n, 128 >> n, "cpu", "same")
        places = numpy.argwhere(seen)
        assert places.min() == 128 and places.max() == 128 + size - 1


def test_parameters_are_the_sizes_of_the_arrays_that_compute_the_layer():
    counts = stride_padding.parameter_counts(28, 4, 2, O=3)
    assert counts["dense"] == numpy.zeros((784, 169 * 3)).size + 169 * 3
    assert counts["locally connected"] == numpy.zeros((13, 13, 16, 3)).size + 169 * 3
    assert counts["convolution"] == numpy.zeros((4, 4, 1, 3)).size + 3
    assert stride_padding.parameter_counts(4, 3, P=1)["dense"] == (16 + 1) * 16


def test_the_dense_matrix_does_what_the_convolution_does(rng, device):
    x = rng.standard_normal((28, 28, 1), dtype=numpy.float32)
    w = rng.standard_normal((4, 4, 1), dtype=numpy.float32)
    matrix = stride_padding.as_dense(tn.Tensor(w[..., None]).to(device), device)
    y = (x.reshape(784) @ matrix).reshape(13, 13)
    numpy.testing.assert_allclose(y, correlate(x, w, 2, 0), atol=1e-4)


def test_a_locally_connected_layer_has_a_filter_for_each_place(rng):
    x = rng.standard_normal((1, 28, 28, 1))
    w = rng.standard_normal((13, 13, 16))
    y = stride_padding.locally_connected(tn.Tensor(x), tn.Tensor(w)).numpy()
    assert y.shape == (1, 13, 13, 1)
    for i, j in ((0, 0), (3, 7), (12, 12)):
        patch = x[0, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4, 0]
        assert y[0, i, j, 0] == pytest.approx((patch.ravel() * w[i, j]).sum())


@pytest.mark.parametrize("seed", range(1, 4))
def test_sharing_is_exact_for_any_weights(seed):
    r = stride_padding.sharing(seed, "cpu")
    assert r["shared"] == r["one filter"] == 0
    assert r["own"] > 100


# -- pooling ---------------------------------------------------------------------------------------

STATISTICS = {
    "max": numpy.max,
    "min": numpy.min,
    "mean": numpy.mean,
    "sum": numpy.sum,
    "L2 norm": numpy.linalg.norm,
}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", STATISTICS)
def test_each_pooling_is_its_statistic_of_every_window(kind, stride, device):
    x, starts = numpy.array(pooling.SLIDE), range(0, 3, stride)
    naive = [[STATISTICS[kind](x[i : i + 2, j : j + 2].ravel()) for j in starts] for i in starts]
    got = pooling.slide_pooled(kind, stride, device)
    numpy.testing.assert_allclose(got, naive, rtol=1e-6)


def test_the_gradient_is_what_a_small_change_of_each_pixel_does(device):
    found, step = pooling.gradients(device), 1e-6
    dy = numpy.array([[10, 20], [30, 40]])
    for kind in ("mean", "sum", "L2 norm"):
        for i, j in itertools.product(range(4), range(4)):
            window = numpy.array(pooling.SLIDE, float)[i // 2 * 2 :, j // 2 * 2 :][:2, :2]
            up, down = window.copy(), window.copy()
            up[i % 2, j % 2] += step
            down[i % 2, j % 2] -= step
            statistic = STATISTICS[kind]
            slope = (statistic(up.ravel()) - statistic(down.ravel())) / (2 * step)
            assert found[kind][i, j] == pytest.approx(slope * dy[i // 2, j // 2], abs=1e-3)
    assert numpy.argwhere(found["max"]).tolist() == [[1, 1], [1, 3], [2, 0], [3, 3]]
    assert numpy.argwhere(found["min"]).tolist() == [[0, 0], [0, 2], [2, 3], [3, 0]]
    for kind in ("max", "min"):  # a window's whole gradient goes to one pixel
        windows = found[kind].reshape(2, 2, 2, 2).sum(axis=(1, 3))
        numpy.testing.assert_array_equal(windows, dy)


def test_a_move_by_nothing_changes_nothing_and_pooling_forgives_the_more_the_larger_it_is():
    for seed in (1, 2):
        change = pooling.changes(pooling.letters(60, seed, "cpu"), pooling.strokes)
        assert all((rows[:, 0] == 0).all() for rows in change.values())
        for name in ("max", "mean"):
            by_one = change[name][:, 1]
            assert (numpy.diff(by_one) < 0).all()  # n = 1, 2, 4, 8
            assert by_one[3] < 0.25 * by_one[0]
        assert change["every n-th"][:, 1].min() > 0.8 * change["max"][0, 1]


def test_letters_keep_all_their_ink_when_they_are_moved():
    ink = pooling.letters(20, 0, "cpu").numpy()
    assert ink.min() == 0 and 0.99 < ink.max() <= 1
    sums = [ink[:, :, s : s + 34].sum() for s in pooling.SHIFTS]
    numpy.testing.assert_allclose(sums, sums[0], rtol=1e-5)


# -- volume ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_the_demo_is_the_definition_with_what_the_slide_prints_of_w1(seed, device):
    r = volume.demo(seed, device)
    assert r["filters"][1, 0].tolist() == [[-1, 0, 0], [0, 0, 1], [0, -1, 1]]
    assert r["filters"][1, 2].tolist() == [[0, 0, -1], [-1, 0, -1], [1, 1, 1]]
    assert r["filters"][1, 1].ravel()[:6].tolist() == [1, -1, 1, 0, 1, 1]
    for o in (0, 1):
        w = r["filters"][o].transpose(1, 2, 0)  # (KH, KW, C)
        naive = correlate(r["image"], w, 2, 0) + r["bias"][o]  # the border is in the image
        numpy.testing.assert_array_equal(r["output"][:, :, o], naive)


def test_the_demo_has_a_border_of_zeros_around_5_by_5():
    image = volume.demo()["image"]
    assert image.shape == (7, 7, 3)
    assert image.sum() == image[1:-1, 1:-1].sum() > 0


@pytest.mark.parametrize(("depth", "filters"), [(1, 1), (3, 1), (3, 3), (3, 5), (7, 2)])
def test_as_many_maps_as_filters_whatever_their_depth(depth, filters, device):
    assert volume.number_of_maps(depth, filters, device) == filters


def test_counted_parameters_are_the_formula_for_odd_sizes_too():
    assert volume.counted(2, 3, 5, 7) == volume.parameters(2, 3, 5, 7) == 2 * 3 * 5 * 7 + 7


def test_for_red_answers_to_red_and_not_to_brightness():
    assert (volume.FOR_RED.sum(axis=2) == 0).all()
    step = numpy.zeros((3, 6, 3), numpy.float32)
    step[:, 3:] = 200  # black, then white
    assert (correlate(step, volume.FOR_RED, 1, 0) == 0).all()
    step[:, 3:, 1:] = 0  # black, then red
    assert correlate(step, volume.FOR_RED, 1, 0).tolist() == [[0, 800, 800, 0]]
