"""What the engine's errors say: of an operation's inputs, of its pullbacks, of the walk back."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from .arguments import PADDED, ragged, shown
from .names import missing, unknown_argument
from .notebook import picture_html
from .words import OF_TENSORS

REDUCTIONS = ("max", "mean", "min", "std", "sum", "var")
# NumPy's functions for which operators stand, and the method of Tensor that computes each.
OPERATORS = {
    "add": "__add__",
    "divide": "__truediv__",
    "equal": "_equal",
    "greater": "__gt__",
    "greater_equal": "__ge__",
    "less": "__lt__",
    "less_equal": "__le__",
    "matmul": "__matmul__",
    "multiply": "__mul__",
    "not_equal": "_not_equal",
    "power": "__pow__",
    "subtract": "__sub__",
}


def text_of(x: Any) -> str:
    """The repr of a tensor: its numbers, and what else is known of it."""
    values = numpy.array2string(x.numpy(), precision=4, threshold=20, prefix="Tensor(")
    facts = [f"shape={x.shape}", f"dtype={x.dtype}", f"device={x.device}"]
    if x.name:
        facts.append(f"name={x.name!r}")
    if x.operation:
        facts.append(f"from={x.operation}")
    if x.requires_grad:
        facts.append("requires_grad=True")
    return f"Tensor({values}, {', '.join(facts)})"


def html_of(x: Any) -> str | None:
    """What a notebook shows in place of the repr: pictures (H, W, C) or (N, H, W, C); else None."""
    picture = picture_html(x.numpy()) if x.ndim in (3, 4) else None
    return picture and f"{picture}<br>Tensor, shape={x.shape}, dtype={x.dtype}, device={x.device}"


def located(
    operation: str,
    values: Sequence[Any],
    error: Exception,
    settings: Mapping[str, Any] = {},
    signature: inspect.Signature | None = None,
) -> Exception:
    """The same error with the operation's name, and in symbols where NumPy speaks of operands."""
    if getattr(error, "located", False):
        return error
    message = str(error)
    if values and message.startswith("operands could not be broadcast"):
        *shapes, last = (str(numpy.shape(x)) for x in values)
        message = (
            f"shapes {', '.join(shapes)} and {last} do not broadcast. Counted from the right, "
            "sizes must be equal or 1: reshape one of them."
        )
    unknown = [word for word in settings if signature and word not in signature.parameters]
    if unknown and signature:
        word, names = unknown[0], list(signature.parameters)
        message = str(unknown_argument("", word, names))
        if word in ("dtype", "out") and operation in REDUCTIONS:  # as numpy.sum(x) asks
            message = (
                f"numpy.{operation} takes arrays, and this is a Tensor. Write x.{operation}()."
            )
    kind = type(error) if type(error) in (ValueError, TypeError, IndexError) else ValueError
    named: Any = kind(f"{operation}: {message}").with_traceback(error.__traceback__)
    named.operation = operation  # a layer puts its own name in this place
    return named


def two_dtypes(floats: Mapping[Any, str]) -> TypeError:
    """The error for inputs of several floating dtypes.  floats: each, and the input that has it."""
    (one, x), (other, y) = list(floats.items())[:2]
    if str(one) == "float32":  # the one to keep, if there is a choice
        (one, x), (other, y) = (other, y), (one, x)
    return TypeError(
        f"{x} is {one} and {y} is {other}. Convert the array of {x.split()[0]} before it becomes "
        f'a Tensor: array.astype("{other}").'
    )


def without_pullback(operation: str, label: str, pullbacks: tuple, i: int) -> TypeError:
    """The error where input number i needs a gradient, and no pullback gives it."""
    found = repr(pullbacks[i]) if i < len(pullbacks) else "missing"
    return TypeError(
        f"{operation}: the input {label} requires a gradient, and its pullback is {found}. Return "
        "a tuple with a function for each input; where no gradient flows, pass x.detach()."
    )


def no_way_back() -> RuntimeError:
    """The error for backward() where no gradient is asked for."""
    return RuntimeError(
        "backward: nothing to differentiate. No tensor that this one was computed from was made "
        "with requires_grad=True, or it was computed under no_grad."
    )


def used_graph(operation: str) -> RuntimeError:
    """The error for a second backward()."""
    return RuntimeError(
        f"backward: this graph was already used, up to the result of {operation}. Run the forward "
        "pass again, or add the losses that share it and call backward once."
    )


def other_array(name: str, y: Any, device: str, dy: Any, there: str) -> ValueError:
    """The error for a dy that is not like y."""
    return ValueError(
        f"{name} must have this tensor's shape {y.shape}, {y.dtype}, on {device}; received "
        f"{dy.shape}, {dy.dtype}, on {there}."
    )


UNEQUAL = (
    "the rows of the list have different lengths. Make them equal; for sequences, write x, mask = "
    "tn.data.padded(rows)."
)
PROMOTED = "A NumPy float64 scalar promotes float32: use Python floats and math.sqrt."


def unlike_input(
    operation: str, label: str, dx: Any, there: str | None, wanted: Any, home: str
) -> TypeError:
    """The error for what a pullback returned.  there: its device, None if it is no array."""
    found, cure = type(dx).__name__, ""
    if there is not None:
        found = f"{dx.shape} {dx.dtype} on {there}"
        cure = f" {PROMOTED}" if dx.dtype != wanted.dtype else ""
    return TypeError(
        f"{operation}: the pullback of the input {label} returned {found}. It must return an array "
        f"like the input, {wanted.shape} {wanted.dtype} on {home}.{cure}"
    )


def failed_pullback(operation: str, error: ValueError) -> Exception:
    """The error for one that a pullback raised."""
    if "read-only" in str(error):
        return RuntimeError(f"{operation}: a pullback writes into dy. Write dy * 2, not dy *= 2.")
    return located(f"{operation}, on the way back", (), error)


def moved_too_early(label: str, operation: str) -> RuntimeError:
    """The error for a parameter that moved between forward and backward."""
    return RuntimeError(
        f"backward: call it before step(), which has moved the parameter {label} since "
        f"{operation} used it: the gradient may be wrong."
    )


def no_attribute(x: Any, name: str) -> AttributeError:
    """The error for an attribute that a tensor has not."""
    return missing("Tensor", name, () if name.startswith("_") else dir(type(x)), OF_TENSORS)


def replaced_leaf(operator: str, label: str) -> TypeError:
    """The error for w += y where w is a leaf."""
    return TypeError(
        f"{operator}: the result would replace the leaf {label}, which would get no gradient any "
        "more. Write w.data -= ..., or give the result another name."
    )


def no_gradient_flows(name: str) -> TypeError:
    """The error for a tensor that requires a gradient where none flows, as labels."""
    return TypeError(
        f"no gradient flows to {name}, and it requires one. Pass {name}.detach(), unless the "
        "arguments are swapped."
    )


def refuse_mask(name: str, x: Any) -> None:
    """TypeError for a masked array."""
    if type(x) is not numpy.ndarray and hasattr(x, "filled"):
        raise TypeError(
            f"{name} is a masked array, and its mask would be lost. Leave those examples out, or "
            "give x.filled(0)."
        )


def not_numbers(data: numpy.ndarray) -> TypeError:
    """The error for an array of something else."""
    cure = f"{PADDED}." if ragged(data) else "Give real numbers."
    return TypeError(f"dtype {data.dtype} is not real numbers. {cure}")


def not_a_shape(requires_grad: Any) -> TypeError:
    """The error for Tensor(3, 4), which PyTorch reads as a shape."""
    return TypeError(
        f"Tensor: requires_grad must be True or False, received {shown(requires_grad)}. For a "
        "shape write tn.zeros(3, 4)."
    )


def as_number(x: Any) -> Any:
    """A number of NumPy's, or an array of one without a shape, as Python's: it promotes nothing."""
    return x.item() if isinstance(x, numpy.ndarray | numpy.generic) and x.ndim == 0 else x


def no_numpy_function(name: str, method: str, settings: Mapping[str, Any]) -> TypeError:
    """The error for numpy.exp(tensor)."""
    if method == "__call__" and "out" in settings:
        return TypeError(
            f"numpy.{name}: an array cannot be changed by a Tensor in place. Write array = "
            "array + x, which is a Tensor."
        )
    if method != "__call__":
        return TypeError(f"numpy.{name}.{method}: it takes arrays. Write x.sum(), x.max(), ...")
    cure = OF_TENSORS.get(name, f"Write numpy.{name}(x.numpy()), through which no gradient flows.")
    return TypeError(f"numpy.{name}: it takes arrays, and this is a Tensor. {cure}")
