"""The lessons denoising_autoencoder and contractive_autoencoder: noise, filters and the penalty.

Claims and figures of every lesson are run by test_lessons.py.
"""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from lessons.autoencode import contractive_autoencoder as contractive
from lessons.autoencode import denoising_autoencoder as denoising

NOISES = [denoising.gaussian, denoising.salt_and_pepper, denoising.missing_squares]


@pytest.fixture
def x(rng):
    """Pictures of two channels whose height is not their width."""
    return rng.uniform(0.3, 0.7, size=(200, 14, 22, 2)).astype(numpy.float32)


# -- denoising: the three kinds of noise -----------------------------------------------------------


@pytest.mark.parametrize("corrupt", NOISES)
def test_noise_keeps_shape_dtype_and_range_and_leaves_the_picture_alone(corrupt, x, rng):
    before = x.copy()
    for dtype in (numpy.float32, numpy.float64):
        y = corrupt(x.astype(dtype), numpy.float64(0.5), rng)  # which promotes
        assert y.shape == x.shape and y.dtype == dtype
        assert y.min() >= 0 and y.max() <= 1
    numpy.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("corrupt", NOISES)
def test_noise_is_of_its_generator_and_new_at_each_call(corrupt, x):
    rng = numpy.random.default_rng(3)
    first, second = corrupt(x, 0.5, rng), corrupt(x, 0.5, rng)
    assert (first != second).any()
    numpy.testing.assert_array_equal(corrupt(x, 0.5, numpy.random.default_rng(3)), first)


@pytest.mark.parametrize("corrupt", NOISES)
def test_no_noise_is_the_picture(corrupt, x, rng):
    numpy.testing.assert_array_equal(corrupt(x, 0, rng), x)


def test_gaussian_noise_has_its_standard_deviation_where_nothing_is_cut_off(rng):
    x = numpy.full((50, 20, 20, 1), 0.5, numpy.float32)
    noise = denoising.gaussian(x, 0.1, rng) - x
    assert noise.std() == pytest.approx(0.1, rel=0.03)
    assert abs(noise.mean()) < 0.003


def test_salt_and_pepper_hits_its_share_of_pixels_half_of_them_white_in_all_channels(x, rng):
    y = denoising.salt_and_pepper(x, 0.3, rng)
    hit = y != x
    numpy.testing.assert_array_equal(hit[..., 0], hit[..., 1])
    assert hit.mean() == pytest.approx(0.3, abs=0.01)
    assert set(numpy.unique(y[hit])) == {0, 1}
    assert y[hit].mean() == pytest.approx(0.5, abs=0.02)
    assert set(numpy.unique(denoising.salt_and_pepper(x, 1, rng))) == {0, 1}


def test_missing_squares_take_their_share_everywhere_alike(x, rng):
    missing = denoising.missing_squares(x.repeat(20, axis=0), 0.3, rng) == 0
    numpy.testing.assert_array_equal(missing[..., 0], missing[..., 1])
    assert missing.mean() == pytest.approx(0.3, abs=0.01)
    down = (missing[:, 1:] != missing[:, :-1]).mean(axis=(0, 2, 3))
    across = (missing[:, :, 1:] != missing[:, :, :-1]).mean(axis=(0, 1, 3))
    edges = numpy.concatenate([down, across])  # a seventh of 2 * 0.3 * 0.7, wherever one looks
    numpy.testing.assert_allclose(edges, 0.06, atol=0.015)
    assert not denoising.missing_squares(x, 1, rng).any()


def test_missing_squares_are_whole_fields_of_7_by_7(rng):
    x = numpy.ones((200, 28, 28, 1), numpy.float32)
    for y in denoising.missing_squares(x, 0.2, rng)[..., 0]:

        def holes_fit(row, column, y=y):
            """Every field of a chessboard that begins there is all black or all white."""
            for i in range(row - 7, 28, 7):
                for j in range(column - 7, 28, 7):
                    field = y[max(i, 0) : i + 7, max(j, 0) : j + 7]
                    if field.size and field.min() != field.max():
                        return False
            return True

        assert any(holes_fit(row, column) for row in range(7) for column in range(7))


ONE = numpy.zeros((1, 8, 8, 1), numpy.float32)
FINITE, SHARE = "at least 0 and finite", "in [0, 1]"


@pytest.mark.parametrize(
    ("corrupt", "amount", "limits"),
    [
        (denoising.gaussian, -0.1, FINITE),
        (denoising.gaussian, float("inf"), FINITE),
        (denoising.gaussian, float("nan"), FINITE),
        (denoising.gaussian, True, FINITE),
        (denoising.salt_and_pepper, 1.5, SHARE),
        (denoising.salt_and_pepper, "a", SHARE),
        (denoising.missing_squares, -1, SHARE),
        (denoising.missing_squares, float("nan"), SHARE),
    ],
)
def test_an_amount_out_of_range_is_named(corrupt, amount, limits, rng):
    with pytest.raises(ValueError) as error:
        corrupt(ONE, amount, rng)
    assert str(error.value) == (
        f"{corrupt.__name__}: amount must be {limits}, received {amount!r}. Try 0.25."
    )


@pytest.mark.parametrize("corrupt", NOISES)
def test_noise_needs_a_generator_and_pictures(corrupt, rng):
    name = corrupt.__name__
    with pytest.raises(TypeError) as error:
        corrupt(ONE, 0.5, None)
    assert str(error.value) == (
        f"{name}: rng must be a numpy Generator, received NoneType. "
        "Give numpy.random.default_rng(0)."
    )
    for wrong, shown in ((ONE[0], "float32 (8, 8, 1)"), (ONE.astype("u1"), "uint8 (1, 8, 8, 1)")):
        with pytest.raises(ValueError) as error:
            corrupt(wrong, 0.5, rng)
        assert str(error.value) == (
            f"{name}: x must be float pictures (N, H, W, C), received {shown}. Divide by 255."
        )


# -- denoising: what is learnt from ----------------------------------------------------------------


def test_of_all_three_kinds_each_spoils_a_third(rng):
    x = numpy.full((9, 28, 28, 1), 0.5, numpy.float32)
    y = denoising.spoiled(x, "all three", rng)
    for picture in y[0::3]:
        assert len(numpy.unique(picture)) > 100
    for picture in y[1::3]:
        assert set(numpy.unique(picture)) == {0, 0.5, 1}
    for picture in y[2::3]:
        assert set(numpy.unique(picture)) <= {0, 0.5}
    assert denoising.spoiled(x, "no noise", rng) is x


def test_the_noise_is_fresh_in_every_epoch_and_the_target_is_clean(rng, monkeypatch):
    x = rng.random((4, 28, 28, 1), dtype=numpy.float32)
    seen = []

    def fit(network, data, loss, optimizer, epochs):
        for _ in range(epochs):
            seen.extend((noisy.numpy(), clean.numpy()) for noisy, clean in data)

    monkeypatch.setattr(tn, "fit", fit)
    denoising.train(x, "missing squares", 2, 0.001, 0, "cpu")
    (first, clean), (_, again) = seen
    order = [int((abs(x - picture).reshape(4, -1).sum(axis=1)).argmin()) for picture in clean]
    numpy.testing.assert_array_equal(clean, x[order])
    assert sorted(order) == [0, 1, 2, 3] and again.shape == clean.shape
    assert ((first == clean) | (first == 0)).all() and (first != clean).any()
    holes = [noisy == 0 for noisy, _ in seen]
    assert (holes[0] != holes[1]).any()
    back = [int((abs(x - picture).reshape(4, -1).sum(axis=1)).argmin()) for picture in again]
    assert (holes[0][numpy.argsort(order)] != holes[1][numpy.argsort(back)]).any()


def test_the_median_is_that_of_a_naive_loop(rng):
    x = rng.random((2, 4, 5, 1), dtype=numpy.float32)
    y = denoising.median(x)
    assert y.shape == x.shape and y.dtype == x.dtype
    for n in range(2):
        for i in range(4):
            for j in range(5):
                near = [
                    x[n, min(max(i + a, 0), 3), min(max(j + b, 0), 4), 0]
                    for a in (-1, 0, 1)
                    for b in (-1, 0, 1)
                ]
                assert y[n, i, j, 0] == sorted(near)[4]


def test_the_linear_map_has_no_better_one_near_it(rng, monkeypatch):
    x = rng.uniform(0.4, 0.6, (40, 28, 28, 1)).astype(numpy.float32)
    noisy = denoising.spoiled(x, "salt and pepper", rng)
    monkeypatch.setattr(denoising, "spoiled", lambda *given: noisy)
    y = denoising.linear(x, "salt and pepper", noisy, rng, ridge=300)
    A = numpy.c_[noisy.reshape(40, 784), numpy.ones(40)].astype(float)
    dual = numpy.linalg.solve(A @ A.T + 300 * numpy.eye(40), x.reshape(40, 784))  # the same M
    numpy.testing.assert_allclose(y.reshape(40, 784), A @ A.T @ dual, atol=1e-4)
    assert y.dtype == x.dtype and y.shape == x.shape


def test_a_network_starts_from_the_mean_picture(rng, monkeypatch):
    monkeypatch.setattr(tn, "fit", lambda *given: None)
    x = rng.uniform(0.2, 0.8, (4, 28, 28, 1)).astype(numpy.float32)
    network = denoising.train(x, "no noise", 1, 0.001, 0, "cpu")
    y = denoising.restored(network, numpy.zeros_like(x[:1]))  # no ink, so the bias alone
    numpy.testing.assert_allclose(y[0], x.mean(axis=0), atol=1e-5)


def test_the_denoiser_is_overcomplete_and_what_it_shows_are_probabilities(device, rng):
    network = denoising.model(rng).to(device)
    assert network.layers[1].units > 28 * 28
    y = denoising.restored(network, 50 * rng.random((3, 28, 28, 1), dtype=numpy.float32))
    assert y.shape == (3, 28, 28, 1) and 0 <= y.min() < y.max() <= 1


def test_the_error_is_told_apart_where_ink_is_missing(rng):
    x = numpy.ones((1, 2, 2, 1), numpy.float32)
    spoilt, after = x.copy(), x.copy()
    spoilt[0, 0, 0], after[0, 0, 0], after[0, 1, 1] = 0, 0.5, 0.9
    results = {
        "data": type("Data", (), {"test": x}),
        "after": {"left as it is": {"missing squares": spoilt}, "w": {"missing squares": after}},
    }
    missing, elsewhere = denoising.in_holes(results, "w")
    assert missing == pytest.approx(0.25)
    assert elsewhere == pytest.approx(0.01 / 0.26)


# -- contractive -----------------------------------------------------------------------------------


@pytest.fixture
def weights(rng):
    """x (3, 6), kernel (6, 4), bias (4,), in float64."""
    return rng.normal(size=(3, 6)), rng.normal(size=(6, 4)), rng.normal(size=4)


def penalty(x, kernel, bias):
    return contractive.contraction(contractive.encode(x, kernel, bias), kernel)


def test_the_penalty_is_the_squared_norm_of_the_jacobian_by_differences(weights):
    x, kernel, bias = weights
    jacobians = [contractive.numerical_jacobian(one, kernel, bias) for one in x]
    assert jacobians[0].shape == (4, 6)
    by_differences = numpy.mean([(J**2).sum() for J in jacobians])
    assert penalty(*map(tn.Tensor, weights)).item() == pytest.approx(by_differences, rel=1e-8)
    assert contractive.penalty_error(x[0], kernel, bias) < 1e-8


def test_the_numerical_jacobian_is_that_of_the_formula_entry_by_entry(weights):
    x, kernel, bias = weights
    J = contractive.numerical_jacobian(x[0], kernel, bias)
    for j in range(4):
        h = 1 / (1 + numpy.exp(-(x[0] @ kernel[:, j] + bias[j])))
        for i in range(6):
            assert J[j, i] == pytest.approx(h * (1 - h) * kernel[i, j], abs=1e-9)


def test_the_penalty_s_own_gradient_is_right(weights):
    assert tn.gradcheck(penalty, *weights).passed


def test_the_loss_is_the_sum_over_pixels_and_lambda_times_the_penalty(device, rng):
    network = contractive.Autoencoder(6, 9, rng).to(device)
    x = rng.random((5, 6), dtype=numpy.float32)
    batch = tn.Tensor(x).to(device)
    W, b, c = (w.numpy() for w in network.parameters())
    h = 1 / (1 + numpy.exp(-(x @ W + b)))
    p = 1 / (1 + numpy.exp(-(h @ W.T + c)))  # tied: the same weights, transposed
    bce = -(x * numpy.log(p) + (1 - x) * numpy.log(1 - p)).sum(axis=1).mean()
    norm = numpy.mean([(((a * (1 - a))[:, None] * W.T) ** 2).sum() for a in h])
    for strength in (0, 0.5):
        value = contractive.loss(network, batch, batch, strength).item()
        assert value == pytest.approx(bce + strength * norm, rel=1e-4)


def test_the_gradient_of_the_whole_loss_is_right(weights, rng):
    network, target = contractive.Autoencoder(6, 4, rng), tn.Tensor(rng.random((3, 6)))

    def whole(x, kernel, bias, output_bias):
        network.kernel, network.bias, network.output_bias = kernel, bias, output_bias
        return contractive.loss(network, x, target, 0.5)

    assert tn.gradcheck(whole, *weights, rng.normal(size=6)).passed


def test_the_penalty_stays_float32_and_gives_gradients_to_encoder_and_bias(device, rng):
    network = contractive.Autoencoder(6, 9, rng).to(device)
    x = tn.Tensor(rng.random((5, 6), dtype=numpy.float32)).to(device)
    value = penalty(x, network.kernel, network.bias)
    assert value.dtype == numpy.float32
    value.backward()
    assert network.kernel.grad is not None and network.bias.grad is not None
    assert network.output_bias.grad is None


def test_weights_a_tenth_as_large_cheat_the_penalty_where_the_decoder_can_undo_it(weights):
    x, kernel, bias = weights
    kernel, bias = kernel / 20, bias / 20  # near 0, where the sigmoid is nearly linear
    whole, tenth = (penalty(x, kernel / s, bias / s).item() for s in (1, 10))
    assert tenth == pytest.approx(whole / 100, rel=0.05)
    h, small = (contractive.encode(x, kernel / s, bias / s).numpy() - 0.5 for s in (1, 10))
    numpy.testing.assert_allclose(10 * small, h, atol=2e-3)


@pytest.mark.parametrize("strength", [-1, float("inf"), float("nan"), True, "1"])
def test_a_lambda_out_of_range_is_named(strength, rng):
    network, x = contractive.Autoencoder(4, 3, rng), numpy.zeros((2, 4), numpy.float32)
    with pytest.raises(ValueError) as error:
        contractive.loss(network, tn.Tensor(x), tn.Tensor(x), strength)
    assert str(error.value) == (
        "loss: strength, the lambda of the penalty, must be at least 0 and finite, received "
        f"{strength!r}. Try 1."
    )


def test_the_spread_is_the_mean_distance_of_neighbours_and_grows_with_the_code(rng):
    h = rng.normal(size=(3, 5))
    apart = numpy.mean([numpy.linalg.norm(h[i] - h[i - 1]) for i in range(3)])
    assert contractive.spread(h) == pytest.approx(apart)
    assert contractive.spread(10 * h) == pytest.approx(10 * apart)


def test_sensitivity_is_how_far_f_moves_for_a_step_of_any_length(rng):
    x, e = rng.normal(size=(4, 6)), rng.normal(size=(4, 6))
    A = rng.normal(size=(6, 3))
    right = (numpy.linalg.norm(e @ A, axis=1) / numpy.linalg.norm(e, axis=1)).mean()
    for length in (0.1, 5):
        found = contractive.sensitivity(lambda x: x @ A, x, e, length)
        assert found == pytest.approx(right, rel=1e-6)


def test_the_directions_are_noise_and_what_the_picture_does_when_it_moves(rng):
    images = numpy.zeros((2, 28, 28, 1), numpy.float32)
    images[:, 10:18, 12:15] = 1
    found = contractive.moves(images, rng)
    assert [*found] == ["noise", "a shift", "a rotation"]
    shift = found["a shift"].reshape(2, 28, 28)
    expected = numpy.zeros((28, 28))
    expected[10:18, 12], expected[10:18, 15] = -1, 1  # one pixel to the right
    for picture in shift:
        numpy.testing.assert_allclose(picture, expected, atol=1e-6)
    rotation = abs(found["a rotation"])
    assert rotation.any() and rotation.max() < 0.5


def test_large_counts_singular_values_above_a_tenth_of_the_first():
    assert contractive.large(numpy.array([2.0, 0.21, 0.2, 0.01])) == 2


@pytest.mark.parametrize("kind", ["contractive", "denoising"])
def test_noise_goes_in_and_the_clean_picture_is_asked_for(kind, rng, monkeypatch):
    strength, noise = contractive.KINDS[kind]
    seen = []
    loss = contractive.loss

    def watched(network, x, target, given):
        seen.append((x.numpy(), target.numpy(), given))
        return loss(network, x, target, given)

    monkeypatch.setattr(contractive, "loss", watched)
    monkeypatch.setattr(contractive, "model", lambda rng: contractive.Autoencoder(20, 8, rng))
    x = rng.random((70, 20), dtype=numpy.float32)
    contractive.train(x, kind, 2, 0.001, 0, "cpu")
    assert [given for *_, given in seen] == 4 * [strength]
    spread = numpy.concatenate([noisy - clean for noisy, clean, _ in seen]).std()
    assert spread == pytest.approx(noise, abs=0.05)
    assert all(clean.min() >= 0 and clean.max() <= 1 for _, clean, _ in seen)
