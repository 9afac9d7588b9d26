"""Noise: the bits that the paper says, in the proportions that the docstrings say, for every way
to draw them.

The oracle is Philox in Python's whole numbers (tests/ops/oracles.py).
"""

from __future__ import annotations

import math

import numpy
import pytest

import tinynet as tn
from tests.ops import oracles
from tinynet.devices import cpu, noise, plain

FORMS = [pytest.param(cpu, id="cpu", marks=pytest.mark.fast_form), pytest.param(plain, id="plain")]
LAST = 2**64 - 1
KEYS = [(0, 0), (1, 2), (LAST, LAST), (1, 2**63), (LAST, 3), (2**53 + 1, 2**63 + 1)]
KEY = (0x452821E638D01377, 0xBE5466CF34E90C6C)
COUNT = 1_000_000


def same(got, expected):
    assert got.shape == expected.shape and got.dtype == expected.dtype
    assert got.tobytes() == expected.tobytes()


def within(share, probability, count=COUNT):
    """Whether a share of so many draws is one that a probability gives: 5 standard deviations."""
    return abs(share - probability) <= 5 * math.sqrt(probability * (1 - probability) / count)


# -- the bits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [  # of the test vectors of Random123, the library of the paper
        (
            (0,) * 4,
            (0,) * 2,
            "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b",
        ),
        (
            (LAST,) * 4,
            (LAST,) * 2,
            "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0",
        ),
        (
            (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
            KEY,
            "a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6",
        ),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_the_oracle_computes_what_the_authors_publish(counter, key, words):
    assert [f"{word:016x}" for word in oracles.philox(counter, key)] == words.split()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", KEYS)
def test_random_bits_are_those_of_the_paper(form, key):
    for start in (0, 4, 400, 2**34):
        for count in (0, 1, 3, 4, 5, 18):
            found = form.random_bits(key, count, start)
            assert found.dtype == numpy.uint64 and found.shape == (count,)
            assert found.tolist() == oracles.random_words(key, count, start)


@pytest.mark.parametrize("form", FORMS)
def test_random_bits_from_a_start_go_on_from_those_before(form):
    whole = form.random_bits(KEY, 50)
    same(form.random_bits(KEY, 50), whole)
    for start in range(0, 50, 4):
        same(form.random_bits(KEY, 50 - start, start), whole[start:])


SIZES = [0, 1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000, 4999]


@pytest.mark.fast_form
@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("count", SIZES)
def test_the_noise_of_several_threads_has_the_bits_of_the_plain_form(count, threads, small_parts):
    tn.set_threads(threads)
    for key in KEYS:
        for drop in (0, 16384, 21845, 65535):
            same(cpu.keep_mask(key, drop, count), plain.keep_mask(key, drop, count))
        same(cpu.standard_normal(key, count), plain.standard_normal(key, count))
        same(cpu.uniform(key, count), plain.uniform(key, count))


@pytest.mark.fast_form
def test_large_noise_has_the_bits_of_the_plain_form():
    """With the real size of the parts."""
    for count in (4 * 2**15 - 1, 4 * 2**15 + 1, 300_001):
        same(cpu.keep_mask(KEY, 20_000, count), plain.keep_mask(KEY, 20_000, count))
        same(cpu.standard_normal(KEY, count), plain.standard_normal(KEY, count))
        same(cpu.uniform(KEY, count), plain.uniform(KEY, count))


# -- masks -----------------------------------------------------------------------------------------

SIXTEEN_BITS = numpy.arange(2**16, dtype=numpy.uint16)  # every number once


@pytest.mark.parametrize("drop", [0, 1, 16384, 65535])
def test_of_all_numbers_of_16_bits_a_mask_drops_as_many_as_it_is_told(drop):
    kept = noise.kept(SIXTEEN_BITS.view(numpy.uint64), drop)
    assert numpy.flatnonzero(~kept).tolist() == list(range(drop))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("drop", [0, 66, 16384, 32768, 58982])
def test_a_mask_drops_its_share(form, drop):
    mask = form.keep_mask(KEY, drop, COUNT)
    bits = plain.random_bits(KEY, COUNT // 4).view(numpy.uint16)
    same(mask, bits >= drop)
    assert within(1 - mask.mean(), drop / 2**16)


@pytest.mark.parametrize("form", FORMS)
def test_the_numbers_of_a_mask_are_independent(form):
    dropped = ~form.keep_mask(KEY, 16384, COUNT)
    for apart in (1, 2, 3, 4, 5, 16):  # the four of one word, of a block, and of others
        assert within((dropped[apart:] & dropped[:-apart]).mean(), 1 / 16, COUNT - apart)


@pytest.mark.parametrize("form", FORMS)
def test_two_keys_draw_masks_of_their_own(form):
    kept = [form.keep_mask(key, 32768, COUNT) for key in KEYS]
    for i, mask in enumerate(kept):
        for other in kept[:i]:
            assert within((mask & other).mean(), 0.25)


def dropped(threads, seed=3):
    tn.set_threads(threads)
    x = tn.Tensor(numpy.ones((40, 50, 7), numpy.float32), requires_grad=True)
    y = tn.dropout(x, 0.3, numpy.random.default_rng(seed))
    y.backward(numpy.ones_like(y.data))
    numpy.testing.assert_array_equal(x.grad, y.data)  # the way back has the same mask
    return y.data


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_dropout_drops_the_same_by_any_number_of_threads(threads, small_parts):
    same(dropped(threads), dropped(1))
    assert (dropped(threads, seed=4) != dropped(1)).any()


# -- numbers in [0, 1) -----------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_even_numbers_are_the_first_24_bits_of_each_half_of_a_word(form):
    halves = [
        half for word in oracles.random_words(KEY, 500) for half in (word % 2**32, word >> 32)
    ]
    found = form.uniform(KEY, 999)
    assert found.dtype == numpy.float32
    assert found.tolist() == [(half >> 8) / 2**24 for half in halves[:999]]


def test_the_ends_of_the_even_numbers():
    words = numpy.array([0, 2**64 - 1], numpy.uint64)
    assert noise.even(words).tolist() == [0, 0, 1 - 2**-24, 1 - 2**-24]


@pytest.mark.parametrize("form", FORMS)
def test_even_numbers_are_spread_evenly_and_independent(form):
    u = form.uniform(KEY, COUNT)
    for bound in (0.001, 0.1, 0.5, 0.9, 0.999):
        below = u < bound
        assert within(below.mean(), bound)
        assert within((below[1:] & below[:-1]).mean(), bound**2, COUNT - 1)


# -- Gaussian numbers ------------------------------------------------------------------------------


def gaussian_share(z):
    """P(Z <= z) for Z from N(0, 1)."""
    return (1 + math.erf(z / math.sqrt(2))) / 2


@pytest.mark.parametrize("key", KEYS)
def test_gaussian_numbers_are_those_of_box_and_muller(key):
    found = plain.standard_normal(key, 2001)
    exact = oracles.normal_numbers(oracles.random_words(key, 1001))[:2001]
    assert found.dtype == numpy.float32
    numpy.testing.assert_allclose(found, exact, rtol=1e-6, atol=3e-6)


@pytest.mark.parametrize("form", FORMS)
def test_gaussian_numbers_have_the_moments_of_the_normal_distribution(form):
    z = form.standard_normal(KEY, COUNT).astype(float)
    # the mean of z^k, and its variance: that of z^2k, less the square
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - moment) <= 5 * math.sqrt(variance / COUNT)


@pytest.mark.parametrize("form", FORMS)
def test_gaussian_numbers_have_the_shares_and_the_tails_of_the_normal_distribution(form):
    z = form.standard_normal(KEY, COUNT)
    for bound in (-4, -3, -2, -1, -0.3, 0, 0.5, 1.5, 2.5, 3.5, 4.5):
        assert within((z <= bound).mean(), gaussian_share(bound)), bound
    assert numpy.abs(z).max() > 4.5


@pytest.mark.parametrize("form", FORMS)
def test_the_two_gaussian_numbers_of_a_word_are_independent(form):
    a, b = form.standard_normal(KEY, COUNT).astype(float).reshape(-1, 2).T
    for first, second in ((a, b), (a[1:], a[:-1]), (a[1:], b[:-1]), (b[1:], b[:-1])):
        bound = 5 / math.sqrt(len(first))
        assert abs((first * second).mean()) <= bound
        squares = (first**2 - 1) * (second**2 - 1) / 2  # equal radii would show here
        assert abs(squares.mean()) <= bound
    assert within((numpy.abs(a) > numpy.abs(b)).mean(), 0.5, len(a))


def test_no_bits_give_an_infinite_gaussian_number():
    ends = numpy.array([0, 1, 2**31, 2**32 - 1, 2**32 - 2], numpy.uint64)
    words = (ends[:, None] + (ends << numpy.uint64(32))).ravel()
    with numpy.errstate(all="raise"):
        z = noise.normal(words)
    assert numpy.isfinite(z).all()
    largest = math.sqrt(2 * 33 * math.log(2))  # 6.76, of a word that begins with 32 zeros
    assert math.isclose(float(numpy.abs(z).max()), largest, rel_tol=1e-6)


# -- on the other device ---------------------------------------------------------------------------

NOISES = {
    "dropout": lambda x, rng: tn.dropout(x, 0.3, rng),
    "dropout of channels": lambda x, rng: tn.dropout(x, 0.3, rng, mask_shape=(20, 1, 5)),
    "gaussian_noise": lambda x, rng: tn.gaussian_noise(x, 0.5, rng),
    "sample_gaussian": lambda x, rng: tn.sample_gaussian(x, x, rng),
    "sample_bernoulli": lambda x, rng: tn.sample_bernoulli(0.3 * x, rng),
}


def drawn_on(device, name):
    x = tn.Tensor(numpy.ones((20, 30, 5), numpy.float32), device=device)
    y = NOISES[name](x, numpy.random.default_rng(2))
    assert y.device == device
    return y.numpy()


@pytest.mark.parametrize("name", NOISES)
def test_both_devices_draw_the_same(name, device):
    numpy.testing.assert_allclose(
        drawn_on(device, name), drawn_on("cpu", name), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("rate", [0.1, 0.9999, 0.99999, 0.999999])
def test_the_expected_value_stays_what_it_was_for_every_rate(rate, rng):
    """The scale is that of the rounded rate: sum of kept / 65536 numbers is exact."""
    drop = min(round(rate * 65536), 65535)
    y = tn.dropout(numpy.ones(65536, "float32"), rate, rng).numpy()
    kept = y[y > 0]
    numpy.testing.assert_allclose(kept, 65536 / (65536 - drop), rtol=1e-6)


def test_a_refused_call_leaves_the_generator_where_it_was():
    rng, other = numpy.random.default_rng(0), numpy.random.default_rng(0)
    with pytest.raises(ValueError, match="mask_shape"):
        tn.dropout(numpy.ones((2, 3), "float32"), 0.5, rng, mask_shape=(2, 2))
    assert rng.bit_generator.state == other.bit_generator.state
