"""Tensor as a value: how it is made and shown, its operators, and how operations are called."""

from __future__ import annotations

import copy
import math
import operator
import pickle

import numpy
import pytest

import tinynet as tn

# -- how it is made --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        (3, ()),
        (2.5, ()),
        (True, ()),
        ([1, 2, 3], (3,)),
        ((1, 2, 3), (3,)),
        (range(3), (3,)),
        ([[1, 2], [3, 4]], (2, 2)),
        ([], (0,)),
        ([[]], (1, 0)),
        ([numpy.float64(1), numpy.ones(())], (2,)),
    ],
    ids=str,
)
def test_numbers_and_lists_become_float32(data, shape):
    x = tn.Tensor(data)
    assert x.dtype == numpy.float32
    assert x.shape == shape
    numpy.testing.assert_array_equal(x.data, numpy.asarray(data, numpy.float32))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint8", "bool"])
def test_an_array_keeps_its_dtype(dtype):
    assert tn.Tensor(numpy.ones(2, dtype)).dtype == dtype


def test_a_number_of_numpys_keeps_its_dtype_and_becomes_an_array():
    x = tn.Tensor(numpy.float64(3))
    assert type(x.data) is numpy.ndarray
    assert x.dtype == numpy.float64


def test_an_array_is_not_copied():
    array = numpy.ones(3)
    assert tn.Tensor(array).data is array


def test_an_array_that_is_to_be_trained_is_copied():
    array = numpy.ones(3)
    x = tn.Tensor(array, requires_grad=True)
    x.data -= 1
    numpy.testing.assert_array_equal(array, [1, 1, 1])


def test_a_matrix_of_numpys_is_an_array_like_any_other():
    # numpy.matrix has its own *: kept, it would turn elementwise products into matrix products.
    matrix = numpy.ones((2, 2)).view(numpy.matrix)
    x = tn.Tensor(matrix)
    assert type(x.data) is numpy.ndarray
    numpy.testing.assert_array_equal((x * x).data, [[1, 1], [1, 1]])


def test_an_array_that_is_mapped_from_a_file_is_an_array_like_any_other(tmp_path):
    mapped = numpy.memmap(tmp_path / "numbers", numpy.float32, "w+", shape=(3,))
    x = tn.Tensor(mapped)
    assert type((x * 2).data) is numpy.ndarray
    numpy.testing.assert_array_equal((x + 1).data, [1, 1, 1])


@pytest.mark.parametrize("dtype", [">f4", ">f8"])
def test_an_array_of_the_other_byte_order_is_an_array_like_any_other(dtype):
    x = tn.Tensor(numpy.ones(2, dtype), requires_grad=True)
    (tn.exp(x) * 2).sum().backward()
    numpy.testing.assert_allclose(x.grad, [2 * math.e] * 2, rtol=1e-6)


def test_a_leaf_knows_what_it_is():
    x = tn.Tensor([[1, 2, 3]], requires_grad=True, name="w")
    assert (x.shape, x.ndim, x.size, x.dtype, x.device) == ((1, 3), 2, 3, numpy.float32, "cpu")
    assert (x.name, x.operation, x.is_leaf, x.requires_grad) == ("w", "", True, True)
    assert x.grad is None


def test_a_result_knows_what_made_it():
    x = tn.Tensor([1, 2], requires_grad=True)
    y = x * 2
    assert (y.operation, y.is_leaf, y.requires_grad, y.name) == ("multiply", False, True, None)
    assert not (tn.Tensor([1.0]) * 2).requires_grad


def test_data_is_a_plain_array_also_where_numpy_would_make_a_number():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    for y in (x[0], x.sum(), x.mean(), x.max(), x @ x, x[0] + x[1], -x[0], x[0] ** 2):
        assert type(y.data) is numpy.ndarray
        assert y.shape == ()
    y.backward()
    assert type(x.grad) is numpy.ndarray


# -- how it is shown -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (tn.Tensor(1.5), "Tensor(1.5, shape=(), dtype=float32, device=cpu)"),
        (tn.Tensor([1, 2]), "Tensor([1. 2.], shape=(2,), dtype=float32, device=cpu)"),
        (
            tn.Tensor(numpy.arange(2), name="labels"),
            "Tensor([0 1], shape=(2,), dtype=int64, device=cpu, name='labels')",
        ),
        (
            tn.Tensor([2.0], requires_grad=True),
            "Tensor([2.], shape=(1,), dtype=float32, device=cpu, requires_grad=True)",
        ),
        (
            tn.Tensor([2.0], requires_grad=True) * 1.23456789,
            "Tensor([2.4691], shape=(1,), dtype=float32, device=cpu, from=multiply, "
            "requires_grad=True)",
        ),
        (
            tn.Tensor([[1, 2], [3, 4]]),
            "Tensor([[1. 2.]\n        [3. 4.]], shape=(2, 2), dtype=float32, device=cpu)",
        ),
        (tn.Tensor([]), "Tensor([], shape=(0,), dtype=float32, device=cpu)"),
    ],
    ids=["number", "vector", "named", "leaf", "result", "matrix", "empty"],
)
def test_the_repr_shows_values_shape_dtype_device_name_and_origin(x, text):
    assert repr(x) == text


def test_the_repr_of_a_large_tensor_is_short():
    text = repr(tn.Tensor(numpy.zeros((1000, 1000))))
    assert "..." in text
    assert "shape=(1000, 1000)" in text
    assert len(text) < 500


def test_a_notebook_shows_a_tensor_of_pictures_as_pictures():
    pictures = tn.Tensor(numpy.zeros((9, 28, 28, 1), numpy.float32))
    shown = pictures._repr_html_()
    assert shown.count("<img") == 8 and "shape=(9, 28, 28, 1)" in shown
    for other in (tn.Tensor(numpy.zeros((32, 10))), pictures - 1, tn.Tensor([1.0])):
        assert other._repr_html_() is None


def test_the_label_is_the_name_or_the_shape():
    assert tn.Tensor([1, 2], name="w").label == "'w'"
    assert tn.Tensor([1, 2]).label == "of shape (2,)"


# -- operators -------------------------------------------------------------------------------------

X = numpy.float32([[1, 2], [3, 4]])
OTHERS = {
    "number": 3,
    "float": 0.5,
    "numpy-number": numpy.float64(0.5),
    "list": [[1, 2], [3, 4]],
    "tuple": (1, 2),
    "float-array": numpy.float32([[4, 3], [2, 1]]),
    "int-array": numpy.array([[4, 3], [2, 1]]),
    "column": numpy.float32([[1], [2]]),
    "tensor": tn.Tensor([[4, 3], [2, 1]]),
}
ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


def plain(x):
    return x.data if isinstance(x, tn.Tensor) else numpy.asarray(x, numpy.float32)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: op.__name__)
def test_an_operator_takes_numbers_lists_arrays_and_tensors_on_either_side(op, other):
    x = tn.Tensor(X)
    for result, expected in (
        (op(x, other), op(X, plain(other))),
        (op(other, x), op(plain(other), X)),
    ):
        assert isinstance(result, tn.Tensor)
        numpy.testing.assert_allclose(result.data, expected, rtol=1e-6)


@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: op.__name__)
def test_a_reflected_operator_sends_the_gradient_to_the_right_operand(op):
    other = numpy.array([[4.0, 3], [2, 1]])
    tn.gradcheck(lambda x: op(other, x), X)
    tn.gradcheck(lambda x: op(2, x), X)


@pytest.mark.parametrize("other", [[[1, 0], [2, 1]], numpy.float32([[1, 0], [2, 1]])])
def test_the_matrix_product_takes_lists_and_arrays_on_either_side(other):
    x = tn.Tensor(X)
    numpy.testing.assert_array_equal((x @ other).data, X @ plain(other))
    numpy.testing.assert_array_equal((other @ x).data, plain(other) @ X)


def test_the_operand_on_the_left_may_need_the_gradient():
    x, y = tn.Tensor([1.0, 2.0], requires_grad=True), tn.Tensor([3.0, 4.0], requires_grad=True)
    (x - y * 2).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [1, 1])
    numpy.testing.assert_array_equal(y.grad, [-2, -2])


def test_minus_turns_the_sign():
    numpy.testing.assert_array_equal((-tn.Tensor([1, -2])).data, [-1, 2])


IN_PLACE = [
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.itruediv,
    operator.ipow,
    operator.imatmul,
]


@pytest.mark.parametrize("op", IN_PLACE, ids=lambda op: op.__name__)
def test_an_assignment_such_as_plus_equals_makes_a_new_tensor(op):
    x = tn.Tensor([1.0, 2.0])
    y = op(x, [3.0, 4.0])
    assert y is not x
    numpy.testing.assert_array_equal(x.data, [1, 2])


@pytest.mark.parametrize("op", IN_PLACE, ids=lambda op: op.__name__)
def test_an_assignment_such_as_plus_equals_would_replace_a_parameter_and_is_refused(op):
    w = tn.Tensor([1.0, 2.0], requires_grad=True, name="w")
    with pytest.raises(TypeError, match=r": the result would replace the leaf 'w', "):
        op(w, [3.0, 4.0])
    op(w * 1, [3.0, 4.0])  # what was computed from it may be replaced


# -- comparisons -----------------------------------------------------------------------------------

COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize(
    "other",
    [2, 2.0, [1, 3, 2], numpy.float32([1, 3, 2]), numpy.array([1, 3, 2]), tn.Tensor([1, 3, 2])],
    ids=["int", "float", "list", "array", "int-array", "tensor"],
)
@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda op: op.__name__)
def test_a_comparison_gives_truth_values_on_either_side(compare, other):
    x = numpy.float32([1, 2, 3])
    for result, expected in (
        (compare(tn.Tensor(x), other), compare(x, plain(other))),
        (compare(other, tn.Tensor(x)), compare(plain(other), x)),
    ):
        assert isinstance(result, tn.Tensor)
        assert result.dtype == bool
        numpy.testing.assert_array_equal(result.data, expected)


def test_a_comparison_is_not_recorded():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    assert not (x > 1).requires_grad


def test_a_tensor_is_hashed_by_identity():
    x, y = tn.Tensor([1.0]), tn.Tensor([1.0])
    assert hash(x) != hash(y)
    assert {x: "x", y: "y"}[x] == "x"
    assert len({x, y, x}) == 2


# -- as a number, a sequence, an array -------------------------------------------------------------


def test_len_and_iter_go_over_the_first_axis():
    x = tn.Tensor([[1, 2], [3, 4], [5, 6]], requires_grad=True)
    assert len(x) == 3
    rows = list(x)
    assert [row.shape for row in rows] == [(2,)] * 3
    (rows[1] * 7).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [[0, 0], [7, 7], [0, 0]])


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)], ids=str)
def test_one_element_is_a_number(shape):
    x = tn.Tensor(numpy.full(shape, 2.5), requires_grad=True)
    assert float(x) == x.item() == 2.5
    assert type(x.item()) is float
    assert bool(x)
    assert not bool(x - 2.5)


def test_item_keeps_whole_numbers_whole():
    assert type(tn.Tensor(numpy.array(3)).item()) is int


def test_a_tensor_becomes_an_array():
    x = tn.Tensor([1.0, 2.0])
    array = numpy.asarray(x)
    assert type(array) is numpy.ndarray
    assert array.dtype == numpy.float32
    assert numpy.asarray(x, numpy.float64).dtype == numpy.float64


def test_a_copy_as_an_array_is_a_copy():
    x = tn.Tensor([1.0, 2.0])
    assert not numpy.shares_memory(numpy.array(x), x.data)


def test_numpy_gives_the_values_also_of_what_is_trained():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    numpy.testing.assert_array_equal((x * 2).numpy(), [2, 4])
    assert x.numpy() is x.data


def test_numpy_does_not_take_over_an_operation():
    with pytest.raises(TypeError, match="Tensor"):
        numpy.exp(tn.Tensor([1.0]))


# -- copies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_leaf_gets_a_gradient_of_its_own(copied):
    x = tn.Tensor([1.0, 2.0], requires_grad=True, name="w")
    y = copied(x)
    (x * 2 + y * 30).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [2, 2])
    numpy.testing.assert_array_equal(y.grad, [30, 30])
    assert y.name == "w"


def test_a_deep_copy_does_not_share_memory():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    y = copy.deepcopy(x)
    y.data += 1
    numpy.testing.assert_array_equal(x.data, [1, 2])


def test_a_copy_keeps_the_gradient_so_far_as_its_own():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    (x * 3).sum().backward()
    y = copy.deepcopy(x)
    y.grad *= 10
    numpy.testing.assert_array_equal(x.grad, [3, 3])
    numpy.testing.assert_array_equal(y.grad, [30, 30])


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_result_is_not_copied_since_its_record_cannot_be(copied):
    y = tn.Tensor([1.0, 2.0], requires_grad=True) * 2
    with pytest.raises(TypeError, match=r"^copy: a result of multiply has a record\. .*detach"):
        copied(y)
    assert not copied(y.detach()).requires_grad


def test_a_tensor_is_not_pickled():
    with pytest.raises(TypeError, match=r"^pickle: tensors are not pickled\. Save tensor\.numpy"):
        pickle.dumps(tn.Tensor([1.0]))


# -- shape -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda x: x.reshape(3, 4), (3, 4)),
        (lambda x: x.reshape((3, 4)), (3, 4)),
        (lambda x: x.reshape([3, 4]), (3, 4)),
        (lambda x: x.reshape(12), (12,)),
        (lambda x: x.reshape(-1), (12,)),
        (lambda x: x.reshape(2, -1), (2, 6)),
        (lambda x: x.reshape((-1, 2)), (6, 2)),
        (lambda x: x[0, 0, 0].reshape(), ()),
        (lambda x: x[0, 0, 0].reshape(()), ()),
        (lambda x: x[0, 0, 0].reshape(1, 1), (1, 1)),
    ],
)
def test_reshape_takes_sizes_or_a_tuple_of_them(call, shape):
    x = tn.Tensor(numpy.arange(12.0).reshape(2, 3, 2))
    y = call(x)
    assert y.shape == shape
    numpy.testing.assert_array_equal(y.data.ravel(), x.data.ravel()[: y.size])


@pytest.mark.parametrize(
    ("call", "axes"),
    [
        (lambda x: x.transpose(), (2, 1, 0)),
        (lambda x: x.T, (2, 1, 0)),
        (lambda x: x.transpose(0, 2, 1), (0, 2, 1)),
        (lambda x: x.transpose((0, 2, 1)), (0, 2, 1)),
        (lambda x: x.transpose([2, 0, 1]), (2, 0, 1)),
        (lambda x: x.transpose(-1, 0, 1), (2, 0, 1)),
    ],
)
def test_transpose_takes_axes_a_tuple_of_them_or_none(call, axes):
    x = numpy.arange(24.0).reshape(2, 3, 4)
    numpy.testing.assert_array_equal(call(tn.Tensor(x)).data, x.transpose(axes))
    tn.gradcheck(call, x)


def test_the_transpose_of_a_number_is_the_number():
    assert tn.Tensor(3.0).T.item() == 3


# -- what NumPy and PyTorch have, too --------------------------------------------------------------


def test_methods_that_arrays_have_give_the_same_numbers(device, rng):
    array = rng.standard_normal((3, 1, 4)).astype(numpy.float32)
    x = tn.Tensor(array).to(device)
    for axis in (None, 0, -1, (0, 2)):
        for name in ("var", "std"):
            got = getattr(x, name)(axis=axis, keepdims=True).numpy()
            expected = getattr(array, name)(axis=axis, keepdims=True)
            numpy.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)
    for axis in (None, 0, -1):
        assert (x.argmax(axis).numpy() == array.argmax(axis)).all()
    assert x.argmax(axis=2, keepdims=True).shape == (3, 1, 1)
    assert (x.squeeze().numpy() == array.squeeze()).all()
    assert (x.squeeze(1).numpy() == array.squeeze(1)).all()
    assert (x.flatten().numpy() == array.flatten()).all()
    assert x.tolist() == array.tolist()
    with pytest.raises(ValueError, match="size not equal to one"):
        x.squeeze(0)


@pytest.mark.parametrize(
    "f", [lambda x: x.var(axis=1), lambda x: x.std(), lambda x: x.squeeze(), lambda x: x.flatten()]
)
def test_their_gradients_are_right(f, rng):
    tn.gradcheck(f, rng.standard_normal((3, 4)))


def test_no_gradient_flows_through_argmax():
    x = tn.Tensor([1.0, 3.0, 2.0], requires_grad=True)
    largest = x.argmax()
    assert (int(largest), largest.requires_grad, largest.dtype) == (1, False, numpy.int64)


def test_another_library_reads_the_memory_of_a_tensor():
    x = tn.Tensor(numpy.arange(3, dtype=numpy.float32))
    assert numpy.shares_memory(numpy.from_dlpack(x), x.data)


def test_tensors_of_zeros_and_ones_and_one_hot():
    assert tn.zeros(2, 3).shape == (2, 3) and tn.ones(2).tolist() == [1, 1]
    assert tn.one_hot([0, 2], 3).tolist() == [[1, 0, 0], [0, 0, 1]]


# -- indexing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "index",
    [
        tn.Tensor(numpy.array([2, 0])),
        (slice(None), tn.Tensor(numpy.array([1, 1, 0]))),
        tn.Tensor(numpy.array([True, False, True])),
        (tn.Tensor(numpy.array([0, 1])), numpy.array([1, 0])),
        [2, 0],
        (Ellipsis, 1),
        (None, 1),
        numpy.int64(1),
        (tn.Tensor(numpy.array(1)), 0),
    ],
    ids=str,
)
def test_a_tensor_is_indexed_as_an_array_by_numbers_lists_arrays_and_tensors(index):
    x = numpy.arange(6.0).reshape(3, 2)
    parts = index if isinstance(index, tuple) else (index,)
    plain_index = tuple(i.data if isinstance(i, tn.Tensor) else i for i in parts)
    numpy.testing.assert_array_equal(tn.Tensor(x)[index].data, x[plain_index])
    tn.gradcheck(lambda x: x[index], x)


def test_a_comparison_of_tensors_is_an_index():
    x = tn.Tensor([1.0, -2.0, 3.0], requires_grad=True)
    x[x > 0].sum().backward()
    numpy.testing.assert_array_equal(x.grad, [1, 0, 1])


def test_an_element_that_is_taken_twice_gets_both_gradients():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    x[[0, 0, 1]].backward([1.0, 10.0, 100.0])
    numpy.testing.assert_array_equal(x.grad, [11, 100])


# -- how operations are called ---------------------------------------------------------------------


def same_bits(x: tn.Tensor, y: tn.Tensor) -> bool:
    return x.shape == y.shape and x.data.tobytes() == y.data.tobytes()


def test_conv2d_takes_its_settings_by_position_and_by_name(rng):
    x = rng.normal(size=(1, 5, 5, 2))
    w, b = rng.normal(size=(3, 3, 2, 4)), rng.normal(size=4)
    expected = tn.conv2d(x, w, b=b, stride=2, padding="same")
    assert same_bits(tn.conv2d(x, w, b, 2, "same"), expected)
    assert same_bits(tn.conv2d(x, w, b, 2, padding="same"), expected)
    assert same_bits(tn.conv2d(padding="same", stride=2, b=b, w=w, x=x), expected)
    assert not same_bits(tn.conv2d(x, w, b), expected)


def test_conv2d_takes_no_bias_by_position_and_by_name(rng):
    x, w = rng.normal(size=(1, 5, 5, 2)), rng.normal(size=(3, 3, 2, 4))
    expected = tn.conv2d(x, w, stride=2)
    assert same_bits(tn.conv2d(x, w, None, 2), expected)
    assert same_bits(tn.conv2d(x, w, b=None, stride=2), expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda x: x.sum(0), lambda x: x.sum(axis=0)),
        (lambda x: x.sum(0, True), lambda x: x.sum(axis=0, keepdims=True)),
        (lambda x: x.mean((0, 1)), lambda x: x.mean(axis=(0, 1))),
        (lambda x: x.max(1), lambda x: x.max(axis=1)),
        (lambda x: tn.softmax(x, 0), lambda x: tn.softmax(x, axis=0)),
        (lambda x: tn.softmax(x, 0), lambda x: tn.softmax(axis=0, x=x)),
        (lambda x: tn.leaky_relu(x, 0.1), lambda x: tn.leaky_relu(x, slope=0.1)),
        (lambda x: tn.clip(x, -1, 1), lambda x: tn.clip(x, high=1, low=-1)),
        (lambda x: tn.maximum(x, 0.5), lambda x: tn.maximum(y=0.5, x=x)),
        (lambda x: tn.flip(x, 0), lambda x: tn.flip(x, axis=0)),
        (lambda x: tn.concatenate([x, x], 1), lambda x: tn.concatenate([x, x], axis=1)),
        (lambda x: tn.where(x > 0, x, 0), lambda x: tn.where(x=x, y=0, condition=x > 0)),
        (lambda x: tn.matmul(x, x.T), lambda x: tn.matmul(w=x.T, x=x)),
    ],
)
def test_settings_and_inputs_may_be_given_by_position_or_by_name(one, other, rng):
    x = rng.normal(size=(3, 4))
    y, z = tn.Tensor(x, requires_grad=True), tn.Tensor(x, requires_grad=True)
    a, b = one(y), other(z)
    assert same_bits(a, b)
    dy = rng.normal(size=a.shape)
    a.backward(dy)
    b.backward(dy)
    numpy.testing.assert_array_equal(y.grad, z.grad)


def test_an_operation_takes_arrays_numbers_and_lists_where_it_takes_tensors():
    assert tn.exp(0).item() == 1
    assert tn.exp([0.0, 1.0]).data[1] == pytest.approx(math.e)
    assert tn.maximum([1, 5], numpy.float32([3, 3])).data.tolist() == [3, 5]


@pytest.mark.parametrize("target", [1, 1.0, True, numpy.float64(1)], ids=repr)
@pytest.mark.parametrize("loss", [tn.mse, tn.bce, tn.bce_with_logits], ids=lambda f: f.__name__)
def test_the_loss_of_one_number_takes_a_number_as_its_target(loss, target):
    x = tn.Tensor(0.5, requires_grad=True)
    y = loss(x, target)
    y.backward()
    assert y.item() == loss(tn.Tensor(0.5), tn.Tensor(1.0)).item()
    assert x.grad.dtype == numpy.float32


def test_an_operation_keeps_its_name_and_its_documentation():
    assert tn.softmax.__name__ == "softmax"
    assert "positive, with sum 1" in tn.softmax.__doc__


def test_a_setting_may_be_a_tensor(rng):
    logits, labels = rng.normal(size=(4, 3)), numpy.array([0, 1, 2, 1])
    expected = tn.cross_entropy(logits, labels)
    assert same_bits(tn.cross_entropy(logits, tn.Tensor(labels)), expected)
    assert same_bits(tn.cross_entropy(tn.Tensor(logits), labels=tn.Tensor(labels)), expected)


@pytest.mark.parametrize("axes", [(1, 0), [1, 0], range(1, -1, -1), numpy.array([1, 0])])
def test_axes_are_given_one_by_one_or_together(axes):
    x = tn.Tensor([[1.0, 2.0, 3.0]])
    assert x.transpose(axes).shape == x.transpose(*axes).shape == (3, 1)


def test_a_tensor_of_another_library_is_an_array_like_any_other():
    class Theirs:
        requires_grad = False

        def __array__(self, dtype=None, copy=None):
            return numpy.array([1.0, 2.0])

    assert tn.Tensor(Theirs()).numpy().tolist() == [1, 2]


def test_an_operation_may_do_without_its_only_input():
    @tn.differentiable
    def ones(x=None, count: int = 1):
        return numpy.ones(count, "float32"), None

    assert ones(count=2).numpy().tolist() == [1, 1]
