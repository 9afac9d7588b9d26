"""The cartoon faces' VAE: its table, its likelihood, its directions, and what a probe may say."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy
import pytest

import tinynet as tn

matplotlib.use("Agg")

from lessons.generate import faces_smile, faces_table, faces_vae
from lessons.generate.probe import linear_probe, mean_difference


@pytest.fixture(scope="module")
def networks():
    """Of the slide's own size."""
    rng = numpy.random.default_rng(0)
    return faces_vae.encoder(rng=rng), faces_vae.decoder(rng=rng)


# -- the tables ------------------------------------------------------------------------------------


def test_the_tables_differ_from_the_slides_in_six_numbers(networks):
    assert faces_table.wrong(faces_table.tables(*networks)) == faces_table.WRONG


def test_the_right_numbers_follow_from_the_layers(networks):
    encoder, decoder = ([r.parameters for r in network.rows()] for network in networks)
    convolutions = [3 * 3 * i * o + o for i, o in zip((3, 32, 64, 64, 64), (32, 64, 64, 64, 64))]  # noqa: B905
    norms = [4 * o for o in (32, 64, 64, 64, 64)]
    assert sum(encoder) == sum(convolutions) + sum(norms) + 2 * (4096 * 200 + 200) == 1_770_128
    assert decoder[-1] == 3 * 3 * 32 * 3 + 3
    printed = [
        int(n.replace(",", "")) for n in re.findall(r"; ([\d,]+)$", faces_table.DECODER, re.M)
    ]
    assert sum(printed[:-1]) == 954_247  # what the slide's own rows add up to
    assert sum(decoder) == 954_247 + 60


@pytest.mark.parametrize(("size", "small"), [(256, 8), (64, 2), (32, 1)])
def test_the_same_layers_take_other_sizes(size, small, networks):
    rng = numpy.random.default_rng(0)
    encoder, decoder = faces_vae.encoder(size, rng=rng), faces_vae.decoder(size, rng=rng)
    assert encoder.rows()[-4].shape == (small, small, 64)
    assert decoder.rows()[-1].shape == (size, size, 3)
    for network, of_slide in zip((encoder, decoder), networks, strict=True):
        assert [r.name for r in network.rows()] == [r.name for r in of_slide.rows()]


def test_a_network_of_another_size_is_not_compared(networks):
    small = faces_vae.encoder(64, rng=numpy.random.default_rng(0))
    with pytest.raises(ValueError, match=r"^compared: Model 'Encoder' is not the slide's"):
        faces_table.tables(small, networks[1])


def test_the_printed_table_points_at_each_wrong_number(networks, capsys):
    faces_table.print_tables(faces_table.tables(*networks))
    lines = capsys.readouterr().out.splitlines()
    marked = [line for line in lines if "<- the slide prints" in line]
    assert len(marked) == 6
    for line, (printed, right) in zip(marked, faces_table.WRONG, strict=True):
        assert line.endswith(f"{right}   <- the slide prints {printed}")


def test_the_drawn_table_shows_both_numbers(networks):
    figure = faces_table.draw_tables(faces_table.tables(*networks))
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    for printed, right in faces_table.WRONG:
        assert printed in texts and right in texts


@pytest.mark.parametrize("where", ["encoder", "decoder"])
@pytest.mark.parametrize("size", [0, 16, 100, 64.0, True])
def test_a_size_that_five_halvings_do_not_divide_is_refused(where, size):
    message = (
        f"{where}: size must be a multiple of 32, which is halved five times; received {size!r}. "
        "Try 64, or the slide's 256."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        getattr(faces_vae, where)(size, rng=numpy.random.default_rng(0))


# -- the likelihood --------------------------------------------------------------------------------


def outputs(shape=(2, 4, 4, 3), latent=5):
    rng = numpy.random.default_rng(0)
    mean, x = (rng.random(shape, dtype=numpy.float32) for _ in range(2))
    code, log_var = (rng.standard_normal((shape[0], latent), dtype=numpy.float32) for _ in range(2))
    return (tn.Tensor(mean), tn.Tensor(code), tn.Tensor(log_var)), x


def test_reconstruction_is_the_gaussian_of_the_comment():
    found, x = outputs()
    s, D = faces_vae.SIGMA, 48
    squares = ((x - found[0].numpy()) ** 2).sum(axis=(1, 2, 3))
    expected = (squares / (2 * s * s) + D * math.log(s * math.sqrt(2 * math.pi))).mean()
    got = faces_vae.reconstruction(found, tn.Tensor(x)).item()
    numpy.testing.assert_allclose(got, expected, rtol=1e-5)


def test_the_bound_is_the_sum_of_both():
    found, x = outputs()
    x = tn.Tensor(x)
    both = faces_vae.reconstruction(found, x).item() + faces_vae.divergence(found, x).item()
    numpy.testing.assert_allclose(faces_vae.negative_elbo(found, x).item(), both, rtol=1e-6)


def test_a_tenth_of_error_costs_two_nats_as_the_comment_says():
    """And 0.02 nats as a probability, where the exact grey costs 0.7."""
    x = tn.Tensor([[[[0.5]]]])
    code = tn.Tensor([[0.0]])

    def cost(mean):
        return faces_vae.reconstruction((tn.Tensor([[[[mean]]]]), code, code), x).item()

    numpy.testing.assert_allclose(cost(0.6) - cost(0.5), 2, rtol=1e-4)
    exact, off = (tn.bce(tn.Tensor([p]), tn.Tensor([0.5])).item() for p in (0.5, 0.6))
    assert round(off - exact, 2) == 0.02 and round(exact, 1) == 0.7


def test_faces_are_drawn_anew_in_every_epoch():
    data = faces_vae.Drawn(3, 2, 32, {}, 0.5, numpy.random.default_rng(0), "cpu")
    first, second = ([x.numpy() for x, _ in data] for _ in range(2))
    assert len(data) == len(first) == 3
    assert all(x.shape == (2, 32, 32, 3) and x.dtype == numpy.float32 for x in first)
    assert len({picture.tobytes() for x in first + second for picture in x}) == 12
    assert all(x is y for x, y in data)


def test_the_clouds_start_small():
    vae = faces_vae.network(32, 0)
    faces = faces_vae.as_float(tn.data.faces(4, numpy.random.default_rng(0), 32)[0])
    _, log_var = tn.predict(vae.encoder, faces)
    assert abs(log_var + 6).max() < 1


# -- the probe -------------------------------------------------------------------------------------


def codes_of(count=400, latent=6, seed=0):
    return numpy.random.default_rng(seed).standard_normal((count, latent)).astype(numpy.float32)


def test_a_probe_reads_what_is_a_line_in_the_code():
    codes = codes_of()
    probe = linear_probe(codes, 3 * codes[:, 2] - codes[:, 0] + 5, ridge=0.0)
    assert (probe.kind, probe.blind) == ("R2", 0.0)
    assert probe.score > 0.9999
    numpy.testing.assert_allclose(probe.weights, [-1, 0, 3, 0, 0, 0], atol=1e-4)
    numpy.testing.assert_allclose(probe.bias, 5, atol=1e-4)


def test_a_probe_reads_nothing_from_chance():
    assert linear_probe(codes_of(), codes_of(seed=1)[:, 0]).score < 0.05


def test_the_probe_is_ridge_regression():
    """Least squares, on sqrt(ridge N) I below the centered codes: another way to the same."""
    codes, target = codes_of(60, 4).astype(float), codes_of(60, 1, seed=1)[:, 0].astype(float)
    probe = linear_probe(codes, target, ridge=0.3)
    c, t = codes[:30] - codes[:30].mean(axis=0), target[:30] - target[:30].mean()
    below = math.sqrt(0.3 * 30) * numpy.eye(4)
    expected, *_ = numpy.linalg.lstsq(
        numpy.concatenate([c, below]), numpy.concatenate([t, numpy.zeros(4)]), rcond=None
    )
    numpy.testing.assert_allclose(probe.weights, expected, rtol=1e-8)
    said = codes[30:] @ probe.weights + probe.bias
    assert probe.score == tn.metrics.r2(said, target[30:])


def test_the_score_is_of_the_second_half_only():
    codes = codes_of(40, 3)
    target = codes[:, 0].copy()
    target[20:] = -target[20:]
    assert linear_probe(codes, target).score < -1


def test_classes_are_told_apart_by_the_largest_of_k_numbers():
    codes = codes_of(600, 3)
    labels = codes.argmax(axis=1) * 2  # classes 0, 2 and 4
    probe = linear_probe(codes, labels)
    assert probe.kind == "accuracy" and probe.weights.shape == (3, 3)
    assert probe.score > 0.9
    common = numpy.bincount(labels[:300]).argmax()
    assert probe.blind == (labels[300:] == common).mean()


def test_more_codes_than_examples_are_no_trouble():
    assert linear_probe(codes_of(20, 50), codes_of(20, 1, seed=1)[:, 0], ridge=0).score < 1


WRONG = {
    "shapes": (
        {"attribute": numpy.zeros(19)},
        "codes must be (N, D) and the attribute (N,), received (20, 6) and (19,).",
    ),
    "few": (
        {"codes": codes_of(9), "attribute": codes_of(9)[:, 0]},
        "N must be at least 10, half to fit and half to judge; received 9.",
    ),
    "constant": (
        {"attribute": numpy.full(20, 0.5)},
        "the attribute is 0.5 in every example of the first half, so there is nothing to read. "
        "Take examples in which it varies.",
    ),
    "constant later": (
        {"attribute": numpy.r_[numpy.arange(10.0), numpy.ones(10)]},
        "the attribute is 1 in every example of the second half, so there is nothing to read. "
        "Take examples in which it varies.",
    ),
    "one class": (
        {"attribute": numpy.full(20, 3)},
        "every example is of class 3, so there is nothing to tell apart. Take examples of several "
        "classes.",
    ),
    "empty class": (
        {"attribute": numpy.r_[numpy.zeros(10, int), numpy.ones(10, int)]},
        "class 1 has no example in the first half, which the probe is fitted to. Shuffle the "
        "examples, or take more.",
    ),
    "nan": (
        {"attribute": numpy.r_[numpy.nan, numpy.arange(19.0)]},
        "a number is not finite. Look at the training of the encoder.",
    ),
    "ridge": ({"ridge": -1.0}, "ridge must be a number of at least 0, received -1.0."),
    "ridge of truth": ({"ridge": True}, "ridge must be a number of at least 0, received True."),
}


@pytest.mark.parametrize(("settings", "message"), WRONG.values(), ids=WRONG)
def test_what_a_probe_cannot_judge_is_refused(settings, message):
    given = {"codes": codes_of(20), "attribute": codes_of(20, seed=1)[:, 0]} | settings
    with pytest.raises(ValueError, match=f"^{re.escape(f'linear_probe: {message}')}$"):
        linear_probe(**given)


def test_the_mean_difference_is_of_means():
    codes = numpy.array([[1.0, 0], [3, 2], [10, 10], [0, 0]])
    smile = numpy.array([0.5, 0.1, -0.2, 0.0])
    numpy.testing.assert_allclose(mean_difference(codes, smile), [2 - 5, 1 - 5])


@pytest.mark.parametrize(("threshold", "word"), [(9.0, "above"), (-9.0, "at or below")])
def test_a_mean_difference_needs_both_kinds(threshold, word):
    message = (
        f"mean_difference: no example is {word} the threshold {threshold:g}. Choose another, or "
        "take more examples."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        mean_difference(codes_of(5), numpy.zeros(5), threshold)


# -- the smile -------------------------------------------------------------------------------------


def small(count=60, size=32):
    """What learn gives, of an untrained network, in a few milliseconds."""
    vae = faces_vae.network(size, 0)
    pictures, attributes = tn.data.faces(count, numpy.random.default_rng(1), size)
    pictures = faces_vae.as_float(pictures)
    average = pictures.mean(axis=0)
    codes = faces_smile.encode(vae.encoder, pictures, average)
    return {
        "size": size,
        "faces": pictures,
        "attributes": attributes,
        "average": average,
        "codes": codes,
        "decoder": vae.decoder,
    }


def test_the_probe_reads_along_the_walk_exactly_the_smile_asked_for():
    learnt = small()
    probe = linear_probe(learnt["codes"], learnt["attributes"]["smile"])
    found = faces_smile.walk(learnt, probe, 7)
    numpy.testing.assert_allclose(
        found["codes"] @ probe.weights + probe.bias, faces_smile.SMILES, atol=1e-5
    )
    steps = numpy.diff(found["codes"], axis=0)
    numpy.testing.assert_allclose(steps, numpy.broadcast_to(steps[0], steps.shape), atol=1e-5)
    assert found["decoded"].shape == found["drawn"].shape == (9, 32, 32, 3)
    same = {name: numbers[7] for name, numbers in learnt["attributes"].items()}
    expected = tn.data.draw_faces(same | {"smile": -1}, 32)[0]
    numpy.testing.assert_allclose(found["drawn"][0] * 255, expected, atol=1e-3)


def test_decoded_pictures_are_colors():
    learnt = small(4)
    pictures = faces_smile.decode(learnt, 30 * learnt["codes"])
    assert pictures.min() >= 0 and pictures.max() <= 1


def test_the_change_of_the_mouth_is_told_from_that_of_the_rest():
    drawn = numpy.zeros((2, 8, 8, 3))
    drawn[1, 4:6, 2:6] = 0.5
    decoded = numpy.full((2, 8, 8, 3), 0.3)
    decoded[1] += 0.1
    decoded[1, 4:6, 2:6] += 0.1
    found = faces_smile.mouth_and_rest({"drawn": drawn, "decoded": decoded})
    numpy.testing.assert_allclose(found, (0.2, 0.1))


def test_a_smile_that_is_drawn_is_read_again():
    codes, rng = codes_of(100), numpy.random.default_rng(3)
    smile = codes[:, 1].astype(numpy.float32)
    probe = linear_probe(codes, smile)
    attributes = {"smile": smile}
    found = {"codes again": codes[:30], "attributes": attributes}
    assert faces_smile.again(found, probe) > 0.99
    assert faces_smile.again(found | {"codes again": rng.permutation(codes)[:30]}, probe) < 0.3


def test_an_attribute_is_worth_its_variance():
    pictures = tn.data.draw_faces({"glasses": [0, 1]}, 32) / 255
    expected = (pictures[0] - pictures[1]) ** 2 / 4  # the variance of two numbers
    numpy.testing.assert_allclose(
        faces_smile.worth("glasses", 0.1, 32), expected.sum() / 0.02, rtol=1e-4
    )


@pytest.mark.slow
def test_a_step_on_16_pictures_of_256_takes_less_than_3_gib():
    pytest.importorskip("resource")
    code = (
        "import resource, sys\n"
        "from lessons.generate import faces_vae\n"
        "faces_vae.learn(256, {}, 1, 1, 16, lr=0.001, test=16, seed=0, device='cpu')\n"
        "unit = 1 if sys.platform == 'darwin' else 1024\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30)\n"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    peak = float(run.stdout)
    print(f"peak resident memory {peak:.2f} GiB")
    assert 0.1 < peak < 3
