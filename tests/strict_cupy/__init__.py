"""A pretended CuPy for machines without a GPU: NumPy inside, and as strict as CuPy 14.2.

It refuses what CuPy refuses: NumPy's arrays and lists among its own, conversions that nobody asked
for, names and arguments that CuPy does not have.  It gives what CuPy gives where that differs from
NumPy: arrays without axes instead of scalars, results in C order, indices that wrap.  And it counts
(`counts`) what costs time on a GPU: launches, waits, copies to the host and to the device.

tests/devices/test_strict_cupy.py has each of these facts, and runs on the real CuPy too, where
there is one.  names.json lists what `dir` finds in CuPy 14.2.0, in its arrays, and its ufuncs.
"""

from __future__ import annotations

import collections
import functools
import json
import math
import operator
import time
import tracemalloc
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy

from .raw_kernel import RawKernel

NAMES = json.loads((Path(__file__).parent / "names.json").read_text())

counts: collections.Counter[str] = collections.Counter()

REDUCTION = ("axis", "out", "keepdims")  # no where=, no initial=
KEYWORDS = {  # of the methods of arrays
    **dict.fromkeys(("max", "min", "all", "any"), REDUCTION),
    **dict.fromkeys(("sum", "mean", "prod", "argmax", "argmin"), (*REDUCTION, "dtype")),
}
SCATTERED = {"add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"}
NO_LAUNCH = {"empty", "empty_like", "shape", "ndim", "size", "result_type", "broadcast_shapes"}


# -- from one to the other -------------------------------------------------------------------------


def inside(x: Any) -> Any:
    """NumPy's array inside each of ours.  TypeError for an array of NumPy's own."""
    if type(x) is ndarray:
        return x.inside
    if isinstance(x, numpy.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(x, list | tuple):
        return type(x)(map(inside, x))
    return x


def wrapped(x: Any) -> Any:
    if isinstance(x, numpy.ndarray | numpy.generic):
        return ndarray(numpy.asarray(x))
    return type(x)(map(wrapped, x)) if isinstance(x, list | tuple) else x


def computed(function: Callable[..., Any], *values: Any, **settings: Any) -> Any:
    """function of what is inside.  It counts as a launch, unless the result is a view."""
    arguments = [inside(value) for value in values]
    settings = {name: inside(value) for name, value in settings.items()}
    with numpy.errstate(all="ignore"):  # a GPU does not warn
        result = function(*arguments, **settings)
    if settings.get("out") is not None:
        counts["launches"] += 1
        return wrapped(result)
    if isinstance(result, numpy.ndarray):
        for given in values:
            if type(given) is ndarray and numpy.may_share_memory(result, given.inside):
                return given if result is given.inside else view_of(given, result)
        if getattr(function, "__name__", "") != "astype":
            result = numpy.ascontiguousarray(result).reshape(result.shape)
    counts["launches"] += getattr(function, "__name__", "") not in NO_LAUNCH
    return wrapped(result)


def view_of(x: ndarray, inside: numpy.ndarray) -> ndarray:
    """Its base is the array that owns the memory."""
    return ndarray(inside, x if x.base is None else x.base)


def refuse(*values: Any) -> None:
    """What ufuncs refuse."""
    for value in values:
        if isinstance(value, list | tuple | numpy.ndarray):
            raise TypeError(f"Unsupported type {type(value)}")


# -- arrays ----------------------------------------------------------------------------------------


def index_inside(index: Any, shape: tuple[int, ...]) -> Any:
    """As NumPy takes it: integers in arrays wrap where they are out of range."""
    parts, axis, found = index if isinstance(index, tuple) else (index,), 0, []
    for k, part in enumerate(parts):
        if part is Ellipsis:
            rest = sum(other is not None for other in parts[k + 1 :])
            axis = len(shape) - rest
        elif part is None:
            pass
        elif isinstance(part, ndarray | numpy.ndarray | list):
            if type(part) is not ndarray:
                counts["to the device"] += 1
            values = part.inside if type(part) is ndarray else numpy.asarray(part)
            if not values.size and values.dtype == float:
                values = values.astype(int)  # [] chooses nothing
            if values.dtype == bool:
                counts["waits"] += 1  # for how many there are
                axis += values.ndim
            else:
                values = values % shape[axis] if axis < len(shape) and shape[axis] else values
                axis += 1
            part = values
        else:
            axis += 1
        found.append(part)
    return tuple(found) if isinstance(index, tuple) else found[0]


class Flags:
    """Without `writeable`."""

    def __init__(self, array: numpy.ndarray) -> None:
        self.c_contiguous, self.f_contiguous = array.flags.c_contiguous, array.flags.f_contiguous
        self.owndata, self.forc = array.flags.owndata, array.flags.forc


class OutOfMemoryError(MemoryError):
    """As CuPy names it."""


room = {"bytes": math.inf}  # for one array


class ndarray:
    """The class of the arrays, by whose module tinynet knows them."""

    __module__ = "cupy"
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("__weakref__", "base", "inside")

    def __init__(self, inside: numpy.ndarray, base: ndarray | None = None) -> None:
        if base is None and inside.nbytes > room["bytes"]:
            raise OutOfMemoryError(f"Out of memory allocating {inside.nbytes:,} bytes.")
        self.inside, self.base = inside, base

    shape = property(lambda self: self.inside.shape)
    dtype = property(lambda self: self.inside.dtype)
    ndim = property(lambda self: self.inside.ndim)
    size = property(lambda self: self.inside.size)
    nbytes = property(lambda self: self.inside.nbytes)
    itemsize = property(lambda self: self.inside.itemsize)
    strides = property(lambda self: self.inside.strides)
    flags = property(lambda self: Flags(self.inside))
    T = property(lambda self: view_of(self, self.inside.T))

    @property
    def data(self) -> Any:
        return types.SimpleNamespace(ptr=self.inside.ctypes.data)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct "
            "a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **settings):
        if out is not None:
            settings["out"] = out
        result = computed(getattr(ufunc, method), *inputs, **settings)
        return result if out is None else out[0]

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return len(self.inside)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> ndarray:
        found = index_inside(index, self.shape)
        parts = found if isinstance(found, tuple) else (found,)
        dots = any(part is ... for part in parts)
        result = self.inside[parts if dots else (*parts, ...)]  # never a scalar
        if numpy.may_share_memory(result, self.inside):
            return view_of(self, result)
        counts["launches"] += 1
        return ndarray(result)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, numpy.ndarray | list):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        counts["launches"] += 1
        self.inside[index_inside(index, self.shape)] = inside(value)

    def _read(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """For Python, which waits until all that was launched is done."""
        counts["waits"] += 1
        return function(self.inside, *arguments)

    def _scalar(self, kind: type) -> Any:
        if self.size != 1 or self.ndim:
            raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
        return self._read(kind)

    def __float__(self) -> float:
        return self._scalar(float)

    def __int__(self) -> int:
        return self._scalar(int)

    def __bool__(self) -> bool:
        return self._read(bool)

    def __format__(self, form: str) -> str:
        return self._read(lambda a: format(a[()], form))

    def __repr__(self) -> str:
        return self._read(repr)

    def item(self, *index: Any) -> Any:
        return self._read(lambda a: a.item(*index))

    def tolist(self) -> Any:
        return self.get().tolist()

    def get(self) -> numpy.ndarray:
        counts["to the host"] += 1
        return self._read(numpy.array)

    def copy(self, order: Any = "C") -> ndarray:
        counts["launches"] += 1
        return ndarray(self.inside.copy(order))

    def fill(self, value: Any) -> None:
        self[...] = value

    def __getattr__(self, name: str) -> Any:
        if name not in NAMES["ndarray"]:
            raise AttributeError(f"'ndarray' object has no attribute {name!r}")

        def method(*arguments: Any, **settings: Any) -> Any:
            for keyword in settings:
                if keyword not in KEYWORDS.get(name, settings):
                    raise TypeError(f"{name}() got an unexpected keyword argument {keyword!r}")
            call = getattr(numpy.ndarray, name)
            return computed(call, self, *arguments, **settings)

        return method


def operators(name: str) -> None:
    compute = getattr(operator, name)
    plain, in_place = name.strip("_"), getattr(operator, f"i{name.strip('_')}")

    def of(x: Any, y: Any) -> Any:
        refuse(x, y)
        whole = type(x) is ndarray and x.dtype.kind in "iu"
        if plain == "pow" and whole and isinstance(y, int) and y < 0:
            return (x.astype(float) ** y).astype(x.dtype)  # CuPy does not refuse it
        return computed(compute, x, y)

    def into(x: ndarray, y: Any) -> ndarray:
        refuse(y)
        counts["launches"] += 1
        with numpy.errstate(all="ignore"):
            in_place(x.inside, inside(y))
        return x

    setattr(ndarray, f"__{plain}__", of)
    setattr(ndarray, f"__r{plain}__", lambda x, y: of(y, x))
    setattr(ndarray, f"__i{plain}__", into)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor"):
    operators(_name)
operators("matmul")
_float32 = ndarray.__matmul__
compute_types = {"float32": "DEFAULT"}


def tf32(x: ndarray) -> ndarray:
    """The numbers rounded as tensor cores take them: to 10 bits after the point."""
    bits = x.inside.copy().view("uint32")
    return ndarray(((bits + 0xFFF + (bits >> 13 & 1)) & ~numpy.uint32(0x1FFF)).view("float32"))


def matmul(x: ndarray, y: Any) -> Any:
    """In TF32, where that was asked for, of two matrices of float32."""
    kinds = {(v.ndim, str(v.dtype)) for v in (x, y) if type(v) is ndarray}
    if compute_types["float32"] == "TF32" and kinds == {(2, "float32")}:
        x, y = tf32(x), tf32(y)
    return _float32(x, y)


ndarray.__matmul__ = matmul


def comparison(compute: Callable[..., Any]) -> Callable[..., Any]:
    def compare(x: ndarray, y: Any) -> Any:
        refuse(y)
        return computed(compute, x, y)

    return compare


def unary(x: ndarray, compute: Callable[..., Any]) -> Any:
    return computed(compute, x)


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(ndarray, f"__{_name}__", comparison(getattr(operator, _name)))
for _name in ("neg", "invert", "abs", "pos"):
    setattr(ndarray, f"__{_name}__", functools.partialmethod(unary, getattr(operator, _name)))


# -- functions -------------------------------------------------------------------------------------


class Ufunc:
    """With a name, but without `__module__`."""

    def __init__(self, name: str) -> None:
        self.ufunc, self.__name__ = getattr(numpy, name), name

    @property
    def __module__(self) -> str:
        raise AttributeError("'cupy._core._kernel.ufunc' object has no attribute '__module__'")

    def __call__(self, *values: Any, out: Any = None, dtype: Any = None) -> Any:
        refuse(*values)
        settings = {} if dtype is None else {"dtype": dtype}
        if out is None:
            return computed(self.ufunc, *values, **settings)
        if type(out) is not ndarray:
            raise TypeError("return arrays must be of ArrayType")
        computed(self.ufunc, *values, out=out, **settings)
        return out

    def reduce(self, *values: Any, **settings: Any) -> Any:
        return computed(self.ufunc.reduce, *values, **settings)

    def at(self, array: ndarray, index: Any, values: Any = None) -> None:
        if self.__name__ not in SCATTERED:
            raise NotImplementedError(f"`cupy_{self.__name__}.at` is not supported yet")
        counts["launches"] += 1
        self.ufunc.at(array.inside, index_inside(index, array.shape), inside(values))


def where(condition: Any, x: Any, y: Any) -> Any:
    condition.astype  # noqa: B018  # a list and a bool have none: AttributeError, as in CuPy
    refuse(condition, x, y)
    return computed(numpy.where, condition, x, y)


def take_along_axis(array: ndarray, indices: Any, axis: int) -> ndarray:
    if type(indices) is not ndarray:
        raise AttributeError(f"{type(indices).__name__!r} object has no attribute 'device'")
    counts["launches"] += 3  # it makes an index of each axis
    return computed(numpy.take_along_axis, array, indices, axis)


def sliding_window_view(x: ndarray, shape: Any, axis: Any = None) -> ndarray:
    """It sends the shape to the device, and reads it there."""
    counts["to the device"] += 1
    counts["launches"] += len(shape)
    counts["waits"] += len(shape)
    return view_of(x, numpy.lib.stride_tricks.sliding_window_view(x.inside, shape, axis))


def asarray(x: Any, dtype: Any = None, order: Any = None) -> ndarray:
    if type(x) is ndarray:
        return x if dtype is None or x.dtype == dtype else x.astype(dtype)
    if isinstance(x, list | tuple) and any(type(part) is ndarray for part in x):
        return computed(numpy.stack, list(x))
    counts["to the device"] += 1
    return ndarray(numpy.array(x, dtype, order=order))


def array(x: Any, dtype: Any = None, order: Any = "C") -> ndarray:
    return ndarray(x.inside.astype(dtype or x.dtype)) if type(x) is ndarray else asarray(x, dtype)


def asnumpy(x: Any) -> numpy.ndarray:
    return x.get() if type(x) is ndarray else numpy.asarray(x)


class MemoryPool:
    """It counts what NumPy allocates, while tracemalloc runs."""

    def free_all_blocks(self) -> None:
        tracemalloc.reset_peak()

    def used_bytes(self) -> int:
        return tracemalloc.get_traced_memory()[0]

    def total_bytes(self) -> int:
        return tracemalloc.get_traced_memory()[1]

    def free_bytes(self) -> int:
        return 0


class Event:
    """A moment; here the GPU has done at once what it was told."""

    def record(self) -> None:
        self.time = time.perf_counter()

    def synchronize(self) -> None:
        counts["waits"] += 1


class CUDARuntimeError(RuntimeError):
    """As CuPy names what CUDA says."""


def answer(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


class StrictCupy(types.ModuleType):
    """The module, on a machine where all is well unless told otherwise.

    count: of devices, or the error that CUDA answers with.  driver: its version; 0: there is none.
    """

    def __init__(self, version: str = "14.2.0", count: Any = 1, driver: int = 13000) -> None:
        super().__init__("cupy")
        self.__version__ = version
        self.ndarray, self.array, self.asarray, self.asnumpy = ndarray, array, asarray, asnumpy
        self.where, self.take_along_axis = where, take_along_axis
        self.get_default_memory_pool = MemoryPool
        views = types.SimpleNamespace(
            sliding_window_view=sliding_window_view, as_strided=as_strided
        )
        self.lib = types.SimpleNamespace(stride_tricks=views)
        runtime = types.SimpleNamespace(
            getDeviceCount=lambda: answer(count),
            driverGetVersion=lambda: driver,
            runtimeGetVersion=lambda: 13010,
            memGetInfo=lambda: (2**30, 2**34),
            getDeviceProperties=lambda device: {"name": b"a pretended GPU"},
        )
        wait = types.SimpleNamespace(synchronize=lambda: counts.update(waits=1))
        self.cuda = types.SimpleNamespace(
            runtime=runtime,
            get_current_stream=lambda: wait,
            Event=Event,
            get_elapsed_time=lambda start, stop: 1000 * (stop.time - start.time),
        )
        self.RawKernel = RawKernel
        self._core = types.SimpleNamespace(
            set_compute_type=lambda dtype, kind: compute_types.update({str(dtype): kind}),
            _routines_linalg=types.SimpleNamespace(
                COMPUTE_TYPE_TF32="TF32", COMPUTE_TYPE_DEFAULT="DEFAULT"
            ),
        )

    def __getattr__(self, name: str) -> Any:
        if name not in NAMES["cupy"]:
            raise AttributeError(f"module 'cupy' has no attribute {name!r}")
        of_numpy = getattr(numpy, name)
        if name in NAMES["ufuncs"]:
            found: Any = Ufunc(name)
        elif isinstance(of_numpy, type) or not callable(of_numpy):
            found = of_numpy
        else:

            def found(*values: Any, **settings: Any) -> Any:
                return computed(of_numpy, *values, **settings)

        setattr(self, name, found)
        return found


def as_strided(x: ndarray, shape: Any = None, strides: Any = None) -> ndarray:
    return ndarray(numpy.lib.stride_tricks.as_strided(x.inside, shape, strides))
