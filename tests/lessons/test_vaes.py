"""The lessons fashion_vae and dogs_vae: their networks and losses, and how they judge pictures."""

from __future__ import annotations

import math

import matplotlib
import numpy
import pytest

import tinynet as tn

matplotlib.use("Agg")

from lessons.generate import dogs_vae, fashion_vae
from lessons.generate.vae import divergence, negative_elbo
from lessons.pictures import Pictures
from tinynet.layers import Dense


def some(shape, count=12, seed=0):
    return numpy.random.default_rng(seed).random((count, *shape), dtype=numpy.float32)


def with_wrong(loss, x):
    """What the loss says of pictures that are not what it takes."""
    codes = tn.Tensor(numpy.zeros((len(x), 4), numpy.float32))
    outputs = tn.Tensor(numpy.zeros((len(x), 32, 32, 1), numpy.float32)), codes, codes
    return loss(outputs, tn.Tensor(x))


ERRORS = {
    "clothes of another size": (
        lambda: fashion_vae.expanded(some((32, 32, 1))),
        "expanded: pictures have shape (12, 32, 32, 1), and (N, 28, 28, 1) is expanded to "
        "(N, 32, 32, 1). Add axes: x[None, :, :, None] for one picture (28, 28).",
    ),
    "one picture of clothes, without its axes": (
        lambda: fashion_vae.expanded(some((28,), 28)),
        "expanded: pictures have shape (28, 28), and (N, 28, 28, 1) is expanded to "
        "(N, 32, 32, 1). Add axes: x[None, :, :, None] for one picture (28, 28).",
    ),
    "clothes of bytes": (
        lambda: with_wrong(negative_elbo, 255 * numpy.ones((2, 32, 32, 1), numpy.float32)),
        "bernoulli_log_likelihood: x must be in [0, 1], and holds 255. Pictures of bytes are "
        "divided by 255.",
    ),
    "clothes that were not expanded, in the loss": (
        lambda: with_wrong(negative_elbo, some((28, 28, 1))),
        "bernoulli_log_likelihood: logits (12, 32, 32, 1) and x (12, 28, 28, 1) have different "
        "shapes. Broadcasting them would compare what does not belong together: reshape one.",
    ),
    "clothes with a beta below 0": (
        lambda: with_wrong(lambda y, x: negative_elbo(y, x, -1), some((32, 32, 1))),
        "negative_elbo: beta must be at least 0, received -1. 1 is the ELBO.",
    ),
    "dogs of another size": (
        lambda: dogs_vae.enlarged(some((28, 28, 1))),
        "enlarged: pictures have shape (12, 28, 28, 1), and (N, 32, 32, 3) is enlarged to "
        "(N, 64, 64, 3). Crop or scale them to 32 x 32 in color first.",
    ),
    "dogs of bytes": (
        lambda: dogs_vae.enlarged(255 * numpy.ones((2, 32, 32, 3), numpy.float32)),
        "enlarged: pictures must be in [0, 1], and hold 255 to 255. Pictures of bytes are divided "
        "by 255.",
    ),
    "dogs that are not numbers": (
        lambda: dogs_vae.enlarged(math.nan * numpy.ones((2, 32, 32, 3), numpy.float32)),
        "enlarged: pictures must be in [0, 1], and hold nan to nan. Pictures of bytes are divided "
        "by 255.",
    ),
    "dogs with a variance of 0": (
        lambda: with_wrong(lambda y, x: dogs_vae.loss(y, x, 0), some((32, 32, 1))),
        "loss: variance must be above 0 and finite, received 0. 0.5 makes it the sum of the "
        "squares and the KL.",
    ),
    "dogs with a variance that is not a number": (
        lambda: with_wrong(lambda y, x: dogs_vae.loss(y, x, math.nan), some((32, 32, 1))),
        "loss: variance must be above 0 and finite, received nan. 0.5 makes it the sum of the "
        "squares and the KL.",
    ),
    "dogs with a beta below 0": (
        lambda: with_wrong(lambda y, x: dogs_vae.loss(y, x, beta=-0.5), some((32, 32, 1))),
        "loss: beta must be at least 0, received -0.5. 1 is the ELBO.",
    ),
    "small dogs in the network": (
        lambda: dogs_vae.encoder(numpy.random.default_rng(0))(some((32, 32, 3), 1)),
        "Model 'encoder': input (N, 32, 32, 3) is not what its Input was made for, (N, 64, 64, 3). "
        "Reshape, pad or scale it, or build another model.",
    ),
}


@pytest.mark.parametrize("wrong", ERRORS)
def test_what_does_not_fit_is_said(wrong):
    call, message = ERRORS[wrong]
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message


# -- clothes ---------------------------------------------------------------------------------------


def test_clothes_are_expanded_by_two_black_pixels_on_each_side():
    x = some((28, 28, 1)) + 0.1
    y = fashion_vae.expanded(x)
    assert y.shape == (12, 32, 32, 1) and y.dtype == numpy.float32
    numpy.testing.assert_array_equal(y[:, 2:30, 2:30], x)
    assert y.sum(dtype=float) == pytest.approx(x.sum(dtype=float))


def test_the_networks_of_clothes_mirror_one_another():
    rng = numpy.random.default_rng(0)
    encoder, decoder = fashion_vae.encoder(16, rng), fashion_vae.decoder(16, rng)
    there = [row.shape for row in encoder.rows() if row.kind in ("InputLayer", "Conv2D")]
    back = [row.shape for row in decoder.rows() if row.kind in ("Reshape", "Conv2DTranspose")]
    assert back[1:] == [(8, 8, 64), (16, 16, 32), (32, 32, 1)]
    assert there[-3:] == [(16, 16, 32), (8, 8, 64), (4, 4, 128)]
    assert back[0] == there[-1]


def test_the_plain_autoencoder_has_one_code_of_the_same_size_and_the_same_decoder():
    rng = numpy.random.default_rng(0)
    plain, vae = fashion_vae.autoencoder(16, rng), fashion_vae.model(16, rng)
    encode, decode = plain.layers
    assert encode.output_shape((32, 32, 1)) == (16,)
    assert vae.encoder.output_shape((32, 32, 1)) == [(16,), (16,)]
    shapes = [[w.shape for w in part.parameters()] for part in (decode, vae.decoder)]
    assert shapes[0] == shapes[1]
    assert all(p.requires_grad for p in plain.parameters())


def test_every_weight_of_the_clothes_gets_a_gradient():
    rng = numpy.random.default_rng(0)
    x = tn.Tensor(some((32, 32, 1), 4))
    vae = fashion_vae.model(4, rng)
    negative_elbo(vae(x), x).backward()
    plain = fashion_vae.autoencoder(4, rng)
    fashion_vae.plain_loss(plain(x), x).backward()
    for network in (vae, plain):
        assert all(abs(p.grad).max() > 0 for p in network.parameters())


def test_the_plain_loss_is_the_cross_entropy_summed_over_the_pixels():
    x, logits = some((3, 3, 1), 5), 4 * some((3, 3, 1), 5, seed=1) - 2
    p = 1 / (1 + numpy.exp(-logits.astype(float)))
    by_hand = -(x * numpy.log(p) + (1 - x) * numpy.log(1 - p)).sum() / 5
    got = fashion_vae.plain_loss(tn.Tensor(logits), tn.Tensor(x)).item()
    assert got == pytest.approx(by_hand, rel=1e-5)


def test_no_reconstruction_costs_less_than_the_floor():
    x = some((4, 4, 1), 6)
    right = numpy.log(x / (1 - x))
    at = fashion_vae.plain_loss(tn.Tensor(right), tn.Tensor(x)).item()
    assert at == pytest.approx(fashion_vae.floor(x), rel=1e-5)
    for moved in (right + 0.1, right - 0.1):
        assert fashion_vae.plain_loss(tn.Tensor(moved), tn.Tensor(x)).item() > at
    assert fashion_vae.floor(numpy.round(x)) == 0


def test_codes_like_others_have_their_mean_and_covariance():
    rng = numpy.random.default_rng(0)
    mix = numpy.array([[2.0, 1.5], [0.0, 0.5]])
    codes = rng.standard_normal((4000, 2)) @ mix + [3, -7]
    drawn = fashion_vae.drawn_like(codes, 40_000, rng)
    assert drawn.dtype == numpy.float32
    numpy.testing.assert_allclose(drawn.mean(axis=0), codes.mean(axis=0), atol=0.05)
    numpy.testing.assert_allclose(numpy.cov(drawn.T), numpy.cov(codes.T), rtol=0.05)


def test_codes_of_one_number_can_be_drawn_too():
    rng = numpy.random.default_rng(0)
    assert fashion_vae.drawn_like(rng.standard_normal((50, 1)), 7, rng).shape == (7, 1)


class Judge(tn.Module):
    """Is sure of the class k that the first inner pixel names as k / 10; at 0, of none."""

    def forward(self, x):
        assert x.shape[1:] == (28, 28, 1)
        named = numpy.rint(10 * x.numpy()[:, 0, 0, 0]).astype(int)
        logits = 10 * numpy.eye(10, dtype=numpy.float32)[named]
        return tn.Tensor(logits * (named > 0)[:, None])


def test_the_judge_counts_what_it_is_sure_of_and_the_kinds():
    images = numpy.zeros((8, 32, 32, 1), numpy.float32)
    images[:, 2, 2, 0] = numpy.array([1, 1, 2, 2, 3, 3, 0, 0]) / 10
    verdict = fashion_vae.judged(Judge(), images)
    assert verdict["sure"] == 6 / 8  # of the two others it holds all ten classes for as likely
    numpy.testing.assert_allclose(verdict["classes"], [0.25] * 4 + [0] * 6)
    assert verdict["kinds"] == pytest.approx(4)
    entropy = [-p * math.log(p) - (1 - p) * math.log(1 - p) for p in (0.1, 0.2, 0.3)]
    assert verdict["grey"] == pytest.approx(sum(entropy) / 4, rel=1e-5)
    images[:, 2, 2, 0] = 0.5
    assert fashion_vae.judged(Judge(), images)["kinds"] == pytest.approx(1)


# -- dogs ------------------------------------------------------------------------------------------


def test_the_dogs_network_has_the_slides_shapes():
    rng = numpy.random.default_rng(0)
    encoder, decoder = dogs_vae.encoder(rng), dogs_vae.decoder(rng)
    there = [row.shape for row in encoder.rows() if row.kind == "Conv2D"]
    back = [row.shape for row in decoder.rows() if row.kind == "Conv2DTranspose"]
    assert there == [(32, 32, 64), (16, 16, 128), (8, 8, 256)]
    assert back == [(16, 16, 128), (32, 32, 64), (64, 64, 3)]
    kernels = [layer.kernel_size for layer in encoder.layers if hasattr(layer, "kernel_size")]
    assert kernels == [(5, 5), (3, 3), (3, 3)]
    assert [layer.kernel_size[0] for layer in decoder.layers if hasattr(layer, "kernel_size")] == [
        5,
        3,
        3,
    ]
    z = numpy.random.default_rng(1).standard_normal((2, 128), dtype=numpy.float32)
    y = tn.predict(decoder, 50 * z)
    assert y.min() >= 0 and y.max() <= 1


@pytest.mark.parametrize(("kernels", "count"), [((5, 3, 3), 894_851), ((3, 3, 5), 373_635)])
def test_the_order_of_the_kernels_counts(kernels, count):
    sizes = zip(kernels, (256, 128, 64), (128, 64, 3), strict=True)
    assert sum(k * k * before * after + after for k, before, after in sizes) == count
    rows = dogs_vae.decoder(numpy.random.default_rng(0), kernels).rows()
    assert sum(row.parameters for row in rows if row.kind == "Conv2DTranspose") == count


def test_both_readings_of_256_have_the_same_parameters():
    rng = numpy.random.default_rng(0)
    dense, *_ = [row for row in dogs_vae.encoder(rng).rows() if row.kind == "Dense"]
    x = tn.Input((8 * 8 * 256,))
    heads = tn.Model(x, [Dense(dogs_vae.LATENT)(x), Dense(dogs_vae.LATENT)(x)], rng=rng)
    assert dense.parameters == sum(row.parameters for row in heads.rows()) == 4_194_560


def test_enlarged_pictures_keep_their_range_and_their_mean():
    x = some((32, 32, 3), 3)
    y = dogs_vae.enlarged(x)
    assert y.shape == (3, 64, 64, 3) and y.dtype == numpy.float32
    assert y.min() >= 0 and y.max() <= 1
    numpy.testing.assert_allclose(y.mean(axis=(1, 2)), x.mean(axis=(1, 2)), rtol=0.01)


@pytest.mark.parametrize("real", [True, False])
def test_only_dogs_are_taken_or_drawn_cats(monkeypatch, real):
    names = tn.data.class_names("cifar10") if real else tn.data.COLOR_CLASSES
    labels = numpy.arange(60) % 10
    x = numpy.broadcast_to(
        (labels / 10).astype(numpy.float32)[:, None, None, None], (60, 32, 32, 3)
    )
    found = Pictures(x, labels, x[:30], labels[:30], names, "pictures", real)
    monkeypatch.setattr(dogs_vae.pictures, "cifar10", lambda train, test, seed: found)
    data = dogs_vae.dogs(4, 2, 0)
    assert data.train.shape == (4, 64, 64, 3) and data.test.shape == (2, 64, 64, 3)
    label = 5 if real else 9
    assert names[label] == ("dog" if real else "cat")
    numpy.testing.assert_allclose(data.train, label / 10, rtol=1e-6)
    assert data.source == ("dogs of CIFAR-10, enlarged" if real else "drawn cats, enlarged")
    assert len(dogs_vae.dogs(None, None, 0).train) == 6


def outputs_of(count=5, seed=3):
    rng = numpy.random.default_rng(seed)
    shapes = (count, 4, 4, 3), (count, 6), (count, 6)
    return tuple(tn.Tensor(rng.standard_normal(s).astype(numpy.float32)) for s in shapes)


def test_half_is_the_sum_of_squares_and_half_of_the_count_is_their_mean():
    y, mean, log_var = outputs_of()
    x = tn.Tensor(some((4, 4, 3), 5))
    D = 4 * 4 * 3
    squares = ((y.numpy() - x.numpy()) ** 2).reshape(5, D)
    kl = divergence((y, mean, log_var), x).item()
    got = dogs_vae.loss((y, mean, log_var), x, 1 / 2).item()
    assert got == pytest.approx(squares.sum(axis=1).mean() + kl, rel=1e-5)
    got = dogs_vae.loss((y, mean, log_var), x, D / 2, beta=3).item()
    assert got == pytest.approx(squares.mean() + 3 * kl, rel=1e-5)
    assert dogs_vae.MEAN == 64 * 64 * 3 / 2


def test_the_loss_is_the_gaussian_likelihood_but_for_a_constant():
    y, mean, log_var = outputs_of()
    one, other = (tn.Tensor(some((4, 4, 3), 5, seed)) for seed in (1, 2))
    v, D = 0.3, 4 * 4 * 3
    for x in (one, other):
        density = tn.gaussian_log_likelihood(y, x, math.log(v)).item()
        constant = D / 2 * math.log(2 * math.pi * v)  # of -log N(x; y, v), the same for every x
        got = dogs_vae.loss((y, mean, log_var), x, v, beta=0).item()
        assert got == pytest.approx(-density - constant, rel=1e-4)


def test_the_spread_of_pictures_in_0_to_1_is_at_most_a_quarter_a_number():
    x = some((64, 64, 3), 6)
    x[:3], x[3:] = 0, 1  # as far apart as they can be
    assert dogs_vae.spread(x) == pytest.approx(dogs_vae.NUMBERS / 4)
    y = some((4, 4, 3), 9)
    by_hand = ((y - y.mean(axis=0)) ** 2).sum(axis=(1, 2, 3)).mean()
    assert dogs_vae.spread(y) == pytest.approx(float(by_hand), rel=1e-5)


def test_the_nats_of_the_numbers_add_up_to_the_divergence():
    _, mean, log_var = outputs_of()
    units = dogs_vae.nats_of_units(mean.numpy(), log_var.numpy())
    assert units.shape == (6,)
    assert units.sum() == pytest.approx(tn.kl_standard_normal(mean, log_var).item(), rel=1e-5)
    zeros = numpy.zeros((4, 3), numpy.float32)
    assert (dogs_vae.nats_of_units(zeros, zeros) == 0).all()


def test_detail_is_the_difference_of_neighboring_blocks_and_a_mesh_is_none():
    steps = numpy.broadcast_to(numpy.arange(8.0)[None, :, None, None], (2, 8, 8, 3))
    assert dogs_vae.detail(steps) == 1  # 2 down, 0 across
    assert dogs_vae.detail(steps.swapaxes(1, 2)) == 1
    assert dogs_vae.detail(steps % 2) == dogs_vae.detail(steps.swapaxes(1, 2) % 2) == 0
