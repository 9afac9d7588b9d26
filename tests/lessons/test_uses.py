"""The lesson uses: rounding to bits, nearest neighbours, scores of anomalies, tints, halving."""

from __future__ import annotations

import math
import re

import matplotlib
import numpy
import pytest

import tinynet as tn

matplotlib.use("Agg")

from lessons.autoencode import anomaly, compression, restoring, uses
from lessons.pictures import Pictures

NAMES = tn.data.class_names("fashion_mnist")


def some(rng, train=40, test=20):
    """Pictures of noise, a tenth of them of each class."""
    x, u = (rng.random((n, 28, 28, 1), dtype=numpy.float32) for n in (train, test))
    digits = tuple("0123456789")
    return Pictures(x, numpy.arange(train) % 10, u, numpy.arange(test) % 10, digits, "noise", False)


# -- compression -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_rounded_codes_have_2_to_the_bits_levels_and_the_nearest_one(bits, rng):
    low, high = numpy.float32([-1, 2]), numpy.float32([3, 2.5])
    codes = (low + (high - low) * rng.random((500, 2))).astype(numpy.float32)
    found = compression.rounded(codes, low, high, bits)
    assert found.dtype == numpy.float32
    for z, back, a, b in zip(codes.T, found.T, low, high, strict=True):
        levels = numpy.linspace(a, b, 2**bits)
        nearest = levels[abs(z[:, None] - levels).argmin(axis=1)]
        numpy.testing.assert_allclose(back, nearest, atol=1e-5)


def test_codes_outside_are_cut_off_and_one_that_never_changes_is_kept():
    codes = numpy.float32([[-9, 5], [9, 5]])
    found = compression.rounded(codes, numpy.float32([0, 5]), numpy.float32([1, 5]))
    numpy.testing.assert_array_equal(found, [[0, 5], [1, 5]])


@pytest.mark.parametrize("bits", [0, 9, True, 2.0])
def test_other_numbers_of_bits_are_refused(bits):
    message = (
        f"rounded: bits must be a whole number from 1 to 8, received {bits!r}. Give 8, a byte "
        "a number."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        compression.rounded(numpy.zeros((1, 1)), 0, 1, bits)


def test_shrunk_pictures_hold_so_many_levels_in_so_many_pixels(rng):
    x = rng.random((3, 28, 28, 1), dtype=numpy.float32)
    assert compression.shrunk(x, 8, 4).shape == x.shape
    (constant,) = compression.shrunk(numpy.full((1, 28, 28, 1), 0.43, numpy.float32), 8, 2)
    numpy.testing.assert_allclose(constant, 1 / 3, atol=1e-6)  # the nearest of 0, 1/3, 2/3, 1


def checkerboards(side):
    """Pictures (2, 16, 16, 1), 0 and 1 in turn, of so many squares a side."""
    rows, columns = numpy.indices((16, 16)) * side // 16
    board = ((rows + columns) % 2).astype(numpy.float32)
    return numpy.stack([board, 1 - board])[..., None]


def test_the_best_split_of_the_bytes_is_found():
    assert compression.best_split(checkerboards(16), 32) == (16, 1)  # all pixels, black or white
    grey = numpy.full((2, 16, 16, 1), 37 / 255, numpy.float32)
    assert compression.best_split(grey, 32) == (5, 8)  # the only levels with one so near


def test_compression_compares_equal_bytes_of_unseen_pictures(rng, capsys):
    data = some(rng, train=60)
    data = data._replace(train=numpy.full_like(data.train, 37 / 255))  # asks for many bits
    encoder, decoder = uses.model(rng)
    x, test = uses.flat(data.train), uses.flat(data.test)
    mean, V = x.mean(axis=0), numpy.linalg.qr(rng.normal(size=(784, 32)))[0].astype(numpy.float32)
    codes = compression.codes(x, test, encoder, mean, V)
    assert [z.shape for pair in codes.values() for z in pair] == [(60, 32), (20, 32)] * 2
    for by in codes:  # so that the training codes have a range
        codes[by] = codes[by][1], codes[by][1]
    found = compression.compress(data, codes, decoder, mean, V, bits=4)
    assert found["bytes"] == [16, 16, 16] and "4 x 4 of 8-bit" in capsys.readouterr().out
    for name, y in found["pictures"].items():
        assert y.shape == data.test.shape and y.min() >= 0 and y.max() <= 1
        squares = [(float(a) - float(b)) ** 2 for a, b in zip(y.flat, data.test.flat, strict=True)]
        by_hand = 10 * math.log10(len(squares) / math.fsum(squares))
        assert found["psnr"][name] == pytest.approx(by_hand, rel=1e-5)
    whole = numpy.clip(mean + (test - mean) @ V @ V.T, 0, 1)  # PCA without rounding
    fine = compression.compress(data, codes, decoder, mean, V)
    numpy.testing.assert_allclose(fine["pictures"]["PCA"].reshape(20, -1), whole, atol=0.03)
    assert fine["bytes"] == [32, 32, 25]
    assert list(found["pictures"]) == ["autoencoder", "PCA", "4 x 4 pixels"]
    labels = [t.get_text() for t in compression.draw(found, 3).axes[0].get_yticklabels()]
    assert labels[0] == "784 bytes" and labels[1].startswith("autoencoder, 16 bytes\n")


# -- search ----------------------------------------------------------------------------------------


def test_the_nearest_are_those_of_a_loop_nearest_first(rng):
    collection, asked = rng.normal(size=(30, 4)), rng.normal(size=(700, 4))  # two pieces
    found = anomaly.nearest(collection, asked, 3)
    for places, point in zip(found, asked, strict=True):
        distance = [sum((point - other) ** 2) for other in collection]
        assert list(places) == sorted(range(30), key=distance.__getitem__)[:3]


def test_all_may_be_asked_for():
    found = anomaly.nearest(numpy.array([[5.0], [1], [3]]), numpy.array([[0.0]]), 3)
    numpy.testing.assert_array_equal(found, [[1, 2, 0]])


@pytest.mark.parametrize("k", [0, 4, True, 1.0])
def test_other_numbers_of_neighbors_are_refused(k):
    message = (
        f"nearest: k must be a whole number from 1 to N, which is 3, received {k!r}. Ask for "
        "fewer, or give more pictures."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        anomaly.nearest(numpy.zeros((3, 1)), numpy.zeros((1, 1)), k)


def test_the_share_is_of_neighbours_with_the_same_label(rng):
    data = some(rng, 40, 2)  # of the classes 0 and 1
    seen = numpy.arange(40.0)[:, None]
    asked = numpy.array([[10.1], [20.1]])  # nearest: 10 and 11, 20 and 21
    found = uses.search(data, {"code": (seen, asked), "pixels": (seen, asked + 1)}, k=2)
    numpy.testing.assert_array_equal(found["found"]["code"], [[10, 11], [20, 21]])
    assert found["share"] == {"code": 0.5, "pixels": 0.25}
    figure = uses.draw_search(data, found, count=2)
    assert "code (of all: 50.0% right)" in figure.axes[1].get_title()
    tiles = figure.axes[1].images[0].get_array()
    assert tiles.shape == (28, 2 * 28 + 1)


# -- anomalies -------------------------------------------------------------------------------------


def test_the_score_is_a_mean_over_pixels_for_each_picture():
    x = numpy.zeros((2, 4))
    numpy.testing.assert_allclose(anomaly.squared_error(numpy.array([1.0, 0, 0, 2]), x), 5 / 4)
    drawn = numpy.repeat([[1.0], [3]], 4, axis=1)
    numpy.testing.assert_allclose(anomaly.squared_error(drawn, x), [1, 9])


def test_each_other_class_is_held_against_the_normal_one_alone():
    score = numpy.array([1.0, 2, 0, 3, 5, 6])
    labels = numpy.array([8, 8, 1, 1, 4, 4])
    assert anomaly.against(score, labels, 8) == {1: 0.5, 4: 1.0}


def test_the_network_sees_the_normal_class_only(rng):
    data = some(rng, 60, 20)
    data.train[data.train_labels != 3] = numpy.nan  # the loss would not be finite
    found = anomaly.scores(data, 3, 1, 0, "cpu")
    assert all(numpy.isfinite(score).all() and len(score) == 20 for score in found.values())


def test_the_plain_scores_are_those_of_loops(rng):
    data = some(rng, 60, 5)
    found = anomaly.scores(data, 3, 1, 0, "cpu")
    x, test = uses.flat(data.train[data.train_labels == 3]), uses.flat(data.test)
    nearest = [min(((a - b) ** 2).mean() for a in x) for b in test]
    numpy.testing.assert_allclose(found["nearest picture"], nearest, rtol=1e-4)
    mean = sum(x) / len(x)
    numpy.testing.assert_allclose(
        found["mean picture"], [((mean - b) ** 2).mean() for b in test], rtol=1e-4
    )


def test_pca_of_fewer_pictures_than_pixels_is_clipped(rng):
    x, test = 0.5 + 0.02 * rng.normal(size=(2, 30, 40))  # 30 pictures of 40 pixels
    V = numpy.linalg.svd(x - x.mean(axis=0))[2][: anomaly.CODE].T
    by_hand = x.mean(axis=0) + (test - x.mean(axis=0)) @ V @ V.T
    numpy.testing.assert_allclose(anomaly.linear(x, test), by_hand, atol=1e-12)
    dark = anomaly.linear(x - 0.5, test - 0.5)
    numpy.testing.assert_allclose(dark, numpy.maximum(by_hand - 0.5, 0), atol=1e-12)


# -- colors ----------------------------------------------------------------------------------------


def test_every_tint_is_equally_bright_and_in_range():
    tints = restoring.tint(numpy.linspace(0, 1, 50))
    numpy.testing.assert_allclose(tints @ restoring.LUMA, 0.5, atol=1e-6)
    assert tints.min() >= 0 and tints.max() <= 1
    assert tints.dtype == numpy.float32
    assert tints[0].argmax() == 0 and restoring.tint([1 / 3])[0].argmax() == 1


def test_the_rule_gives_a_class_one_hue_and_others_any(rng):
    x = rng.random((200, 2, 2, 1), dtype=numpy.float32)
    labels = numpy.arange(200) % 10
    found, by_rule = restoring.tinted(x, labels, NAMES, rng)
    assert found.shape == (200, 2, 2, 3) and found.dtype == numpy.float32
    numpy.testing.assert_allclose(restoring.grey(found), x / 2, atol=1e-6)
    tints = (found / x)[:, 0, 0]
    for k, name in enumerate(NAMES):
        same = name in restoring.HUES
        assert (by_rule[labels == k] == same).all()
        assert (numpy.ptp(tints[labels == k], axis=0).max() < 1e-3) == same
    numpy.testing.assert_allclose(tints[labels == 1], restoring.tint([0.62] * 20), atol=1e-3)


def test_a_mean_of_any_hues_is_no_color():
    mean = restoring.tint(numpy.arange(600) / 600).mean(axis=0)
    numpy.testing.assert_allclose(mean, 0.5, atol=0.01)


# -- resolution ------------------------------------------------------------------------------------


def test_halved_pictures_are_means_of_four_pixels(rng):
    x = rng.random((2, 4, 6, 3))
    found = restoring.halved(x)
    assert found.shape == (2, 2, 3, 3)
    for n, i, j, c in numpy.ndindex(found.shape):
        four = x[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c]
        assert found[n, i, j, c] == pytest.approx(four.mean())


def test_an_odd_side_cannot_be_halved():
    message = (
        "halved: pictures (1, 27, 28, 1) have an odd side. Leave out a row or a column of pixels."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        restoring.halved(numpy.zeros((1, 27, 28, 1)))


def test_what_is_drawn_are_probabilities(rng):
    network = tn.Sequential([tn.layers.Dense(3)], (2,), rng)
    x = rng.normal(size=(5, 2)).astype(numpy.float32)
    kernel, bias = (p.numpy() for p in network.parameters())
    by_hand = 1 / (1 + numpy.exp(-(x @ kernel + bias)))
    numpy.testing.assert_allclose(restoring.drawn(network, x), by_hand, rtol=1e-5)


def test_bicubic_keeps_a_ramp_and_the_range_and_takes_height_first():
    ramp = numpy.broadcast_to(numpy.linspace(0, 1, 14, dtype=numpy.float32), (1, 14, 14))[..., None]
    found = restoring.bicubic(ramp, (20, 28))
    assert found.shape == (1, 20, 28, 1)
    inside = found[0, 10, 6:-6, 0]
    numpy.testing.assert_allclose(numpy.diff(inside), 1 / 26, atol=1e-4)
    step = (ramp > 0.5).astype(numpy.float32)
    assert restoring.bicubic(step, (28, 28)).max() == 1  # it would overshoot


def test_the_networks_fit_their_pictures(rng):
    assert restoring.enlarger(rng).output_shape((14, 14, 1)) == (28, 28, 1)
    assert restoring.painter(rng).output_shape((28, 28, 1)) == (28, 28, 3)
    encoder, decoder = uses.model(rng)
    assert encoder.output_shape((784,)) == (32,) and decoder.output_shape((32,)) == (784,)
    assert anomaly.model(rng).output_shape((784,)) == (784,)


# -- all of it -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])  # seed 0 is the lesson's own
def test_every_claim_holds_from_other_starts(seed, pytestconfig):
    if not pytestconfig.getoption("--own-size"):
        pytest.skip("takes a quarter of a minute: pytest --own-size")
    claims = uses.claims(uses.main(seed=seed))
    assert [claim for claim in claims if not claim.holds] == []
