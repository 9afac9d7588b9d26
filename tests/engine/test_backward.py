"""The nine guarantees of the engine, in the order of the design, each with its own tests.

The operations that the tests need are made here, some of them wrong on purpose: the engine has to
hold for whatever a student writes.  `weakref` shows when an array has died.
"""

from __future__ import annotations

import contextlib
import gc
import math
import operator
import re
import threading
import weakref

import numpy
import pytest

import tinynet as tn
from tinynet.engine import backward as backward_file


def leaf(*values: float, name: str | None = None) -> tn.Tensor:
    return tn.Tensor(list(values), requires_grad=True, name=name)


@tn.differentiable
def double(x):
    return 2 * x, lambda dy: 2 * dy


@tn.differentiable
def tap(x, seen: list, label: str = ""):
    """x itself; its pullback notes that it was called, and with what."""

    def dx(dy):
        seen.append((label, dy))
        return dy.copy()

    return x.copy(), dx


@pytest.fixture
def no_collector():
    """Without the garbage collector, what dies has died because nothing refers to it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# -- 1. broadcasting is undone on the way back -----------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((), 24.0),
        ((1,), [24.0]),
        ((4,), [6.0] * 4),
        ((3, 1), [[8.0]] * 3),
        ((1, 4), [[6.0] * 4]),
        ((1, 1, 1), [[[24.0]]]),
        ((2, 1, 4), [[[3.0] * 4]] * 2),
        ((2, 3, 4), [[[1.0] * 4] * 3] * 2),
    ],
    ids=str,
)
def test_1_what_was_repeated_on_the_way_out_is_summed_on_the_way_back(shape, expected):
    x = tn.Tensor(numpy.ones(shape, numpy.float32), requires_grad=True)
    (x + numpy.zeros((2, 3, 4), numpy.float32)).sum().backward()
    numpy.testing.assert_array_equal(x.grad, numpy.float32(expected))
    assert x.grad.shape == shape


def test_1_both_operands_may_be_repeated_at_once():
    row, column = leaf(1, 2, 3), tn.Tensor([[10.0], [20.0]], requires_grad=True)
    (row * column).sum().backward()
    numpy.testing.assert_array_equal(row.grad, [30, 30, 30])
    numpy.testing.assert_array_equal(column.grad, [[6], [6]])


def test_1_an_input_repeated_zero_times_gets_zeros():
    x = leaf(1, 2)
    (x + numpy.zeros((0, 2), numpy.float32)).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [0, 0])


# -- 2. a gradient has its input's shape and dtype, or the error names the operation ---------------


@tn.differentiable
def wrong_shape(x):
    return x * 1, lambda dy: numpy.ones(5, numpy.float32)


@tn.differentiable
def lost_axis(x):
    return x * 1, lambda dy: dy.sum()


@tn.differentiable
def promoting_pullback(x):
    return x * 1, lambda dy: dy * numpy.float64(2)


@tn.differentiable
def list_pullback(x):
    return x * 1, lambda dy: [1.0, 1.0, 1.0]


@tn.differentiable
def forgetful_pullback(x):
    return x * 1, lambda dy: None


@pytest.mark.parametrize(
    ("operation", "returned", "cure"),
    [
        (wrong_shape, "(5,) float32 on cpu", ""),
        (lost_axis, "() float32 on cpu", ""),
        (
            promoting_pullback,
            "(3,) float64 on cpu",
            " A NumPy float64 scalar promotes float32: use Python floats and math.sqrt.",
        ),
        (list_pullback, "list", ""),
        (forgetful_pullback, "NoneType", ""),
    ],
)
def test_2_a_pullback_that_returns_what_does_not_fit_is_named(operation, returned, cure):
    x = leaf(1, 2, 3, name="weights")
    with pytest.raises(TypeError) as caught:
        operation(x).sum().backward()
    assert str(caught.value) == (
        f"{operation.__name__}: the pullback of the input 'weights' returned {returned}. It must "
        f"return an array like the input, (3,) float32 on cpu.{cure}"
    )
    assert x.grad is None


@tn.differentiable
def too_few_pullbacks(x, y):
    return x * y, lambda dz: dz * y


@tn.differentiable
def one_pullback_missing(x, y):
    return x * y, (lambda dz: dz * y, None)


@pytest.mark.parametrize(
    ("operation", "pullback"), [(too_few_pullbacks, "missing"), (one_pullback_missing, "None")]
)
def test_2_an_input_without_a_pullback_may_not_require_a_gradient(operation, pullback):
    x, y = leaf(1, 2), leaf(3, 4, name="y_name")
    message = f"the input 'y_name' requires a gradient, and its pullback is {pullback}. Return a "
    with pytest.raises(TypeError, match=f"^{operation.__name__}: {re.escape(message)}"):
        operation(x, y)
    operation(x, y.detach()).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [3, 4])


def test_2_a_pullback_that_is_no_function_is_an_error_that_names_the_operation():
    @tn.differentiable
    def listed(x):
        return x * 2, [lambda dy: 2 * dy]  # where a tuple, or the function itself, should be

    with pytest.raises(TypeError, match=r"^listed: "):
        listed(leaf(1, 2)).sum().backward()


@pytest.mark.parametrize("dtype", [numpy.float16, numpy.float32, numpy.float64])
@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (2, 3)], ids=str)
def test_2_the_gradient_is_an_array_of_the_inputs_shape_and_dtype(shape, dtype):
    x = tn.Tensor(numpy.ones(shape, dtype), requires_grad=True)
    (x * x + x).sum().backward()
    assert type(x.grad) is numpy.ndarray
    assert x.grad.shape == shape
    assert x.grad.dtype == dtype


# -- 3. pullbacks never write, sums are new arrays, no two gradients share memory ------------------


@tn.differentiable
def wicked(x, y, saved: numpy.ndarray):
    """Gives the array that it saved to both inputs, instead of a new one to each."""
    return x + y, (lambda dz: saved, lambda dz: saved)


@pytest.mark.parametrize("small", [0, 1024])
def test_3_an_array_returned_for_both_inputs_is_not_shared_by_their_gradients(small, monkeypatch):
    monkeypatch.setattr(backward_file, "COPY_BELOW", small)
    x, y, saved = leaf(1, 2), leaf(3, 4), numpy.float32([5, 6])
    wicked(x, y, saved=saved).sum().backward()
    assert not numpy.shares_memory(x.grad, y.grad)
    assert not numpy.shares_memory(x.grad, saved)
    x.grad *= 100
    numpy.testing.assert_array_equal(y.grad, [5, 6])
    numpy.testing.assert_array_equal(saved, [5, 6])


def test_3_adding_up_gradients_does_not_write_into_what_an_operation_saved():
    x, saved = leaf(1, 2), numpy.float32([5, 6])
    (wicked(x, x, saved=saved) + wicked(x, x, saved=saved)).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [20, 24])
    numpy.testing.assert_array_equal(saved, [5, 6])


def test_3_the_operands_of_a_sum_share_no_gradient():
    x, y = leaf(1, 2), leaf(3, 4)
    (x + y).backward([1.0, 1.0])
    x.grad += 10
    numpy.testing.assert_array_equal(y.grad, [1, 1])


def test_3_a_tensor_added_to_itself_gets_both_gradients():
    x = leaf(1, 2)
    (x + x).backward([1.0, 10.0])
    numpy.testing.assert_array_equal(x.grad, [2, 20])


def test_3_a_weight_that_is_used_twice_gets_the_sum(rng):
    x = rng.normal(size=(4, 3))
    w = tn.Tensor(rng.normal(size=(3, 3)), requires_grad=True)
    (tn.Tensor(x) @ w @ w).sum().backward()
    ones = numpy.ones((4, 3))
    numpy.testing.assert_allclose(w.grad, x.T @ (ones @ w.data.T) + (x @ w.data).T @ ones)


def test_3_the_upstream_gradient_is_neither_written_nor_kept():
    x, dy = leaf(1, 2), numpy.float32([3, 4])
    dy.flags.writeable = False
    x.backward(dy)
    (x * x + x + x[0] + x.reshape(2, 1).T.sum()).backward(dy)
    x.grad *= 100
    numpy.testing.assert_array_equal(dy, [3, 4])


def test_3_gradients_do_not_share_memory_with_data():
    @tn.differentiable
    def square(x):
        return x * x / 2, lambda dy: x  # right for dy = 1, and it is the data itself

    x = leaf(1, 2)
    square(x).sum().backward()
    x.grad *= 100
    numpy.testing.assert_array_equal(x.data, [1, 2])


def test_3_a_gradient_that_was_taken_does_not_change_when_another_is_added():
    x = leaf(1, 2)
    (x * 3).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    numpy.testing.assert_array_equal(first, [3, 3])
    numpy.testing.assert_array_equal(x.grad, [6, 6])


@pytest.mark.fast_form
@pytest.mark.parametrize(
    ("make", "copied"),
    [
        (lambda: numpy.float32([[1, 2], [1, 2]]), False),
        (lambda: numpy.float32([1, 2, 1, 2]).reshape(2, 2), False),
        (lambda: numpy.float32([[1, 2], [1, 2], [3, 4]])[:2], True),  # it would hold on to the 3
        (lambda: numpy.float32([[1, 1], [2, 2]]).T, True),  # optimizers read it in order
        (lambda: numpy.broadcast_to(numpy.float32([1, 2]), (2, 2)), True),
    ],
    ids=["an array", "the view of a whole one", "of a part", "turned", "read-only"],
)
def test_3_a_gradient_that_nobody_else_has_is_not_copied(make, copied, monkeypatch):
    monkeypatch.setattr(backward_file, "COPY_BELOW", 0)
    places = []

    @tn.differentiable
    def made_anew(x):
        def dx(dy):
            array = make()
            places.append(array.ctypes.data)
            return array

        return x * 1, dx

    x = leaf([1, 2], [1, 2])
    made_anew(x).sum().backward()
    assert (x.grad.ctypes.data != places[0]) == copied
    numpy.testing.assert_array_equal(x.grad, [[1, 2], [1, 2]])


def test_3_a_gradient_that_somebody_keeps_is_copied(monkeypatch):
    monkeypatch.setattr(backward_file, "COPY_BELOW", 0)
    kept = []

    @tn.differentiable
    def kept_as_well(x):
        def dx(dy):
            kept.append(dy * 2)
            return kept[0].reshape(-1)  # a view of it

        return x * 2, dx

    x = leaf(1, 2)
    kept_as_well(x).sum().backward()
    x.grad *= 100
    numpy.testing.assert_array_equal(kept[0], [2, 2])


def test_3_gradients_are_arrays_that_one_may_write_to():
    x = leaf(1, 2, 3)
    x.sum().backward()  # its pullback returns a read-only view of one number
    x.grad *= 2
    numpy.testing.assert_array_equal(x.grad, [2, 2, 2])


# -- 4. only leaves keep .grad; gradients in between die as they are consumed ----------------------


def test_4_only_leaves_keep_a_gradient():
    x = leaf(1, 2)
    y = x * 2
    z = y * 3
    loss = z.sum()
    loss.backward()
    assert y.grad is None
    assert z.grad is None
    assert loss.grad is None
    numpy.testing.assert_array_equal(x.grad, [6, 6])


def test_4_a_tensor_that_requires_no_gradient_gets_none():
    x, constant = leaf(1, 2), tn.Tensor([3.0, 4.0])
    (x * constant).sum().backward()
    assert constant.grad is None


@tn.differentiable
def mourner(x, made: list, alive: list):
    """x itself; its pullback notes how many of the gradients made before are still alive."""

    def dx(dy):
        alive.append(sum(array() is not None and array() is not dy.base for array in made))
        result = dy * 1
        made.append(weakref.ref(result))
        return result

    return x * 1, dx


def test_4_gradients_in_between_die_as_they_are_consumed(no_collector):
    made, alive = [], []
    y = leaf(1, 2, 3)
    for _ in range(10):
        y = mourner(y, made=made, alive=alive)
    y.sum().backward()
    assert alive == [0] * 10
    assert not any(array() is not None for array in made)


def test_4_the_parts_of_a_sum_of_gradients_die_when_the_sum_is_made(no_collector):
    made, alive = [], []
    x = mourner(leaf(1, 2, 3), made=made, alive=alive)
    parts = [mourner(x, made=made, alive=alive) for _ in range(3)]
    (parts[0] + parts[1] + parts[2]).sum().backward()
    assert alive[-1] == 0


# -- 5. the walk is iterative, meets each tensor once, in reverse order of creation ----------------


def test_5_a_chain_of_100_000_operations_is_walked():
    x = tn.Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.backward()
    assert y.item() == 100_001
    assert x.grad == 1


def test_5_a_chain_of_100_000_operations_is_forgotten_without_being_walked():
    y = tn.Tensor(1.0, requires_grad=True)
    for _ in range(100_000):
        y = y + 1.0
    last = weakref.ref(y)
    del y
    assert last() is None


def test_5_each_tensor_is_met_once_however_many_paths_lead_to_it():
    seen = []
    y = x = tn.Tensor(1.0, requires_grad=True)
    for _ in range(40):
        y = tap(y, seen=seen)
        y = y + y
    y.backward()
    assert x.grad == 2**40  # paths
    assert len(seen) == 40  # visits


def test_5_tensors_are_met_in_reverse_order_of_creation():
    seen = []
    x = leaf(1)
    a = tap(x, seen=seen, label="a")
    b = tap(x, seen=seen, label="b")
    c = tap(a, seen=seen, label="c")
    d = tap(x, seen=seen, label="d")
    (d + c + b).backward()
    assert [label for label, _ in seen] == ["d", "c", "b", "a"]


def test_5_a_tensor_is_met_after_all_its_uses_however_late_they_are_made():
    seen = []
    x = tap(leaf(1), seen=seen, label="x")
    y = x * 2
    for _ in range(5):
        y = y * 1
    (y + x * 3).backward()
    ((_, dx),) = seen
    assert dx == 5


# -- 6. the record is released as it is walked -----------------------------------------------------


@tn.differentiable
def saver(x, saved: list, alive: list):
    """x itself; saves an array, and notes in its pullback how many of the saved ones are alive."""
    array = numpy.ones(3)
    saved.append(weakref.ref(array))

    def dx(dy):
        alive.append(sum(array() is not None for array in saved))
        return dy * array[0].astype(dy.dtype)

    return x * 1, dx


def test_6_what_pullbacks_saved_is_released_as_they_are_called(no_collector):
    saved, alive = [], []
    y = leaf(1, 2, 3)
    for _ in range(5):
        y = saver(y, saved=saved, alive=alive)
    loss = y.sum()
    loss.backward()
    assert alive == [5, 4, 3, 2, 1]
    assert not any(array() is not None for array in saved)  # though loss and y are still here


def test_6_a_second_backward_says_that_the_graph_was_used():
    loss = (leaf(1, 2) * 3).sum()
    loss.backward()
    with pytest.raises(
        RuntimeError,
        match=r"^backward: this graph was already used, up to the result of sum\. "
        r"Run the forward pass again, or add the losses",
    ):
        loss.backward()


def test_6_two_results_of_one_graph_cannot_both_be_walked():
    x = leaf(1, 2)
    shared = tn.exp(x)
    one, other = shared.sum(), shared.mean()
    one.backward()
    expected = x.grad.copy()
    with pytest.raises(RuntimeError, match="already used, up to the result of exp"):
        other.backward()
    numpy.testing.assert_array_equal(x.grad, expected)


def test_6_building_on_a_used_graph_is_noticed_too():
    y = leaf(1, 2) * 3
    y.sum().backward()
    with pytest.raises(RuntimeError, match="already used, up to the result of multiply"):
        (y + 1).sum().backward()


def test_6_leaves_may_be_used_in_as_many_graphs_as_one_likes():
    x = leaf(1, 2)
    for _ in range(3):
        (x * x).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [6, 12])


def test_6_a_pullback_that_fails_leaves_every_gradient_as_it_was():
    @tn.differentiable
    def failing(x):
        def dx(dy):
            raise ZeroDivisionError("on purpose")

        return x * 1, dx

    x = leaf(1, 2)
    failed = failing(x)
    y = leaf(3, 4)  # younger than what fails, so the walk comes to it before
    (x + y).sum().backward()
    before = x.grad, y.grad
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        (failed + y * 2).sum().backward()
    assert x.grad is before[0]
    assert y.grad is before[1]
    numpy.testing.assert_array_equal(y.grad, [1, 1])


def test_6_a_recorded_graph_holds_no_reference_cycle(no_collector):
    x = leaf(1, 2)
    y = tn.softmax(tn.relu(x @ tn.Tensor(numpy.eye(2, dtype=numpy.float32))) * 2 + x)[:1]
    loss = y.reshape(1, 1).T.max()
    dead = [weakref.ref(thing) for thing in (y, loss, y.data, loss.data)]
    del y, loss
    assert [ref() is None for ref in dead] == [True] * 4


def test_6_a_walked_graph_holds_no_reference_cycle(no_collector):
    x = leaf(1, 2)
    y = tn.exp(x)
    loss = y.sum()
    loss.backward()
    dead = [weakref.ref(thing) for thing in (y, loss, y.data)]
    del y, loss
    assert [ref() is None for ref in dead] == [True] * 3


def test_6_a_value_that_no_pullback_needs_dies_with_its_tensor(no_collector):
    x = leaf(1, 2)
    y = x + 1
    dead = weakref.ref(y.data)
    loss = (y + 2).sum()
    del y
    assert dead() is None
    loss.backward()
    numpy.testing.assert_array_equal(x.grad, [1, 1])


def test_6_an_operation_that_failed_keeps_nothing_alive(no_collector):
    x = leaf(1, 2)
    with contextlib.suppress(ValueError):
        x + numpy.ones(3, numpy.float32)
    dead = weakref.ref(x)
    del x
    assert dead() is None


# -- 7. an input that needs no gradient costs nothing ----------------------------------------------


@tn.differentiable
def two_halves(x, y, saved: list, called: list):
    """x * y, where each pullback saves an array of its own."""
    for_x, for_y = numpy.ones(2, numpy.float32), numpy.ones(2, numpy.float32)
    saved += [weakref.ref(for_x), weakref.ref(for_y)]

    def dx(dz):
        called.append("x")
        return dz * y * for_x

    def dy(dz):
        called.append("y")
        return dz * x * for_y

    return x * y, (dx, dy)


@pytest.mark.parametrize("needed", ["x", "y"])
def test_7_the_pullback_of_an_input_that_needs_no_gradient_is_dropped_and_never_called(
    needed, no_collector
):
    saved, called = [], []
    x = tn.Tensor([1.0, 2.0], requires_grad=needed == "x")
    y = tn.Tensor([3.0, 4.0], requires_grad=needed == "y")
    z = two_halves(x, y, saved=saved, called=called)
    assert [array() is not None for array in saved] == [needed == "x", needed == "y"]
    z.sum().backward()
    assert called == [needed]


def test_7_without_any_input_that_needs_one_nothing_is_recorded(no_collector):
    saved, called = [], []
    z = two_halves([1.0, 2.0], tn.Tensor([3.0, 4.0]), saved=saved, called=called)
    assert [array() for array in saved] == [None, None]
    assert not z.requires_grad
    assert z.is_leaf


# -- 8. float32 stays float32 ----------------------------------------------------------------------

NUMBERS = [
    2,
    0.5,
    True,
    numpy.float64(0.5),
    numpy.sqrt(2),
    numpy.int64(3),
    numpy.bool_(True),
    numpy.arange(1, 4),
    numpy.uint8([1, 2, 3]),
    numpy.array([True, True, True]),
    [1, 2, 3],
    [0.5, 0.5, 0.5],
]
ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


@pytest.mark.parametrize("other", NUMBERS, ids=lambda x: f"{type(x).__name__}-{x}")
@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: op.__name__)
def test_8_float32_meets_other_numbers_and_stays_float32(op, other):
    x = leaf(1, 2, 3)
    for y in (op(x, other), op(other, x)):
        assert y.dtype == numpy.float32
        assert y.requires_grad
        y.sum().backward()
        assert x.grad.dtype == numpy.float32


@pytest.mark.parametrize("other", NUMBERS, ids=lambda x: f"{type(x).__name__}-{x}")
@pytest.mark.parametrize("op", [tn.maximum, tn.minimum], ids=lambda op: op.__name__)
def test_8_functions_of_two_inputs_keep_float32_too(op, other):
    assert op(leaf(1, 2, 3), other).dtype == numpy.float32
    assert op(other, leaf(1, 2, 3)).dtype == numpy.float32


@pytest.mark.parametrize("dtype", [numpy.float16, numpy.float64])
def test_8_the_other_floating_dtypes_stay_what_they_are_too(dtype):
    x = tn.Tensor(numpy.ones(3, dtype))
    y = tn.sigmoid((x * 2 + numpy.arange(3)) / numpy.float64(3) - [0.5, 0.5, 0.5]).mean()
    assert y.dtype == dtype


def test_8_two_floating_dtypes_do_not_mix_in_silence():
    with pytest.raises(
        TypeError, match=r"^add: y is float64 and x is float32\. Convert the array of y"
    ):
        leaf(1, 2) + numpy.ones(2)


@pytest.mark.parametrize(
    "f",
    [lambda x: x.mean(), lambda x: x / 2, lambda x: x * 0.5, tn.exp, tn.sigmoid, tn.sqrt],
    ids=["mean", "divide", "multiply", "exp", "sigmoid", "sqrt"],
)
@pytest.mark.parametrize("dtype", [numpy.int64, numpy.uint8, bool])
def test_8_what_whole_numbers_give_is_float32(f, dtype):
    assert f(tn.Tensor(numpy.ones(4, dtype))).dtype == numpy.float32


@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: op.__name__)
def test_8_whole_numbers_meet_a_list_and_become_float32(op):
    x, numbers = numpy.arange(1, 4), [0.5, 1.0, 2.0]
    for y, expected in (
        (op(tn.Tensor(x), numbers), op(x, numpy.float32(numbers))),
        (op(numbers, tn.Tensor(x)), op(numpy.float32(numbers), x)),
    ):
        assert y.dtype == numpy.float32
        numpy.testing.assert_allclose(y.data, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda: tn.exp(1),
        lambda: tn.exp([0.0, 1.0]),
        lambda: tn.maximum([1, 2], 3),
        lambda: tn.matmul([[1]], [[2]]),
        lambda: tn.mse(1, 2),
    ],
    ids=["number", "list", "list and number", "lists", "numbers"],
)
def test_8_nothing_but_numbers_and_lists_gives_float32(call):
    assert call().dtype == numpy.float32


@pytest.mark.parametrize("f", [tn.exp, tn.sqrt, tn.tanh, tn.log], ids=lambda f: f.__name__)
def test_8_what_whole_numbers_give_is_computed_in_float32_not_in_less(f):
    x = numpy.uint8([1, 12, 80])  # exp(12) is too large for float16
    expected = f(tn.Tensor(x.astype(numpy.float32)))
    numpy.testing.assert_allclose(f(tn.Tensor(x)).data, expected.data, rtol=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: tn.conv2d(x, numpy.ones((2, 2, 1, 1), numpy.int64)),
        lambda x: tn.max_pool2d(x, 2),
        lambda x: tn.average_pool2d(x, 2),
        lambda x: tn.sum_pool2d(x, 2),
        lambda x: tn.l2_pool2d(x, 2),
    ],
    ids=["conv2d", "max_pool2d", "average_pool2d", "sum_pool2d", "l2_pool2d"],
)
def test_8_pictures_of_whole_numbers_are_computed_in_float32(f):
    picture = numpy.uint8([[200, 100], [250, 50]]).reshape(1, 2, 2, 1)  # their sum is above 255
    y = f(picture)
    assert y.dtype == numpy.float32
    numpy.testing.assert_array_equal(y.data, f(picture.astype(numpy.float32)).data)


@pytest.mark.parametrize(
    "loss",
    [tn.mse, tn.bce, tn.bce_with_logits, lambda x, y: tn.cross_entropy(x, y[:, 0])],
    ids=["mse", "bce", "bce_with_logits", "cross_entropy"],
)
def test_8_a_loss_of_whole_numbers_does_not_wrap_around(loss):
    x, y = numpy.uint8([[0, 1], [1, 0]]), numpy.uint8([[1, 1], [0, 0]])  # 0 - 1 is 255 in uint8
    if loss is tn.mse:
        x, y = 20 * x, 30 * y
    with numpy.errstate(all="ignore"):
        expected = loss(x.astype(numpy.float32), y)
        assert loss(x, y).item() == pytest.approx(expected.item())


def test_8_an_operation_that_promotes_is_named():
    @tn.differentiable
    def creeping(x):
        return x * numpy.sqrt(2), lambda dy: dy * math.sqrt(2)

    with pytest.raises(
        TypeError, match=r"^creeping: float32 in, float64 out\. A NumPy float64 scalar promotes"
    ):
        creeping(leaf(1, 2))


# -- 9. an array that changes before the pending backward is detected ------------------------------


def test_9_data_changed_in_place_before_backward_is_detected():
    x, w = leaf(1, 2), leaf(3, 4)
    with tn.doctor():
        loss = (x * w).sum()
        w.data[0] = 100
        with pytest.raises(RuntimeError, match=r"^multiply: an array \(2,\) that it saved"):
            loss.backward()
    assert x.grad is None


def test_9_an_optimiser_step_before_backward_is_detected():
    x, w = tn.Tensor([[1.0, 2.0]]), tn.Tensor([[3.0], [4.0]], requires_grad=True)
    sgd = tn.optim.SGD([w], lr=0.1)
    with tn.doctor():
        early = (tn.tanh(x @ w) @ w.T).sum()
        (x @ w).sum().backward()
        sgd.step()
        with pytest.raises(RuntimeError, match=r"^matmul: .* was changed after the forward pass"):
            early.backward()


def test_9_an_array_changed_through_another_view_of_it_is_detected():
    batch = numpy.ones((4, 2), numpy.float32)
    w = leaf(3, 4)
    with tn.doctor():
        loss = (tn.Tensor(batch[::2]) * w).sum()
        batch[:] = 0
        with pytest.raises(RuntimeError, match="multiply"):
            loss.backward()


def test_9_an_ordinary_training_loop_raises_no_alarm(rng):
    pictures = rng.normal(size=(8, 6, 6, 1)).astype(numpy.float32)
    labels = numpy.arange(8) % 2
    kernel = tn.Tensor(rng.normal(size=(3, 3, 1, 2)).astype(numpy.float32), requires_grad=True)
    gamma, beta = leaf(1, 1), leaf(0, 0)
    w = tn.Tensor(rng.normal(size=(8, 2)).astype(numpy.float32), requires_grad=True)
    mean, variance = numpy.zeros(2, numpy.float32), numpy.ones(2, numpy.float32)
    sgd = tn.optim.SGD([kernel, gamma, beta, w], lr=0.1, momentum=0.9, weight_decay=0.01)
    losses = []
    with tn.doctor():
        for _ in range(3):
            for x, y in tn.data.batches(pictures, labels, size=3, rng=rng):
                h = tn.conv2d(x, kernel)
                h = tn.batch_norm(h, gamma, beta, mean, variance, training=True)
                h = tn.dropout(tn.max_pool2d(tn.relu(h), 2), 0.25, rng)
                loss = tn.cross_entropy(h.reshape(-1, 8) @ w, y) + (w * w).mean()
                sgd.zero_grad()
                loss.backward()
                sgd.step()
                losses.append(loss.item())
    assert len(losses) == 9
    assert losses[-1] < losses[0]


# -- no_grad, accumulation, detach -----------------------------------------------------------------


def test_under_no_grad_nothing_is_recorded(no_collector):
    saved = []
    x = leaf(1, 2)
    with tn.no_grad():
        y = two_halves(x, x, saved=saved, called=[])
    assert [array() for array in saved] == [None, None]
    assert not y.requires_grad
    numpy.testing.assert_array_equal(y.data, [1, 4])


def test_no_grad_may_be_nested():
    x = leaf(1)
    with tn.no_grad():
        with tn.no_grad():
            pass
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_no_grad_ends_with_an_exception_too():
    with pytest.raises(KeyError), tn.no_grad():
        raise KeyError
    assert (leaf(1) * 2).requires_grad


def test_no_grad_decorates_a_function():
    @tn.no_grad()
    def evaluate(x):
        return x * 2

    x = leaf(1)
    assert not evaluate(x).requires_grad
    assert not evaluate(x).requires_grad  # each call anew
    assert (x * 2).requires_grad


def test_no_grad_holds_for_its_own_thread_only():
    x = leaf(1)
    entered, leave = threading.Event(), threading.Event()
    recorded = {}

    def evaluate():
        with tn.no_grad():
            entered.set()
            leave.wait(timeout=10)
            recorded["inside"] = (x * 2).requires_grad

    thread = threading.Thread(target=evaluate)
    thread.start()
    assert entered.wait(timeout=10)
    recorded["beside"] = (x * 2).requires_grad
    leave.set()
    thread.join()
    assert recorded == {"inside": False, "beside": True}


def test_threads_that_share_a_no_grad_leave_each_others_recording_alone():
    x, shared = leaf(1), tn.no_grad()  # as all calls of a decorated function share one
    meet = threading.Barrier(2, timeout=10)
    recorded = {}

    def first():
        with tn.no_grad():
            with shared:
                meet.wait()  # both are in it
            meet.wait()
            recorded["first, inside"] = (x * 2).requires_grad

    def second():
        with shared:
            meet.wait()
            meet.wait()  # the first has left it
        recorded["second, outside"] = (x * 2).requires_grad

    threads = [threading.Thread(target=target) for target in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorded == {"first, inside": False, "second, outside": True}


def test_blocks_of_no_grad_may_end_in_any_order():
    def numbers():
        with tn.no_grad():
            yield 1

    x, first, second = leaf(1), numbers(), numbers()
    next(first), next(second)
    first.close()
    assert not (x * 2).requires_grad  # the second is open
    second.close()
    assert (x * 2).requires_grad


def test_a_thread_records_whatever_the_thread_that_started_it_does():
    x, recorded = leaf(1), []
    with tn.no_grad():
        thread = threading.Thread(target=lambda: recorded.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert recorded == [True]


def test_gradients_of_several_backward_calls_add_up():
    x = leaf(1, 2)
    (x * 2).sum().backward()
    (x * 3).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [5, 5])


def test_no_gradient_flows_through_detach():
    x = leaf(1, 2)
    y = x * 2
    (y.detach() * x).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [2, 4])


def test_detach_shares_the_memory_and_keeps_the_name():
    x = leaf(1, 2, name="w")
    y = x.detach()
    assert y.data is x.data
    assert y.name == "w"
    assert not y.requires_grad


# -- how backward is called ------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["create_graph", "retain_graph"])
def test_whoever_asks_for_second_derivatives_is_told_that_there_are_none(setting):
    x = leaf(1)
    with pytest.raises(
        RuntimeError, match=r"^backward: a graph is walked once, for first derivatives"
    ):
        (x * x).backward(**{setting: True})
    assert x.grad is None


def test_an_upstream_gradient_that_requires_a_gradient_is_refused():
    x = leaf(1, 2)
    with pytest.raises(TypeError, match=r"^backward: no gradient flows to dy.*dy\.detach\(\)"):
        (x * 2).backward(x)


@pytest.mark.parametrize(
    "dy",
    [[1.0, 10.0], (1, 10), numpy.float32([1, 10]), tn.Tensor([1.0, 10.0])],
    ids=["list", "tuple", "array", "tensor"],
)
def test_backward_takes_the_gradient_of_whatever_comes_after(dy):
    x = leaf(1, 2)
    (x * 3).backward(dy)
    numpy.testing.assert_array_equal(x.grad, [3, 30])


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)], ids=str)
def test_a_result_of_one_element_needs_no_upstream_gradient(shape):
    x = tn.Tensor(numpy.ones(shape), requires_grad=True)
    (x * 3).backward()
    numpy.testing.assert_array_equal(x.grad, numpy.full(shape, 3))


def test_a_leaf_may_be_walked_itself_and_more_than_once():
    x = leaf(1, 2)
    x.backward([1.0, 2.0])
    x.backward([1.0, 2.0])
    numpy.testing.assert_array_equal(x.grad, [2, 4])


def test_no_grad_refuses_to_decorate_a_generator():
    with pytest.raises(TypeError, match=r"^no_grad: numbers is a generator"):

        @tn.no_grad()
        def numbers():
            yield 1


def test_one_no_grad_may_be_entered_twice():
    quiet = tn.no_grad()
    x = leaf(1, 2)
    with quiet, quiet:
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_3_a_pullback_that_writes_into_dy_is_stopped_and_named():
    @tn.differentiable
    def greedy(x):
        def dx(dy):
            dy *= 2
            return dy

        return 2 * x, dx

    x = leaf(1, 2)
    dy = numpy.ones(2, numpy.float32)
    y = x * 3
    with pytest.raises(RuntimeError, match=r"^greedy: a pullback writes into dy"):
        (y + greedy(y)).backward(dy)
    assert x.grad is None
    numpy.testing.assert_array_equal(dy, [1, 1])
    assert dy.flags.writeable


def test_2_an_operation_that_forgets_its_pullback_is_an_error_that_names_it():
    @tn.differentiable
    def square(x):
        return x * x

    with pytest.raises(TypeError, match=r"^square: it returned ndarray\. Return y, lambda dy: "):
        square(leaf(1, 2))  # two elements, so that it would unpack


def test_2_an_operation_without_inputs_is_an_error_that_names_it():
    with pytest.raises(TypeError, match=r"^square: it has no input, "):

        @tn.differentiable
        def square(x: numpy.ndarray):
            return x * x, lambda dy: 2 * x * dy


def test_a_broadcasting_error_in_a_pullback_names_the_operation():
    @tn.differentiable
    def bad(x):
        return x * 1, lambda dy: dy + numpy.ones(7, "float32")

    with pytest.raises(ValueError, match=r"^bad, on the way back: operands .*\(2,\) \(7,\)"):
        bad(leaf(1, 2)).sum().backward()


@pytest.mark.parametrize("dy", [2, 2.0, numpy.float64(2), numpy.int64(2), [[2]]])
def test_a_number_as_upstream_gradient_takes_the_dtype_of_the_result(dy):
    x = leaf(3)
    (x * x).sum().reshape(numpy.shape(dy)).backward(dy)
    assert x.grad.dtype == numpy.float32
    assert x.grad.tolist() == [12]


def test_a_block_of_no_grad_that_ends_in_another_thread_takes_nothing_from_it():
    def numbers():
        with tn.no_grad():
            yield 1

    begun = numbers()
    thread = threading.Thread(target=next, args=(begun,))
    thread.start()
    thread.join()
    begun.close()
    assert (leaf(1) * 2).requires_grad
