"""PCA, the lessons pca_against_autoencoder and latent_size: the mathematics, on few numbers."""

from __future__ import annotations

import functools

import matplotlib
import numpy
import pytest

import tinynet as tn

matplotlib.use("Agg")

from lessons.autoencode import latent_size as latent
from lessons.autoencode import pca_against_autoencoder as against
from lessons.autoencode.pca import error, pca, through
from lessons.pictures import Pictures


@pytest.fixture
def x():
    """60 examples of 7 numbers, of clearly different singular values, away from 0."""
    rng = numpy.random.default_rng(0)
    scales = numpy.array([9.0, 6, 4, 2, 1, 0.5, 0.1])
    return (rng.normal(size=(60, 7)) * scales) @ orthonormal(7, 7, 1) + rng.normal(size=7) * 5


def orthonormal(rows, columns, seed):
    return numpy.linalg.qr(numpy.random.default_rng(seed).normal(size=(rows, columns)))[0]


# -- PCA -------------------------------------------------------------------------------------------


def test_pca_finds_the_eigenvectors_of_the_covariance(x):
    mean, V, values = pca(x)
    numpy.testing.assert_allclose(mean, x.mean(axis=0))
    variances, vectors = numpy.linalg.eigh(numpy.cov(x.T, bias=True))
    numpy.testing.assert_allclose(values**2 / len(x), variances[::-1])
    numpy.testing.assert_allclose(abs((V * vectors[:, ::-1]).sum(axis=0)), 1)


def test_what_pca_loses_is_the_sum_of_the_squares_that_are_left(x):
    mean, V, values = pca(x)
    for Z in range(8):
        lost = error(through(x, mean, V[:, :Z]), x)
        numpy.testing.assert_allclose(lost, (values[Z:] ** 2).sum() / len(x), atol=1e-9)


def test_no_other_subspace_through_the_mean_loses_less(x):
    mean, V, _ = pca(x)
    least = error(through(x, mean, V[:, :3]), x)
    others = [error(through(x, mean, orthonormal(7, 3, s)), x) for s in range(50)]
    assert min(others) > least


def test_the_errors_of_all_code_sizes_are_those_of_the_reconstructions(x):
    mean, V, _ = pca(x[:40])
    unseen = x[40:]
    each = [error(through(unseen, mean, V[:, :Z]), unseen) for Z in range(8)]
    numpy.testing.assert_allclose(against.errors(unseen, mean, V), each, atol=1e-9)


def test_the_error_is_summed_over_pixels_and_averaged_over_pictures():
    assert error(numpy.array([[1.0, 2, 3], [0, 0, 0]]), numpy.zeros((2, 3))) == 7


def test_pca_of_fewer_examples_than_numbers_has_zeros_for_the_rest(x):
    mean, V, values = pca(x[:4])
    assert V.shape == (7, 7) and values.shape == (7,)
    numpy.testing.assert_allclose(V.T @ V, numpy.eye(7), atol=1e-12)
    numpy.testing.assert_allclose(values[3:], 0, atol=1e-6)
    numpy.testing.assert_allclose(through(x[:4], mean, V[:, :3]), x[:4])


# -- the angles ------------------------------------------------------------------------------------


def test_the_angles_of_planes_that_are_turned_by_known_angles():
    turn = numpy.radians([10, 40])
    a = numpy.eye(5)[:, :2] * 3
    b = numpy.zeros((5, 2))
    b[[0, 1], [0, 1]], b[[2, 3], [0, 1]] = numpy.cos(turn), numpy.sin(turn)
    numpy.testing.assert_allclose(against.principal_angles(a, b), [10, 40])


def test_another_basis_of_the_same_subspace_is_at_no_angle():
    a = orthonormal(20, 4, 0)
    mix = numpy.random.default_rng(1).normal(size=(4, 4))
    assert against.principal_angles(a, a @ mix).max() < 1e-5
    assert against.principal_angles(a, orthonormal(20, 4, 1)).max() > 30


def test_one_direction_outside_is_at_90_degrees():
    angles = against.principal_angles(numpy.eye(4)[:, :2], numpy.eye(4)[:, [0, 2]])
    numpy.testing.assert_allclose(angles, [0, 90], atol=1e-6)


# -- the autoencoders ------------------------------------------------------------------------------


def test_the_linear_autoencoder_is_linear_and_the_other_is_not():
    rng = numpy.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 28, 28, 1)).astype(numpy.float32)
    linear = against.linear(rng, 4)
    networks = {
        False: lambda x: tn.predict(linear, against.flat(x)),
        True: functools.partial(tn.predict, latent.Autoencoder(4, rng)),
    }
    for nonlinear, network in networks.items():
        middle, mean = network((a + b) / 2), (network(a) + network(b)) / 2
        assert bool(abs(middle - mean).max() > 1e-3) is nonlinear


def test_pca_put_into_the_linear_autoencoder_gives_pcas_pictures_in_any_basis():
    rng = numpy.random.default_rng(0)
    x = rng.random((800, 784), dtype=numpy.float32)
    mean, V, _ = pca(x)
    V = V[:, :4]
    mix = numpy.diag([2.0, -1, 0.5, 1]) + 0.1
    network = against.linear(rng, 4)
    encoder, decoder = network.layers
    encoder.kernel.data[...] = V @ numpy.linalg.inv(mix)
    encoder.bias.data[...] = -(mean @ V) @ numpy.linalg.inv(mix)
    decoder.kernel.data[...] = mix @ V.T
    decoder.bias.data[...] = mean
    expected = through(x, mean, V)
    numpy.testing.assert_allclose(tn.predict(network, x), expected, atol=1e-4)
    assert against.principal_angles(decoder.kernel.numpy().T, V).max() < 0.01


def test_the_shapes_of_the_nonlinear_network_of_both_lessons():
    assert against.Autoencoder is latent.Autoencoder
    rng = numpy.random.default_rng(0)
    network = latent.Autoencoder(5, rng)
    shapes = [row.shape for part in (network.encoder, network.decoder) for row in part.rows()]
    assert shapes == [(784,), (256,), (64,), (5,), (64,), (256,), (784,), (28, 28, 1)]
    pictures = rng.random((3, 28, 28, 1), dtype=numpy.float32)
    assert tn.predict(network.encoder, pictures).shape == (3, 5)
    again = tn.predict(network, pictures)
    assert again.shape == pictures.shape
    assert again.min() >= 0 and again.max() <= 1


# -- the slide's tables ----------------------------------------------------------------------------


def test_the_slides_tables():
    two, five, truth = (latent.printed(which) for which in (2, 5, "truth"))
    assert two.shape == five.shape == truth.shape == (100,)
    assert (latent.differing(two, truth), latent.differing(five, truth)) == (18, 11)
    assert truth[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert truth[90:].tolist() == [3, 6, 9, 3, 1, 4, 1, 7, 6, 9]
    row, column = latent.MISREAD
    place = 10 * (row - 1) + column - 1
    assert [table[place] for table in (two, five, truth)] == [9, 9, 9]


def test_the_slides_truth_is_that_of_mnist_but_for_one_place():
    try:
        labels = tn.data.mnist("test")[1][:100]
    except tn.data.DataNotFoundError:
        pytest.skip("MNIST is not here")
    truth = latent.printed("truth")
    assert numpy.flatnonzero(truth != labels).tolist() == [80]
    assert (truth[80], labels[80]) == (9, 7)
    assert latent.differing(latent.printed(2), labels) == 19
    assert latent.differing(latent.printed(5), labels) == 12


def test_the_slides_loss_is_the_sum_over_the_pixels():
    a, b = numpy.zeros((4, 28, 28, 1), numpy.float32), numpy.full((4, 28, 28, 1), 0.5, "f4")
    assert latent.squared_error(tn.Tensor(a), tn.Tensor(b)).item() == 784 / 4


# -- what is counted and drawn ---------------------------------------------------------------------


def results(real=True):
    rng = numpy.random.default_rng(0)
    labels = rng.integers(10, size=160)
    labels[:100] = latent.printed("truth")
    labels[80] = 7
    x = rng.random((160, 28, 28, 1), dtype=numpy.float32)
    wrong = {"originals": (2, 3), 5: (12, 10), 2: (30, 25)}  # of the first 100, of the rest
    read = {}
    for which, (first, rest) in wrong.items():
        read[which] = labels.copy()
        read[which][:first] = (labels[:first] + 1) % 10
        read[which][100 : 100 + rest] = (labels[100 : 100 + rest] + 1) % 10
    data = Pictures(x, labels, x, labels, tuple("0123456789"), "some digits", real)
    found = {"data": data, "pictures": dict.fromkeys(read, x), "read": read}
    return found | {"error": {2: 30.0, 5: 20.0}}


def test_what_is_misread_is_counted_in_the_grid_and_in_the_rest():
    found = results()
    counts = [[latent.misread(found, k, p) for p in (latent.FIRST, latent.REST)] for k in (2, 5)]
    assert counts == [[30, 25], [12, 10]]


@pytest.mark.parametrize("real", [True, False])
def test_latent_size_claims_what_mnist_says_of_the_slide_only_of_mnist(real):
    claims = latent.claims(results(real))
    assert [claim for claim in claims if not claim.holds] == []
    assert any("MNIST" in claim.what for claim in claims) is real


def test_latent_size_fails_where_five_numbers_are_no_better():
    found = results()
    found["read"][5] = found["read"][2]
    failed = [claim.what for claim in latent.claims(found) if not claim.holds]
    assert any(what.startswith("first 100") for what in failed)
    assert any("from 2 over from 5" in what for what in failed)


def test_the_grids_frame_what_is_misread_and_say_as_what():
    found = results()
    figure = latent.draw_grids(found)
    for axes, which in zip(figure.axes, (2, 5, "originals"), strict=True):
        count = latent.misread(found, which, latent.FIRST)
        assert len(axes.patches) == count
        if which != "originals":  # the 12th is in the second row, in the second place
            assert axes.patches[11].get_xy() == (28.5, 28.5)
        said = [int(text.get_text()) for text in axes.texts]
        assert said == found["read"][which][:count].tolist()
        assert f"{count} of 100 misread, against the labels" in axes.get_title()
    titles = [axes.get_title() for axes in figure.axes]
    assert "18, against its own ground truth" in titles[0]
    assert "11, against its own ground truth" in titles[1]


def test_the_map_decodes_each_place_with_its_own_coordinates():
    network = latent.Autoencoder(2, numpy.random.default_rng(0))
    x = numpy.random.default_rng(1).random((50, 28, 28, 1), dtype=numpy.float32)
    found = latent.survey(network, x, 4)
    assert numpy.all(numpy.diff(found["down"]) < 0) and numpy.all(numpy.diff(found["across"]) > 0)
    z = numpy.array([[found["across"][3], found["down"][1]]], numpy.float32)
    expected = tn.predict(network.decoder, z)[0, :, :, 0]
    numpy.testing.assert_allclose(found["drawn"][1, 3], expected, atol=1e-6)
    numpy.testing.assert_array_equal(found["codes"], tn.predict(network.encoder, x))


def test_the_arrival_is_the_first_step_within_a_percent():
    curve = numpy.array([[0, 9.0, 90], [50, 1.02, 20], [100, 1.01, 8], [150, 1.0, 1]])
    assert against.arrival({"curve": curve}) == (100, 8.0)
    assert against.arrival({"curve": curve[:2]}) == (-1, 0.0)


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: pca(numpy.zeros(7)),
            "pca: x must be (N, D) with N > 1, received (7,). Give two examples or more, each a "
            "row.",
        ),
        (
            lambda: pca(numpy.zeros((1, 7))),
            "pca: x must be (N, D) with N > 1, received (1, 7). Give two examples or more, each a "
            "row.",
        ),
        (
            lambda: against.principal_angles(numpy.zeros((5, 2)), numpy.zeros((5, 3))),
            "principal_angles: a and b must both be (D, Z) with Z <= D, received (5, 2) and "
            "(5, 3). Make each vector a column.",
        ),
        (
            lambda: latent.printed(3),
            'printed: which must be 2, 5 or "truth", received 3. The slide has these three grids.',
        ),
        (
            lambda: latent.differing(numpy.zeros(3), numpy.zeros(4)),
            "differing: read and truth must have one shape, received (3,) and (4,). Give both of "
            "the same pictures.",
        ),
        (
            lambda: latent.main(test=100),
            "main: test must be above 100, received 100. The grids take the first 100: give 1100.",
        ),
    ],
)
def test_the_message(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message


def test_full_takes_all_pictures_whatever_test_is(monkeypatch):
    class Asked(Exception):
        pass

    def mnist(*received):
        raise Asked(received)

    monkeypatch.setattr(latent.pictures, "mnist", mnist)
    with pytest.raises(Asked) as asked:
        latent.main(test=100, full=True)
    assert asked.value.args[0] == (None, None, 0)
