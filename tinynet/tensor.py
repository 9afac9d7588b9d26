"""Tensor: an array that remembers how it was computed, and `differentiable`, which makes it so.

An operation is one function of plain arrays.  It returns its value and, for each array that it was
given, the pullback: what turns the gradient of the value into the gradient of that array.

    @differentiable
    def multiply(x, y):
        return x * y, (lambda dz: dz * y, lambda dz: dz * x)

Everything else (broadcasting, dtypes, devices, the record, sums over several uses) is the engine's
work, done once, here and in autograd.py.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, overload

import numpy

from . import operators
from .autograd import Edge, Record, state, upstream, walk
from .devices import Array, device_of, is_array, xp
from .inputs import called, from_python, in_dtype, located, same_device, settle, sort_out
from .values import Values

P = ParamSpec("P")
_numbers = itertools.count()


@overload
def differentiable(forward: Callable[P, tuple[Any, Any]]) -> Callable[P, Tensor]: ...
@overload
def differentiable(
    *, integers: bool
) -> Callable[[Callable[P, tuple[Any, Any]]], Callable[P, Tensor]]: ...
def differentiable(forward: Any = None, *, integers: bool = False) -> Any:
    """Turn a function on arrays into an operation on tensors.

    forward: its parameters WITHOUT a type annotation are its inputs, which it sees as arrays (or as
        Python numbers) and never writes into; the annotated ones are its settings.  It returns
        `(value, pullbacks)`: a pullback for each input, in order (one input: the pullback itself),
        with None for an input that no gradient flows to.
    integers: whether the operation gives integers for integers (indices, labels), without a
        gradient; otherwise they are taken as float32.  `@differentiable(integers=True)`

    The operation takes tensors, arrays, numbers and lists.  Its inputs must share one floating
    dtype and one device; integer and boolean inputs are cast to that dtype, and numbers follow it.
    A setting may be a tensor that needs no gradient.  An error that forward raises gets the
    operation's name in front.
    """
    if forward is None:
        return functools.partial(differentiable, integers=integers)
    name = forward.__name__.strip("_")
    signature = inspect.signature(forward)
    inputs = [p for p in signature.parameters.values() if p.annotation is p.empty]
    if not inputs:
        raise TypeError(
            f"{name}: every parameter has a type annotation, so there is no input. Write inputs "
            "without one; annotated parameters are settings."
        )
    names = tuple(p.name for p in inputs)
    least = sum(p.default is p.empty for p in inputs)
    most = math.inf if inputs[-1].kind is inspect.Parameter.VAR_POSITIONAL else len(inputs)

    @functools.wraps(forward)
    def operation(*args: Any, **settings: Any) -> Tensor:
        values: Any = args
        try:
            if not least <= len(args) <= most or (
                settings and not settings.keys().isdisjoint(names)
            ):
                args, settings = sort_out(signature, names, args, settings)
            while len(args) > least and args[-1] is None:
                args = args[:-1]  # an input that is left out
            values = [x.data if type(x) is Tensor else x for x in args]
            arrays, dtype = settle(values, names, args, integers)
            for key, value in settings.items():
                if isinstance(value, numpy.generic):
                    settings[key] = value = value.item()  # a float64 scalar would promote
                elif type(value) is Tensor:
                    settings[key] = value = without_gradient(value, key)
                if is_array(value):
                    values.insert(0, value)  # for an error about shapes
                    same_device((called(names[0], args[0]), key), (arrays[0], value))
            observer = state.observer
            if observer:
                observer.before_forward(name, args, settings)
            made = forward(*arrays, **settings)
            if type(made) is not tuple or len(made) != 2:
                raise TypeError(
                    f"it must return (value, pullbacks), and returned {type(made).__name__}. "
                    "Write return y, lambda dy: ..."
                )
            y, pullbacks = made
            if type(y) is not numpy.ndarray and not is_array(y):
                y = xp(*arrays).asarray(y)  # NumPy makes scalars of 0-d arrays
            if y.dtype is not dtype and y.dtype.kind == "f" and (dtype is None or y.dtype != dtype):
                y = in_dtype(y, dtype)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise located(name, values, error) from None

        result = Tensor.__new__(Tensor)
        result.data = y
        result.grad = None
        result.name = None
        result.operation = name
        result._order = order = next(_numbers)
        edges = _edges(name, args, pullbacks) if state.recording and y.dtype.kind == "f" else None
        result._record = Record(name, order, y, edges) if edges else None
        result.requires_grad = edges is not None
        if observer:
            observer.after_forward(result, args, settings)
        return result

    return operation


def _edges(name: str, args: tuple, pullbacks: Any) -> list[Edge] | None:
    """Pairs (input, pullback), for the inputs that need a gradient; None where none does.

    The pullbacks of the others are dropped here, and with them what they saved.
    """
    if type(pullbacks) is not tuple:
        pullbacks = (pullbacks,)
    edges: list[Edge] = []
    for i, x in enumerate(args):
        if type(x) is Tensor and x.requires_grad:
            if i >= len(pullbacks):
                raise TypeError(
                    f"{name}: pullbacks returned: {len(pullbacks)}, for {len(args)} inputs. Return "
                    "a tuple with one for each, and None where no gradient flows."
                )
            if pullbacks[i] is None:
                raise TypeError(
                    f"{name}: no gradient flows to the input {x.label}, and it requires one. Pass "
                    "its detach()."
                )
            if not callable(pullbacks[i]):
                raise TypeError(
                    f"{name}: a pullback is {type(pullbacks[i]).__name__}. Return a function, or "
                    "a tuple with one for each input."
                )
            edges.append((x._record or x, pullbacks[i]))
    return edges or None


def without_gradient(x: Any, name: str) -> Any:
    """The array of a tensor that stands where no gradient flows; anything else as it is."""
    if type(x) is not Tensor:
        return x
    if x.requires_grad:
        raise TypeError(f"no gradient flows to {name}, and it requires one. Pass {name}.detach().")
    return x.data


def _not_in_place(method: Callable[..., Tensor]) -> Callable[[Tensor, Any], Tensor]:
    """x += y is x = x + y, as for numbers, but not for a parameter: it would cease to be one."""

    def assignment(x: Tensor, y: Any) -> Tensor:
        if x.requires_grad and x.is_leaf:
            raise TypeError(
                f"{method.__name__}: assigned back, the result would replace the leaf {x.label}, "
                "and no gradient would reach it any more. Write w.data -= ... to change a "
                "parameter, or give the result another name."
            )
        return method(x, y)

    return assignment


_for_integers_too = differentiable(integers=True)


class Tensor(Values):
    """An array with a gradient.

    data: a number or a list (nested, rectangular), which becomes float32, or an array, which keeps
        its dtype.  An array is not copied, unless it requires a gradient: what is trained must not
        write into what it started from.
    requires_grad: whether backward() is to leave a gradient in `.grad`; needs a floating dtype.
    name: shown in errors and in the repr.

    `data` and `grad` are plain arrays.  TypeError or ValueError for data that is not numbers.
    """

    __slots__ = (
        "__weakref__",
        "_order",
        "_record",
        "data",
        "grad",
        "name",
        "operation",
        "requires_grad",
    )
    __array_ufunc__ = None  # array * tensor is the tensor's business
    __hash__ = object.__hash__  # by identity, since == compares values

    grad: Array | None
    _order: int
    _record: Record | None
    _edges = None  # a leaf's, where the walk back ends

    def __init__(self, data: Any, requires_grad: bool = False, name: str | None = None) -> None:
        if isinstance(data, Tensor):
            raise TypeError("Tensor: data is a Tensor already. Use it as it is, or its detach().")
        try:
            if isinstance(data, numpy.generic | numpy.ndarray) and device_of(data) == "cpu":
                data = numpy.asarray(data)  # of a subclass, numpy.matrix say, the plain array
                data = data.astype(data.dtype.newbyteorder("="), copy=False)
            if isinstance(data, list | tuple) and any(type(x) is Tensor for x in data):
                raise TypeError("data is a list of tensors. Use tn.stack(data).")
            if not is_array(data):
                data = from_python(data)
            if data.dtype.kind not in "fiub":
                raise TypeError(f"dtype {data.dtype} is not real numbers. Give real numbers.")
            if requires_grad and data.dtype.kind != "f":
                raise TypeError(
                    f"only floating numbers have gradients, received {data.dtype}. Convert with "
                    "array.astype('float32')."
                )
        except (ValueError, TypeError) as error:
            raise type(error)(f"Tensor: {error}") from None
        self.data = data.copy() if requires_grad else data
        self.grad = None
        self.requires_grad = requires_grad
        self.name = name
        self.operation = ""
        self._order = next(_numbers)
        self._record = None

    # -- what it is --------------------------------------------------------------------------

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by a person, not by a recorded operation."""
        return self._record is None

    def detach(self) -> Tensor:
        """The same values (the same memory), cut from the graph: no gradient flows through."""
        return Tensor(self.data, name=self.name)

    def __copy__(self) -> Tensor:
        """A leaf of its own, with the same values and gradient.  TypeError for a result."""
        if not self.is_leaf:
            raise TypeError(
                f"copy: this tensor is the result of {self.operation}, and its record cannot be "
                "copied. Copy its detach()."
            )
        twin = Tensor(self.data.copy(), self.requires_grad, self.name)
        twin.grad = None if self.grad is None else self.grad.copy()
        return twin

    def __deepcopy__(self, memo: dict) -> Tensor:
        return self.__copy__()

    def __reduce__(self) -> Any:
        raise TypeError("pickle: tensors are not pickled. Save tensor.numpy() with numpy.savez.")

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "setitem: tensors are not changed in place, since a backward pass may need the old "
            "values. Use tn.where or tn.concatenate, or write to tensor.data."
        )

    # -- the way back ------------------------------------------------------------------------

    def backward(
        self, dy: Any = None, *, retain_graph: bool = False, create_graph: bool = False
    ) -> None:
        """Add the gradient of this tensor to `.grad` of every leaf that it was computed from.

        dy: the gradient of whatever comes after, with this tensor's shape; may be left out for a
            tensor of one element, where it is 1.

        The graph is released on the way and can be walked once.  Only leaves keep a gradient.
        RuntimeError if there is nothing to differentiate or the graph was used before; ValueError
        or TypeError for a dy that does not fit.
        """
        if create_graph or retain_graph:
            raise RuntimeError(
                "backward: tinynet differentiates once. The pullbacks work on plain arrays, and "
                "the record is released on the way; gradients of gradients would double every "
                "operation. Leave create_graph and retain_graph out."
            )
        try:
            dy = upstream(self, without_gradient(dy, "dy"))
        except (ValueError, TypeError, RuntimeError) as error:
            raise type(error)(f"backward: {error}") from None
        walk(self, dy)

    # -- operators and methods; their mathematics is in operators.py ----------------------------

    __add__ = __radd__ = _for_integers_too(operators.add)
    __sub__ = _for_integers_too(operators.subtract)
    __mul__ = __rmul__ = _for_integers_too(operators.multiply)
    __truediv__ = differentiable(operators.divide)
    __pow__ = _for_integers_too(operators.power)
    __matmul__ = _for_integers_too(operators.matmul)
    __neg__ = _for_integers_too(operators.negative)

    def __rsub__(self, other: Any) -> Tensor:
        return Tensor.__sub__(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return Tensor.__truediv__(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return Tensor.__pow__(other, self)

    def __rmatmul__(self, other: Any) -> Tensor:
        return Tensor.__matmul__(other, self)

    __iadd__ = _not_in_place(__add__)
    __isub__ = _not_in_place(__sub__)
    __imul__ = _not_in_place(__mul__)
    __itruediv__ = _not_in_place(__truediv__)
    __ipow__ = _not_in_place(__pow__)
    __imatmul__ = _not_in_place(__matmul__)

    __lt__ = _for_integers_too(operators.less)
    __le__ = _for_integers_too(operators.less_equal)
    __gt__ = _for_integers_too(operators.greater)
    __ge__ = _for_integers_too(operators.greater_equal)
    _equal = _for_integers_too(operators.equal)
    _not_equal = _for_integers_too(operators.not_equal)

    def __eq__(self, other: Any) -> Any:  # with None or a word: not equal, and no error
        return NotImplemented if other is None or isinstance(other, str) else self._equal(other)

    def __ne__(self, other: Any) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else self._not_equal(other)

    sum = _for_integers_too(operators.sum_)
    mean = differentiable(operators.mean)
    max = _for_integers_too(operators.max_)
    min = _for_integers_too(operators.min_)
    _getitem = _for_integers_too(operators.getitem)
    _reshape = _for_integers_too(operators.reshape)
    _transpose = _for_integers_too(operators.transpose)
    _to = _for_integers_too(operators.to)

    def __getitem__(self, index: Any) -> Tensor:
        """x[index] as NumPy has it: integers, slices, None, ..., integer arrays and masks."""
        parts = index if isinstance(index, tuple) else (index,)
        try:
            index = tuple(without_gradient(i, "index") for i in parts)
        except TypeError as error:
            raise located("getitem", (), error) from None
        return self._getitem(index=index)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape, where one size may be -1: (2, 3) or ((2, 3))."""
        return self._reshape(shape=shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in another order, reversed if none is given: (0, 2, 1) or ((0, 2, 1))."""
        if len(axes) == 1 and not isinstance(axes[0], int | numpy.integer):
            axes = tuple(axes[0])
        return self._transpose(axes=axes or tuple(reversed(range(self.ndim))))

    @property
    def T(self) -> Tensor:
        """The axes reversed."""
        return self.transpose()

    def to(self, device: str) -> Tensor:
        """This tensor on "cpu" or "gpu": itself if it is there already.  Gradients flow back."""
        return self if device == self.device else self._to(device=device)
