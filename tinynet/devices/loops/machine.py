"""What Python has no words for: addresses, numbers that several threads write, calls by address.

Each function becomes one or two instructions of the processor, inside a compiled loop.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

INT, INT32, FLOAT, BYTE = ir.IntType(64), ir.IntType(32), ir.FloatType(), ir.IntType(8)
_integer, _float = types.int64, types.float32


def _instruction(result: Any, parameters: tuple[Any, ...], emit: Callable[[Any, Any], Any]) -> Any:
    """A function with those types; emit(builder, arguments) writes the instruction."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = emit(builder, arguments)
        return context.get_dummy_value() if result == types.void else value

    return result(*parameters), codegen


def _word(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, INT.as_pointer())


# -- a word of 8 bytes that several threads read and write; all see the changes in one order -------


@intrinsic
def load(typing, address):
    return _instruction(
        _integer, (_integer,), lambda b, a: b.load_atomic(_word(b, a[0]), "seq_cst", 8)
    )


@intrinsic
def store(typing, address, value):
    return _instruction(
        types.void,
        (_integer, _integer),
        lambda b, a: b.store_atomic(a[1], _word(b, a[0]), "seq_cst", 8),
    )


@intrinsic
def add(typing, address, value):
    """-> what the word was before"""
    return _instruction(
        _integer,
        (_integer, _integer),
        lambda b, a: b.atomic_rmw("add", _word(b, a[0]), a[1], "seq_cst"),
    )


@intrinsic
def exchange(typing, address, value):
    """-> what the word was before"""
    return _instruction(
        _integer,
        (_integer, _integer),
        lambda b, a: b.atomic_rmw("xchg", _word(b, a[0]), a[1], "seq_cst"),
    )


@intrinsic
def pause(typing):
    """Some 30 ns in which the processor's other thread may work."""

    def emit(builder: Any, arguments: Any) -> None:
        if platform.machine().lower() in ("x86_64", "amd64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(builder.module.declare_intrinsic("llvm.x86.sse2.pause", (), kind), [])

    return _instruction(types.void, (), emit)


@intrinsic
def give_way(typing):
    """Let another thread have the processor."""

    def emit(builder: Any, arguments: Any) -> None:
        if hasattr(os, "sched_yield"):
            kind = ir.FunctionType(INT32, [])
            found = builder.module.globals.get("sched_yield")
            builder.call(found or ir.Function(builder.module, kind, "sched_yield"), [])

    return _instruction(types.void, (), emit)


# -- addresses -------------------------------------------------------------------------------------


@intrinsic
def pointer(typing, address):
    """For numba.carray, which makes an array of the numbers that lie there."""
    return _instruction(
        types.voidptr, (_integer,), lambda b, a: b.inttoptr(a[0], BYTE.as_pointer())
    )


@intrinsic
def call(typing, function, worker, part, values):
    def emit(builder: Any, a: Any) -> None:
        kind = ir.FunctionType(ir.VoidType(), [INT] * 3)
        builder.call(builder.inttoptr(a[0], kind.as_pointer()), a[1:])

    return _instruction(types.void, (_integer,) * 4, emit)


@intrinsic
def call_sgemm(typing, function, wide, a_turned, b_turned, n, o, m, a, lda, b, ldb, beta, y, ldy):
    """BLAS' product of matrices of float32, in rows: y = a @ b + beta * y.

    wide: whether its integers have 64 bits.  lda, ldb, ldy: the numbers from a row to the next.
    """

    def emit(builder: Any, arguments: Any) -> None:
        f, wide, a_turned, b_turned, n, o, m, a, lda, b, ldb, beta, y, ldy = arguments
        order, plain, turned, one = INT32(101), INT32(111), INT32(112), FLOAT(1.0)

        def way(is_turned: Any) -> Any:
            return builder.select(is_turned, turned, plain)

        with builder.if_else(wide) as (then, otherwise):
            for block, size in ((then, INT), (otherwise, INT32)):
                with block:
                    kind = ir.FunctionType(
                        ir.VoidType(),
                        [INT32, INT32, INT32, size, size, size, FLOAT, INT, size, INT, size, FLOAT,
                         INT, size],
                    )  # fmt: skip
                    n_, o_, m_, lda_, ldb_, ldy_ = (
                        builder.trunc(k, size) if size is INT32 else k
                        for k in (n, o, m, lda, ldb, ldy)
                    )
                    builder.call(
                        builder.inttoptr(f, kind.as_pointer()),
                        [order, way(a_turned), way(b_turned), n_, o_, m_, one, a, lda_, b, ldb_,
                         beta, y, ldy_],
                    )  # fmt: skip

    return _instruction(
        types.void,
        (_integer, types.boolean, types.boolean, types.boolean, *(_integer,) * 7, _float,
         *(_integer,) * 2),
        emit,
    )  # fmt: skip


@intrinsic
def copy_numbers(typing, source, target, count):
    """Of float32, from one address to another."""

    def emit(builder: Any, a: Any) -> None:
        target, source = (builder.inttoptr(k, BYTE.as_pointer()) for k in (a[1], a[0]))
        cgutils.raw_memcpy(builder, target, source, a[2], 4)

    return _instruction(types.void, (_integer,) * 3, emit)


@intrinsic
def number_at(typing, address):
    return _instruction(
        _float, (_integer,), lambda b, a: b.load(b.inttoptr(a[0], FLOAT.as_pointer()))
    )


@intrinsic
def add_number_at(typing, address, number):
    def emit(builder: Any, a: Any) -> None:
        place = builder.inttoptr(a[0], FLOAT.as_pointer())
        builder.store(builder.fadd(builder.load(place), a[1]), place)

    return _instruction(types.void, (_integer, _float), emit)


# -- the bits of a float32 -------------------------------------------------------------------------


@intrinsic
def floor(typing, x):
    """As a float32, where math.floor gives an integer of 64 bits."""

    def emit(builder: Any, a: Any) -> Any:
        kind = ir.FunctionType(FLOAT, [FLOAT])
        return builder.call(builder.module.declare_intrinsic("llvm.floor", [FLOAT], kind), a)

    return _instruction(_float, (_float,), emit)


@intrinsic
def two_to(typing, n):
    """2 to the power of the whole number n, from -126 to 127, as a float32."""

    def emit(builder: Any, a: Any) -> Any:
        bits = builder.shl(builder.add(a[0], INT32(127)), INT32(23))
        return builder.bitcast(bits, FLOAT)

    return _instruction(_float, (types.int32,), emit)


# -- random bits -----------------------------------------------------------------------------------


@intrinsic
def upper_half(typing, a, b):
    """The upper 64 bits of a * b, for whole numbers of 64 bits without a sign."""

    def emit(builder: Any, arguments: Any) -> Any:
        a, b = (builder.zext(k, ir.IntType(128)) for k in arguments)
        product = builder.mul(a, b)
        return builder.trunc(builder.lshr(product, ir.Constant(product.type, 64)), INT)

    return _instruction(types.uint64, (types.uint64, types.uint64), emit)
