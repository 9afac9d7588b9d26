"""The doctor finds where a computation first goes wrong, and names it."""

from __future__ import annotations

import functools
import weakref

import numpy
import pytest

import tinynet as tn


@tn.differentiable
def poisoned(x, value: float):
    """x itself, with one element of its gradient replaced."""

    def dx(dy):
        dx = dy.copy()
        dx.flat[0] = value
        return dx

    return x.copy(), dx


@pytest.fixture(autouse=True)
def no_warnings():
    """NumPy warns where the doctor raises; here we listen to the doctor alone."""
    with numpy.errstate(all="ignore"):
        yield


# -- forward ---------------------------------------------------------------------------------------


def test_the_first_result_with_nan_is_named_with_the_range_of_its_input():
    x = tn.Tensor([-2.0, 0.5, 3.0], name="activations")
    with (
        tn.doctor(),
        pytest.raises(
            FloatingPointError,
            match=r"^sqrt: the result holds 1 NaN and 0 infinite of 3 numbers\. "
            r"Inputs: 'activations' in \[-2, 3\]\.$",
        ),
    ):
        tn.exp(tn.sqrt(x)).sum()


def test_the_first_infinite_result_is_named():
    with (
        tn.doctor(),
        pytest.raises(FloatingPointError, match=r"^exp: .* 0 NaN and 2 infinite of 4 numbers\. "),
    ):
        tn.softplus(tn.exp(tn.Tensor([[1.0, 100.0], [1000.0, 0.0]])))


def test_the_ranges_of_all_inputs_are_shown():
    x = tn.Tensor([1.0, 2.0], name="x")
    with (
        tn.doctor(),
        pytest.raises(
            FloatingPointError,
            match=r"^divide: .* Inputs: 'x' in \[1, 2\]; of shape \(2,\) in \[-1, 0\]\.$",
        ),
    ):
        x / numpy.float32([0, -1])


def test_it_is_the_operation_that_is_named_not_a_later_one():
    x = tn.Tensor([1.0, -1.0])
    with tn.doctor(), pytest.raises(FloatingPointError, match=r"^log: "):
        tn.relu(tn.log(x) * 2 + 1).mean()


def test_a_healthy_computation_is_left_alone():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    with tn.doctor():
        (tn.log(x) * numpy.arange(2)).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [0, 0.5])


def test_whole_and_empty_results_are_healthy():
    with tn.doctor():
        labels = tn.Tensor(numpy.arange(6))[tn.Tensor(numpy.array([1, 2]))]
        empty = tn.exp(tn.Tensor(numpy.ones((0, 3))))
    assert labels.data.tolist() == [1, 2]
    assert empty.shape == (0, 3)


# -- backward --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "fault"),
    [(numpy.nan, "1 NaN and 0 infinite"), (-numpy.inf, "0 NaN and 1 infinite")],
    ids=["NaN", "infinite"],
)
def test_the_first_bad_gradient_is_named_with_the_range_of_the_input(value, fault):
    x = tn.Tensor([1.0, 2.0, 4.0], requires_grad=True, name="w")
    with (
        tn.doctor(),
        pytest.raises(
            FloatingPointError,
            match=rf"^poisoned: the gradient for the input 'w' holds {fault} of 3 numbers\. "
            r"Input: 'w' in \[1, 4\]\.$",
        ),
    ):
        poisoned(x, value=value).sum().backward()
    assert x.grad is None


def test_the_slope_of_a_square_root_at_zero_is_found_on_the_way_back():
    x = tn.Tensor([0.0, 1.0], requires_grad=True)
    with tn.doctor():
        loss = (tn.sqrt(x) * 3).sum()
        with pytest.raises(FloatingPointError, match=r"^sqrt: the gradient for the input of sha"):
            loss.backward()


def test_the_gradient_is_blamed_on_the_operation_where_it_begins():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    with tn.doctor(), pytest.raises(FloatingPointError, match=r"^poisoned: "):
        (poisoned(x * 2, value=numpy.nan) + 1).sum().backward()


# -- changed arrays --------------------------------------------------------------------------------


def test_a_changed_array_is_reported_with_operation_shape_and_fix():
    x = tn.Tensor(numpy.ones((2, 3)), requires_grad=True)
    with tn.doctor():
        loss = tn.softmax(x * x).sum()
        x.data *= 2
        with pytest.raises(
            RuntimeError,
            match=r"^multiply: an array \(2, 3\) that it saved for backward\(\) was changed after "
            r"the forward pass, so its gradient would be wrong\. Change data \(an optimizer's "
            r"step, too\) after backward\(\)\.$",
        ):
            loss.backward()


def test_a_changed_result_is_found_where_the_pullback_needs_it():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    with tn.doctor():
        y = tn.exp(x)
        y.data[0] = 0
        with pytest.raises(RuntimeError, match=r"^exp: an array \(2,\)"):
            y.sum().backward()


def test_an_array_that_no_pullback_needs_may_change():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    with tn.doctor():
        loss = (x + 1).sum()
        x.data *= 2
        loss.backward()
    numpy.testing.assert_array_equal(x.grad, [1, 1])


def test_arrays_in_lists_and_in_inner_functions_are_watched_too():
    @tn.differentiable
    def nested(x, kept: numpy.ndarray):
        parts = [(kept,)]

        def factor():
            return parts[0][0]

        return x * kept, lambda dy: dy * factor()

    kept = numpy.float32([1, 2])
    with tn.doctor():
        loss = nested(tn.Tensor([1.0, 2.0], requires_grad=True), kept=kept).sum()
        kept[0] = 5
        with pytest.raises(RuntimeError, match=r"^nested: "):
            loss.backward()


def test_a_pullback_that_is_not_a_plain_closure_is_watched_too():
    def scaled(kept, dy):
        return dy * kept

    @tn.differentiable
    def partial(x, kept: numpy.ndarray):
        return x * kept, functools.partial(scaled, kept)

    kept = numpy.float32([1, 2])
    with tn.doctor():
        loss = partial(tn.Tensor([1.0, 2.0], requires_grad=True), kept=kept).sum()
        kept[0] = 5
        with pytest.raises(RuntimeError, match=r"^partial: "):
            loss.backward()


def test_a_pullback_with_a_name_that_was_never_set_is_no_trouble():
    @tn.differentiable
    def sometimes(x, twice: bool):
        if twice:
            factor = 2.0
        return x * (2 if twice else 1), lambda dy: dy * factor if twice else dy * 1

    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    with tn.doctor():
        sometimes(x, twice=False).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [1, 1])


def test_a_pullback_that_calls_itself_is_no_trouble():
    @tn.differentiable
    def recursive(x):
        def dx(dy, depth=3):
            return dx(dy, depth - 1) if depth else other(dy)

        def other(dy):
            return dy * 1 if dy.size else dx(dy)

        return x * 1, dx

    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    with tn.doctor():
        recursive(x).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [1, 1])


# -- where it holds --------------------------------------------------------------------------------


def test_outside_the_block_nothing_is_examined():
    with tn.doctor():
        pass
    assert numpy.isnan(tn.log(tn.Tensor([-1.0])).data).all()


def test_an_exception_ends_the_examination():
    with pytest.raises(FloatingPointError), tn.doctor():
        tn.log(tn.Tensor([-1.0]))
    assert numpy.isnan(tn.log(tn.Tensor([-1.0])).data).all()


def test_an_inner_block_gives_back_to_the_outer_one():
    with tn.doctor():
        with tn.doctor():
            pass
        with pytest.raises(FloatingPointError):
            tn.log(tn.Tensor([-1.0]))


def test_a_graph_of_before_the_block_may_be_walked_inside():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    loss = (x * x).sum()
    with tn.doctor():
        loss.backward()
    numpy.testing.assert_array_equal(x.grad, [2, 4])


def test_a_graph_of_inside_the_block_may_be_walked_after_it():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    with tn.doctor():
        loss = (x * x).sum()
    loss.backward()
    numpy.testing.assert_array_equal(x.grad, [2, 4])


def test_what_was_walked_or_never_recorded_is_not_kept():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    with tn.doctor():
        y = tn.exp(x)
        y.sum().backward()
        with tn.no_grad():
            z = tn.exp(x)
        dead = [weakref.ref(thing) for thing in (y, y.data, z, z.data)]
        del y, z
        assert [ref() is None for ref in dead] == [True] * 4


def test_results_and_gradients_are_the_same_inside(rng):
    x, w = rng.normal(size=(4, 3)), rng.normal(size=(3, 2))

    def gradient():
        t = tn.Tensor(w, requires_grad=True)
        tn.log_softmax(tn.Tensor(x) @ t).mean().backward()
        return t.grad.tobytes()

    outside = gradient()
    with tn.doctor():
        assert gradient() == outside


@pytest.mark.parametrize(
    "f",
    [
        lambda w: w.sum(),
        lambda w: w.mean(),
        lambda w: w.reshape(4).sum(),
        lambda w: w[0].sum(),
        lambda w: tn.pad(w, ((1, 1), (1, 1)), mode="edge").sum(),
    ],
    ids=["sum", "mean", "reshape", "getitem", "pad"],
)
def test_a_change_that_no_gradient_depends_on_is_no_fault(f):
    w = tn.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    with tn.doctor():
        loss = f(w)
        w.data -= 0.1
        loss.backward()


def test_graphs_that_are_never_walked_are_not_kept():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    with tn.doctor():
        y = tn.exp(x)
        saved = weakref.ref(y.data)
        del y
        assert saved() is None
