"""The check of the checker: gradcheck must find every wrong gradient and must not cry wolf.

A wrong operation is a right one whose pullback is spoiled: `operation.__wrapped__` is the plain
function that returns a value and its pullbacks.
"""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn

SPOILS = {
    "a factor of 1.001": lambda dx: dx * 1.001,
    "a factor of 7": lambda dx: dx * 7,
    "zero": lambda dx: dx * 0,
    "a sign": lambda dx: -dx,
    "a transpose": lambda dx: dx.swapaxes(-1, -2),
    "a missing 1/N": lambda dx: dx * len(dx),
    "one wrong element": lambda dx: dx + (numpy.arange(dx.size) == 2).reshape(dx.shape) * 0.01,
    "NaN": lambda dx: dx * numpy.nan,
}


def spoiled(operation, spoil, which=0, **settings):
    """The operation, with the gradient of the input number `which` spoiled."""

    @tn.differentiable
    def wrong(*inputs):
        y, pullbacks = operation.__wrapped__(*inputs, **settings)
        right = list(pullbacks if isinstance(pullbacks, tuple) else (pullbacks,))
        before = right[which]
        right[which] = lambda dy: spoil(before(dy))
        return y, tuple(right)

    return wrong


def names_of_wrong_rows(report: tn.GradcheckReport) -> list[str]:
    return [row.name for row in report.rows if not row.error <= report.tolerance]


# Square inputs, so that a transposed gradient has the right shape.  One per row: operation,
# settings, and the shapes of its inputs.
OPERATIONS = {
    "multiply": (tn.Tensor.__mul__, {}, [(3, 3), (3, 3)]),
    "matmul": (tn.Tensor.__matmul__, {}, [(3, 3), (3, 3)]),
    "mean": (tn.Tensor.mean, {"axis": 0}, [(3, 3)]),
    "exp": (tn.exp, {}, [(3, 3)]),
    "softmax": (tn.softmax, {}, [(3, 3)]),
    "log_softmax": (tn.log_softmax, {}, [(3, 3)]),
    "mse": (tn.mse, {}, [(3, 3), (3, 3)]),
    "conv2d": (tn.conv2d, {}, [(2, 4, 3, 3), (2, 2, 3, 3)]),
    "batch_norm": (tn.batch_norm, {"training": True}, [(3, 3), (3,), (3,)]),
    "layer_norm": (tn.layer_norm, {}, [(3, 3), (3,), (3,)]),
}


@pytest.mark.parametrize("fault", SPOILS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_wrong_gradient_is_found(name, fault, rng):
    operation, settings, shapes = OPERATIONS[name]
    inputs = [rng.normal(size=shape) for shape in shapes]
    wrong = spoiled(operation, SPOILS[fault], **settings)
    with pytest.raises(tn.GradientError) as caught:
        tn.gradcheck(wrong, *inputs)
    assert names_of_wrong_rows(caught.value.report) == ["input 0"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_right_gradient_passes(name, rng):
    operation, settings, shapes = OPERATIONS[name]
    inputs = [rng.normal(size=shape) for shape in shapes]
    report = tn.gradcheck(spoiled(operation, lambda dx: dx, **settings), *inputs)
    assert report.passed
    assert [row.moved for row in report.rows] == [0] * len(inputs)


@tn.differentiable
def batch_norm_of_constant_statistics(x, gamma, beta):
    """batch_norm, whose pullback forgets that mean and variance depend on x."""
    y, pullbacks = tn.batch_norm.__wrapped__(x, gamma, beta, training=True)
    scale = 1 / numpy.sqrt(x.var(axis=0) + 0.001)
    return y, (lambda dy: dy * gamma * scale, *pullbacks[1:])


@tn.differentiable
def batch_norm_of_sums(x, gamma, beta):
    """batch_norm, whose pullback takes sums where it should take means: the 1/N is missing."""
    y, pullbacks = tn.batch_norm.__wrapped__(x, gamma, beta, training=True)
    scale = 1 / numpy.sqrt(x.var(axis=0) + 0.001)
    normal = (x - x.mean(axis=0)) * scale

    def dx(dy):
        d = dy * gamma
        return (d - d.sum(axis=0) - normal * (d * normal).sum(axis=0)) * scale

    return y, (dx, *pullbacks[1:])


@pytest.mark.parametrize("wrong", [batch_norm_of_constant_statistics, batch_norm_of_sums])
def test_a_batch_norm_that_forgets_its_means_is_found(wrong, rng):
    with pytest.raises(tn.GradientError) as caught:
        tn.gradcheck(wrong, rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=3))
    assert names_of_wrong_rows(caught.value.report) == ["x"]


@tn.differentiable
def mean_without_1_over_n(x):
    return x.mean(), lambda dy: numpy.full(x.shape, dy)


def test_a_mean_without_its_1_over_n_is_found(rng):
    with pytest.raises(tn.GradientError):
        tn.gradcheck(mean_without_1_over_n, rng.normal(size=5))


@pytest.mark.parametrize("which", [0, 1, 2])
def test_only_the_row_of_the_wrong_input_says_wrong(which, rng):
    wrong = spoiled(tn.batch_norm, SPOILS["a factor of 1.001"], which, training=True)

    def f(x, gamma, beta):
        return wrong(x, gamma, beta)

    with pytest.raises(tn.GradientError) as caught:
        tn.gradcheck(f, rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=3))
    assert names_of_wrong_rows(caught.value.report) == [["x", "gamma", "beta"][which]]


# -- why the upstream gradient is random -----------------------------------------------------------


@pytest.mark.parametrize("fault", ["a factor of 7", "zero", "a sign"])
@pytest.mark.parametrize("name", ["softmax", "batch_norm"])
def test_ones_upstream_would_not_see_what_a_random_gradient_sees(name, fault, rng):
    # The outputs of softmax and batch_norm sum to a constant: of their sum every gradient is 0.
    operation, settings, shapes = OPERATIONS[name]
    x, *rest = (rng.normal(size=shape) for shape in shapes)
    wrong = spoiled(operation, SPOILS[fault], **settings)
    tn.gradcheck(lambda x: wrong(x, *rest).sum(), x)
    with pytest.raises(tn.GradientError):
        tn.gradcheck(lambda x: wrong(x, *rest), x)


def test_the_same_generator_draws_the_same_gradient(rng):
    x = rng.normal(size=3)
    one = tn.gradcheck(tn.exp, x, rng=numpy.random.default_rng(5))
    same = tn.gradcheck(tn.exp, x, rng=numpy.random.default_rng(5))
    other = tn.gradcheck(tn.exp, x, rng=numpy.random.default_rng(6))
    assert one == same
    assert one.rows[0].gradient != other.rows[0].gradient


def test_without_a_generator_the_check_is_the_same_each_time(rng):
    x = rng.normal(size=3)
    assert tn.gradcheck(tn.exp, x) == tn.gradcheck(tn.exp, x)


# -- kinks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "kinks"),
    [
        (tn.relu, [0.0, 1.0, -1.0, 0.0], 2),
        (tn.leaky_relu, [0.0, 1.0, -1.0], 1),
        (tn.abs, [0.0, 1.0, -1.0], 1),
        (lambda x: tn.clip(x, -1, 1), [0.0, 1.0, -1.0], 2),
        (lambda x: tn.maximum(x, 2), [2.0, 1.0, 3.0], 1),
        (lambda x: tn.minimum(x, 2), [2.0, 1.0, 3.0], 1),
        (lambda x: x.max(), [1.0, 3.0, 3.0], 2),
        (lambda x: x.min(), [1.0, 1.0, 3.0], 2),
        (lambda x: tn.max_pool2d(x, 2), numpy.ones((1, 2, 2, 1)), 4),
        (lambda x: tn.min_pool2d(x, 2), numpy.ones((1, 2, 2, 1)), 4),
        (lambda x: tn.l2_pool2d(x, 2), numpy.zeros((1, 2, 2, 1)), 4),
    ],
    ids=[
        "relu",
        "leaky_relu",
        "abs",
        "clip",
        "maximum",
        "minimum",
        "max",
        "min",
        "max_pool2d",
        "min_pool2d",
        "l2_pool2d",
    ],
)
def test_a_kink_is_avoided_and_counted(f, x, kinks):
    report = tn.gradcheck(f, x)
    assert report.rows[0].moved == kinks
    assert f"right ({kinks} moved off kinks)" in str(report)


def test_equals_are_told_apart_in_both_inputs():
    report = tn.gradcheck(tn.maximum, [1.0, 2.0], [1.0, 0.0])
    assert [row.moved for row in report.rows] == [1, 1]


def test_a_wrong_gradient_beside_a_kink_is_found():
    wrong = spoiled(tn.relu, SPOILS["a factor of 1.001"])
    with pytest.raises(tn.GradientError):
        tn.gradcheck(wrong, [0.0, 1.0, -1.0])


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_a_kink_is_seen_whatever_its_scale(scale):
    report = tn.gradcheck(lambda x: tn.relu(x) * scale, [0.0, 1.0, -1.0])
    assert report.rows[0].moved == 1


@pytest.mark.parametrize(
    ("f", "inputs"),
    [(lambda x: x * x, [0.0]), (lambda x: x**2, 1e-6), (tn.mse, [[1.0, 2.0], [1.0, 2.0]])],
    ids=["square at 0", "square near 0", "mse at its minimum"],
)
def test_a_smooth_minimum_is_not_taken_for_a_kink(f, inputs):
    report = tn.gradcheck(f, *(inputs if f is tn.mse else [inputs]))
    assert [row.moved for row in report.rows] == [0] * len(report.rows)


def test_a_function_that_is_nothing_but_kinks_is_refused():
    @tn.differentiable
    def sawtooth(x):
        return numpy.abs(x / 3e-5 % 1 - 0.5), lambda dy: dy

    with pytest.raises(
        ValueError, match=r"^gradcheck: f has kinks wherever it is tried\. Check it at other"
    ):
        tn.gradcheck(sawtooth, numpy.linspace(0, 1, 40))


# -- size ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-9, 1e-6, 1e-3, 1e3, 1e6])
def test_gradients_of_any_size_are_checked_alike(scale, rng):
    x = rng.normal(size=(3, 3))
    wrong = spoiled(tn.softmax, SPOILS["a factor of 1.001"])
    tn.gradcheck(lambda x: tn.softmax(x) * scale, x)
    with pytest.raises(tn.GradientError):
        tn.gradcheck(lambda x: wrong(x) * scale, x)


@pytest.mark.parametrize(
    ("operation", "scale"), [(tn.exp, 1e-6), (tn.exp, 1e-3), (tn.log, 1e3), (tn.log, 1e6)]
)
def test_inputs_of_any_size_are_checked_alike(operation, scale, rng):
    x = rng.uniform(1, 2, 3) * scale
    assert tn.gradcheck(operation, x).rows[0].moved == 0
    with pytest.raises(tn.GradientError):
        tn.gradcheck(spoiled(operation, SPOILS["a factor of 1.001"]), x)


def test_the_noise_of_a_large_result_is_not_an_error(rng):
    tn.gradcheck(lambda x: tn.sigmoid(x) + 1e6, rng.normal(size=5))


def test_a_small_gradient_beside_large_ones_is_checked():
    wrong = spoiled(tn.Tensor.__mul__, lambda dx: dx * [1, 1, 1.1])
    with pytest.raises(tn.GradientError) as caught:
        tn.gradcheck(lambda x: wrong(x, [1.0, 1000.0, 0.01]), [1.0, 1.0, 1.0])
    assert caught.value.report.rows[0].where == (2,)


def test_a_larger_tolerance_allows_a_larger_error(rng):
    wrong = spoiled(tn.exp, SPOILS["a factor of 1.001"])
    assert tn.gradcheck(wrong, rng.normal(size=3), tolerance=0.01).passed


# -- the report ------------------------------------------------------------------------------------


def test_the_report_prints_a_row_for_each_argument():
    def f(x, w):
        return x * w

    lines = str(tn.gradcheck(f, [[1.0, 2.0]], 3.0)).splitlines()
    assert lines[0].split() == [
        *("argument", "shape", "largest", "error", "where", "gradient", "difference", "verdict")
    ]
    assert [line.split("  ")[0] for line in lines[1:]] == ["x".ljust(8).rstrip(), "w"]
    assert "(1, 2)" in lines[1]
    assert all(line.endswith("right") for line in lines[1:])


def test_the_columns_of_the_report_stand_below_each_other(rng):
    def f(x, a_long_name):
        return x @ a_long_name

    head, *rows = str(tn.gradcheck(f, rng.normal(size=(2, 3)), rng.normal(size=3))).splitlines()
    for column in ("shape", "verdict"):
        place = head.index(column)
        assert all(row[place - 1] == " " != row[place] for row in rows)


def test_the_report_says_what_is_wrong_and_where():
    wrong = spoiled(tn.Tensor.__mul__, lambda dx: dx + numpy.float64([[0, 0], [0, 5]]))
    with pytest.raises(tn.GradientError) as caught:
        tn.gradcheck(lambda x: wrong(x, 2.0), numpy.ones((2, 2)))
    (row,) = caught.value.report.rows
    assert (row.name, row.shape, row.where) == ("x", (2, 2), (1, 1))
    assert row.gradient == pytest.approx(row.difference + 5)
    assert row.error == pytest.approx(5 / abs(row.difference))
    assert not caught.value.report.passed


def test_the_error_shows_the_report():
    with pytest.raises(tn.GradientError) as caught:
        tn.gradcheck(spoiled(tn.exp, SPOILS["zero"]), 1.0)
    assert str(caught.value) == f"gradcheck: a gradient is wrong.\n{caught.value.report}"
    assert str(caught.value).endswith("WRONG")


def test_a_gradient_error_is_not_a_value_error():
    # f cannot be checked (ValueError) and f is wrong (GradientError) are told apart.
    assert not issubclass(tn.GradientError, ValueError | TypeError)


# -- what may be checked ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x",
    [1.5, [1.0, 2.0], numpy.float32([1, 2]), tn.Tensor([1.0, 2.0]), numpy.float64(2)],
    ids=["number", "list", "float32", "tensor", "numpy number"],
)
def test_inputs_are_checked_in_float64_whatever_they_are(x):
    seen = []

    def f(x):
        seen.append(x.dtype)
        return tn.exp(x)

    assert tn.gradcheck(f, x).rows[0].error < 1e-8
    assert set(seen) == {numpy.dtype("float64")}


def test_the_inputs_are_not_changed():
    x, y = numpy.array([0.0, 1.0]), tn.Tensor([0.0, 1.0], requires_grad=True)
    tn.gradcheck(lambda x, y: tn.relu(x) * tn.relu(y), x, y)
    numpy.testing.assert_array_equal(x, [0, 1])
    numpy.testing.assert_array_equal(y.data, [0, 1])
    assert y.grad is None


def test_whole_numbers_are_passed_on_as_they_are():
    def f(logits, labels):
        assert labels.dtype == numpy.int64
        return tn.cross_entropy(logits, labels)

    report = tn.gradcheck(f, [[1.0, 2.0], [3.0, 1.0]], numpy.array([0, 1]))
    assert [row.name for row in report.rows] == ["logits"]


def test_numbers_are_inputs_like_any_other():
    report = tn.gradcheck(lambda x, y: x * y, 2.0, 3.0)
    assert [(row.shape, row.where) for row in report.rows] == [((), ()), ((), ())]
    with pytest.raises(tn.GradientError):
        tn.gradcheck(spoiled(tn.exp, SPOILS["a factor of 1.001"]), 2.0)


def test_an_empty_input_has_no_gradient_to_be_wrong():
    report = tn.gradcheck(lambda x: x * 2, numpy.zeros((0, 3)))
    assert report.passed
    assert report.rows[0].shape == (0, 3)


def test_the_gradient_of_an_unused_input_is_zero(rng):
    report = tn.gradcheck(lambda x, unused: tn.exp(x), rng.normal(size=3), rng.normal(size=2))
    assert report.rows[1].error == 0
    assert report.rows[1].gradient == 0


def test_a_gradient_that_was_cut_off_is_wrong(rng):
    with pytest.raises(tn.GradientError):
        tn.gradcheck(lambda x: tn.exp(x.detach()), rng.normal(size=3))


def test_an_input_that_is_returned_as_it_is_passes(rng):
    assert tn.gradcheck(lambda x: x, rng.normal(size=3)).passed


def test_an_input_given_twice_is_checked_as_two(rng):
    x = rng.normal(size=3)
    assert tn.gradcheck(lambda x, y: x * y, x, x).passed


def test_arguments_without_names_are_numbered():
    report = tn.gradcheck(lambda *xs: xs[0] * xs[1], 1.0, 2.0)
    assert [row.name for row in report.rows] == ["input 0", "input 1"]


def test_a_random_operation_that_makes_its_generator_inside_is_checked(rng):
    def f(x):
        return tn.dropout(x, 0.5, numpy.random.default_rng(3))

    assert tn.gradcheck(f, rng.normal(size=(4, 4))).passed


# -- what may not ----------------------------------------------------------------------------------


def test_a_random_function_is_refused(rng):
    with pytest.raises(ValueError, match=r"^gradcheck: f gave two different results .* inside f"):
        tn.gradcheck(lambda x: tn.dropout(x, 0.5, rng), numpy.ones(20))


def test_a_result_that_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match=r"^gradcheck: f returned ndarray\. It must return a Te"):
        tn.gradcheck(lambda x: x.numpy(), 1.0)


def test_a_result_in_float32_is_refused():
    with pytest.raises(TypeError, match=r"^gradcheck: f returned float32 for float64 inputs\. "):
        tn.gradcheck(lambda x: tn.Tensor(x.numpy().astype("float32")), 1.0)


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf, -numpy.inf])
def test_a_result_that_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match=r"^gradcheck: f is infinite or NaN here\. Check it at o"):
        tn.gradcheck(lambda x: x + value, [1.0, 2.0])


@pytest.mark.parametrize("inputs", [(), (numpy.arange(3),), (numpy.array([True]),)], ids=str)
def test_without_a_floating_input_there_is_nothing_to_check(inputs):
    with pytest.raises(ValueError, match=r"^gradcheck: no input is floating"):
        tn.gradcheck(lambda *x: tn.Tensor(1.0), *inputs)


@pytest.mark.parametrize("f", [tn.log, tn.sqrt], ids=["log", "sqrt"])
def test_near_the_edge_of_its_domain_f_is_checked_or_refused(f):
    assert tn.gradcheck(f, [1e-4, 1.0]).passed
    with pytest.raises(tn.GradientError):
        tn.gradcheck(spoiled(f, SPOILS["a factor of 1.001"]), [1e-4, 1.0])
    with pytest.raises(ValueError, match=r"^gradcheck: f is infinite or NaN within 1e-05 of 1e-06"):
        tn.gradcheck(f, [1e-6, 1.0])


def test_under_no_grad_there_is_nothing_to_check():
    with tn.no_grad(), pytest.raises(RuntimeError, match=r"^gradcheck: called under no_grad"):
        tn.gradcheck(tn.exp, [1.0])


def test_a_slope_that_rounding_hides_is_right_and_a_larger_one_is_not():
    logits = [[100.0, 0.0]]
    assert tn.gradcheck(lambda x: tn.cross_entropy(x, [0]), logits).passed

    @tn.differentiable
    def flat(x, slope: float):
        return 0 * x, lambda dy: slope * dy

    assert tn.gradcheck(lambda x: flat(x, slope=1e-13), logits).passed
    with pytest.raises(tn.GradientError):
        tn.gradcheck(lambda x: flat(x, slope=1e-10), logits)
