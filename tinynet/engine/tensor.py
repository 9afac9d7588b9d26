"""Tensor: an array that remembers how it was computed, and `differentiable`, which makes it so.

An operation is one function of plain arrays.  It returns its value and, for each array that it was
given, the pullback: what turns the gradient of the value into the gradient of that array.

    @differentiable
    def multiply(x, y):
        return x * y, (lambda dz: dz * y, lambda dz: dz * x)

The engine does everything else, once for all operations: broadcasting, dtypes, devices, the record,
and sums over several uses.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, overload

from numpy import bool_, ndarray

from ..devices import Array, is_array, move, xp
from ..messages import engine as messages
from . import operators
from .backward import upstream, walk
from .inputs import as_array, in_dtype, settle, settle_settings, sort_out
from .observer import Declared
from .record import Edge, Record, current_observer, numbers, paused
from .values import Values

P = ParamSpec("P")


@overload
def differentiable(forward: Callable[P, tuple[Any, Any]]) -> Callable[P, Tensor]: ...
@overload
def differentiable(
    *, integers: bool = False, work: Declared = None
) -> Callable[[Callable[P, tuple[Any, Any]]], Callable[P, Tensor]]: ...
def differentiable(forward: Any = None, *, integers: bool = False, work: Declared = None) -> Any:
    """Turn a function on arrays into an operation on tensors.

    forward: its parameters WITHOUT a type annotation are its inputs.  It sees them as arrays (or as
        Python numbers) and never writes into them.  The annotated ones are its settings.  It
        returns `(value, pullbacks)`: a pullback for each input, in order (one input: the pullback
        itself), with None for an input that no gradient flows to.
    integers: whether integer inputs stay integers and give an integer result, without a gradient.
        Otherwise they become float32, or the floating dtype of the other inputs.
    work: what the operation declares to tn.cost: a function (y, *inputs, **settings) -> tn.Work, of
        the same arrays.  An operation without it counts as elementwise.

    The operation takes tensors, arrays, numbers and lists.  Its inputs must share one floating
    dtype and one device; integer and boolean inputs are cast to that dtype, and numbers follow it.
    A setting may be a tensor that needs no gradient.  An error that forward raises gets the
    operation's name in front.
    """
    if forward is None:
        return functools.partial(differentiable, integers=integers, work=work)
    name = forward.__name__.strip("_")
    signature = inspect.signature(forward)
    inputs = [p for p in signature.parameters.values() if p.annotation is p.empty]
    if not inputs:
        raise TypeError(f"{name}: it has no input, that is a parameter without a type annotation.")
    names = tuple(p.name for p in inputs)
    least = sum(p.default is p.empty for p in inputs)
    most = float("inf") if inputs[-1].kind is inspect.Parameter.VAR_POSITIONAL else len(inputs)

    @functools.wraps(forward)
    def operation(*args: Any, **settings: Any) -> Tensor:
        values: Any = args
        try:
            by_name = settings and not settings.keys().isdisjoint(names)
            if by_name or not least <= len(args) <= most:
                args, settings = sort_out(signature, names, args, settings)
            while len(args) > least and args[-1] is None:
                args = args[:-1]  # an input that is left out
            arrays, dtype, common = [], None, True
            for x in args:  # the common case: NumPy arrays of one floating dtype, and numbers
                if type(x) is Tensor:
                    x = x.data
                arrays.append(x)
                if type(x) is ndarray:
                    if dtype is None:
                        dtype = x.dtype
                    elif x.dtype is not dtype:
                        common = False
                elif type(x) is not float and type(x) is not int:
                    common = False
            values = arrays
            if not common or dtype is None or dtype.kind != "f":
                arrays, dtype = settle(values, names, args, integers)
            if settings:
                settings = settle_settings(settings, names, args, arrays)
            observer = current_observer.get()
            if observer:
                observer.before_forward(name, args, settings)
            made = forward(*arrays, **settings)
            if type(made) is not tuple or len(made) != 2:
                raise TypeError(f"it returned {type(made).__name__}. Return y, lambda dy: ...")
            y, pullbacks = made
            if type(y) is not ndarray and not is_array(y):
                y = xp(*arrays).asarray(y)  # NumPy makes scalars of 0-d arrays
            if y.dtype is not dtype and y.dtype.kind == "f" and (dtype is None or y.dtype != dtype):
                y = in_dtype(y, dtype)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            shown = [x for x in settings.values() if is_array(x)]
            raise messages.located(name, (*shown, *values), error, settings, signature) from None

        result = Tensor.__new__(Tensor)
        result.data = y
        result.grad = result.name = result._record = None
        result.operation = name
        result.requires_grad = result.frozen = result._spent = result._inferred_by = False
        result._order = order = next(numbers)
        if not paused.get() and y.dtype.kind == "f":
            edges: list[Edge] = []
            for i, x in enumerate(args):
                if type(x) is Tensor and x.requires_grad:
                    if type(pullbacks) is not tuple:
                        pullbacks = (pullbacks,)
                    if i >= len(pullbacks) or not callable(pullbacks[i]):
                        raise messages.without_pullback(name, x.label, pullbacks, i)
                    edges.append((x._record or x, pullbacks[i]))
            if edges:  # the other pullbacks are dropped here, which frees the arrays they hold
                result.requires_grad = True
                result._record = Record(name, order, edges, y.shape, y.dtype, type(y))
        if observer:
            observer.after_forward(result, args, settings, work)
        return result

    return operation


def _not_in_place(method: Callable[..., Tensor]) -> Callable[[Tensor, Any], Tensor]:
    """x += y is x = x + y, as for numbers.  For a leaf it is an error: w += y would give the name w
    to a new result, and the optimizer would still hold the old leaf.
    """

    def assignment(x: Tensor, y: Any) -> Tensor:
        if x.requires_grad and x.is_leaf:
            raise messages.replaced_leaf(method.__name__, x.label)
        return method(x, y)

    return assignment


_for_integers_too = differentiable(integers=True)
_reduction = differentiable(integers=True, work=operators.reads_all)


class Tensor(Values):
    """An array with a gradient.

    data: a number or a list (nested, rectangular), which becomes float32, or an array, which keeps
        its dtype.  An array is copied only with requires_grad: training never changes your array.
    requires_grad: whether backward() is to leave a gradient in `.grad`; needs a floating dtype.
    name: shown in errors and in the repr.
    device: "cpu" or "gpu"; where the data is unless given.

    `data` and `grad` are plain arrays.  TypeError or ValueError for data that is not numbers.
    """

    __slots__ = (
        "__weakref__", "_inferred_by", "_order", "_record", "_spent", "data", "frozen", "grad",
        "name", "operation", "requires_grad",
    )  # fmt: skip
    __hash__ = object.__hash__  # by identity, since == compares values

    grad: Array | None
    frozen: bool
    _order: int
    # For step(): True once it has used the gradient, "kept" once backward() added to that one; and
    # the model that used the tensor in inference mode.
    _spent: Any
    _inferred_by: Any
    _record: Record | None
    _edges = None  # so the walk back can treat a leaf like a Record

    def __init__(
        self, data: Any, requires_grad: bool = False, name: str | None = None, device: Any = None
    ) -> None:
        if not isinstance(requires_grad, bool | bool_):
            raise messages.not_a_shape(requires_grad)
        try:
            if type(data) is not ndarray or not data.dtype.isnative:
                data = as_array(data)
            if data.dtype.kind not in "fiub":
                raise messages.not_numbers(data)
            if requires_grad and data.dtype.kind != "f":
                raise TypeError(f"{data.dtype} has no gradient. Use array.astype('float32').")
            moved = data if device is None else move(data, device)
        except (ValueError, TypeError) as error:
            raise type(error)(f"Tensor: {error}") from None
        self.data = data.copy() if requires_grad and moved is data else moved
        self.grad = None
        self.requires_grad = requires_grad
        self.name = name
        self.operation = ""
        self._order = next(numbers)
        self._record = None
        self.frozen = self._spent = self._inferred_by = False

    # -- what it is --------------------------------------------------------------------------

    @property
    def is_leaf(self) -> bool:
        """Whether it has no record: you made it, or an operation made it under no_grad."""
        return self._record is None

    def detach(self) -> Tensor:
        """The same values (the same memory), cut from the graph: no gradient flows through."""
        return Tensor(self.data, name=self.name)

    def __copy__(self) -> Tensor:
        """A leaf of its own, with the same values and gradient.  TypeError for a result."""
        if not self.is_leaf:
            raise TypeError(f"copy: a result of {self.operation} has a record. Copy its detach().")
        twin = Tensor(self.data.copy(), self.requires_grad, self.name)
        twin.grad = None if self.grad is None else self.grad.copy()
        twin.frozen = getattr(self, "frozen", False)  # see Module.trainable
        return twin

    def __deepcopy__(self, memo: dict) -> Tensor:
        return self.__copy__()

    def __reduce__(self) -> Any:
        raise TypeError("pickle: tensors are not pickled. Save tensor.numpy() with numpy.savez.")

    def __setitem__(self, index: Any, value: Any) -> None:
        # a backward pass may need the old values
        raise TypeError("setitem: tensors are not changed in place. Use tn.where, or tensor.data.")

    # -- the way back ------------------------------------------------------------------------

    def backward(
        self, dy: Any = None, *, retain_graph: bool = False, create_graph: bool = False
    ) -> None:
        """Add the gradient of this tensor to `.grad` of every leaf that it was computed from.

        dy: the gradient of whatever comes after, with this tensor's shape; may be left out for a
            tensor of one element, where it is 1.

        The graph is released on the way and can be walked once.  Only leaves keep a gradient.
        There are no second derivatives: for them, every pullback would be recorded too.
        RuntimeError if there is nothing to differentiate or the graph was used before; ValueError
        or TypeError for a dy that does not fit.
        """
        if create_graph or retain_graph:
            raise RuntimeError(
                "backward: a graph is walked once, for first derivatives. Leave create_graph and "
                "retain_graph out."
            )
        try:
            dy = upstream(self, dy)
        except (ValueError, TypeError) as error:
            raise messages.located("backward", (), error) from None
        walk(self, dy)

    # -- operators and methods; their mathematics is in operators.py ----------------------------

    __add__ = __radd__ = _for_integers_too(operators.add)
    __sub__ = _for_integers_too(operators.subtract)
    __mul__ = __rmul__ = _for_integers_too(operators.multiply)
    __truediv__ = differentiable(operators.divide)
    __pow__ = _for_integers_too(operators.power)
    __matmul__ = differentiable(integers=True, work=operators.matmul_work)(operators.matmul)
    __neg__ = _for_integers_too(operators.negative)

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        """NumPy asks here: for array * tensor, which works, and for numpy.exp(tensor)."""
        operation = messages.OPERATORS.get(function.__name__)
        if operation is None or method != "__call__" or settings:
            raise messages.no_numpy_function(function.__name__, method, settings)
        return getattr(Tensor, operation)(*map(messages.as_number, inputs))

    __rsub__ = lambda x, y: Tensor.__sub__(y, x)
    __rtruediv__ = lambda x, y: Tensor.__truediv__(y, x)
    __rpow__ = lambda x, y: Tensor.__pow__(y, x)
    __rmatmul__ = lambda x, y: Tensor.__matmul__(y, x)

    __iadd__ = _not_in_place(__add__)
    __isub__ = _not_in_place(__sub__)
    __imul__ = _not_in_place(__mul__)
    __itruediv__ = _not_in_place(__truediv__)
    __ipow__ = _not_in_place(__pow__)
    __imatmul__ = _not_in_place(__matmul__)

    __lt__ = _for_integers_too(operators.comparison("less"))
    __le__ = _for_integers_too(operators.comparison("less_equal"))
    __gt__ = _for_integers_too(operators.comparison("greater"))
    __ge__ = _for_integers_too(operators.comparison("greater_equal"))
    _equal = _for_integers_too(operators.comparison("equal"))
    _not_equal = _for_integers_too(operators.comparison("not_equal"))

    def __eq__(self, other: Any) -> Any:  # with None or a word: not equal, and no error
        return NotImplemented if other is None or isinstance(other, str) else self._equal(other)

    def __ne__(self, other: Any) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else self._not_equal(other)

    sum = _reduction(operators.sum_)
    mean = differentiable(work=operators.reads_all)(operators.mean)
    max = _reduction(operators.max_)
    min = _reduction(operators.min_)
    argmax = _reduction(operators.argmax)
    var = differentiable(work=operators.reads_all)(operators.var)
    std = differentiable(work=operators.reads_all)(operators.std)
    squeeze = _for_integers_too(operators.squeeze)
    _getitem = _for_integers_too(operators.getitem)
    _reshape = _for_integers_too(operators.reshape)
    _transpose = _for_integers_too(operators.transpose)
    _to = _for_integers_too(operators.to)

    def __getitem__(self, index: Any) -> Tensor:
        """x[index] as NumPy has it: integers, slices, None, ..., integer arrays and masks."""
        return self._getitem(index=index if isinstance(index, tuple) else (index,))

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def flatten(self) -> Tensor:
        """All elements in one row, the batch too.  The layer Flatten keeps the batch."""
        return self.reshape(-1)

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape, where one size may be -1: (2, 3) or ((2, 3))."""
        return self._reshape(shape=shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in another order, reversed if none is given: (0, 2, 1) or ((0, 2, 1))."""
        if len(axes) == 1 and hasattr(axes[0], "__iter__"):
            axes = tuple(axes[0])
        return self._transpose(axes=axes or tuple(reversed(range(self.ndim))))

    @property
    def T(self) -> Tensor:
        """The axes reversed."""
        return self.transpose()

    def to(self, device: str) -> Tensor:
        """This tensor on "cpu" or "gpu": itself if it is there already.  Gradients flow back."""
        there = "gpu" if device == "cuda" else device
        return self if there == self.device else self._to(device=there)
