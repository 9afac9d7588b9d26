"""Speed: one convolution, from plain loops to all processors.

Slides    003_05cde12013bfe355.txt "Convolution operation on matrixes" ("at every sliding location")
          and "The main advantages" ("computationally efficient"), 001_2cc8296d8a649d23.txt
          "Mini-Batches while Training" ("Can parallelize computation")
Question  The multiplications are the same.  Why does one program take a thousand times as long?
Expect    loops over numbers thousands of times slower than im2col (2,100 to 3,400 times on a busy
          AMD EPYC); 40.5 MiB of columns for im2col in one piece, 0.65 MiB for tiles; every way
          within 1e-5 of the same numbers.  What else differs, the run prints: about 20 s.  A
          second figure shows what a training step waits for: arithmetic, or memory
Try       2, 4, ... 64 for `pictures` in tiles: from where on is it slower, and how large is the
          cache of one of your cores (on Linux, lscpu tells)?
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

import tinynet as tn
from tinynet.layers import Conv2D

from ..claim import at_least, at_most, equals
from . import roofline
from .ladder import draw, table, why
from .race import difference, peak, take_turns


# %% What all ways compute: N OH OW O numbers, each the sum of KH KW C products.
#    y[n, i, j, o] = sum_{u, v, c} x[n, i + u, j + v, c] w[u, v, c, o]
def sizes(x, w):
    """x (N, H, W, C), w (KH, KW, C, O) -> N, OH, OW, KH, KW, C, O"""
    (N, H, W, _), (KH, KW, C, O) = x.shape, w.shape  # noqa: E741
    return N, H - KH + 1, W - KW + 1, KH, KW, C, O


def multiply_adds(x, w):
    return int(np.prod(sizes(x, w)))


# %% 1. The definition, number by number.  For each product the interpreter looks into eight lists,
# asks what kinds of numbers it has found there, and makes new ones for the product and the sum.
def loops(x, w):
    """x, w: lists in lists.  -> an array"""
    N, KH, KW, C, O = len(x), len(w), len(w[0]), len(w[0][0]), len(w[0][0][0])  # noqa: E741
    OH, OW = len(x[0]) - KH + 1, len(x[0][0]) - KW + 1
    y = np.empty((N, OH, OW, O), np.float32)
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for o in range(O):
                    total = 0.0
                    for u in range(KH):
                        for v in range(KW):
                            for c in range(C):
                                total += x[n][i + u][j + v][c] * w[u][v][c][o]
                    y[n, i, j, o] = total
    return y


# %% 2. The slide's: Python goes from place to place, and NumPy's compiled loop does the KH KW C O
# products there.  But every window needs all of w again, for one multiplication by each number.
#    y[n, i, j] = window w,    window (KH KW C,), w (KH KW C, O)
def windows(x, w):
    N, OH, OW, KH, KW, _, O = sizes(x, w)  # noqa: E741
    y, w = np.empty((N, OH, OW, O), x.dtype), w.reshape(-1, O)
    for n, i, j in np.ndindex(N, OH, OW):
        y[n, i, j] = x[n, i : i + KH, j : j + KW].reshape(-1) @ w
    return y


# %% 3. im2col: all windows as the rows of one matrix, and one product of matrices.
#    Y = X W,    X (N OH OW, KH KW C), W (KH KW C, O)
# BLAS keeps parts of both in registers and in the nearest cache, and uses each number that it has
# fetched many times.  The price: a pixel is in KH KW windows, so X is about KH KW times x.
def view(x, KH, KW):
    """Every window; nothing is copied yet.  -> (N, OH, OW, KH, KW, C)"""
    found = np.lib.stride_tricks.sliding_window_view(x, (KH, KW), axis=(1, 2))
    return found.transpose(0, 1, 2, 4, 5, 3)


def columns(x, w):
    _, _, _, KH, KW, C, _ = sizes(x, w)
    return view(x, KH, KW).reshape(-1, KH * KW * C)  # here it is copied


def im2col(x, w):
    N, OH, OW, _, _, _, O = sizes(x, w)  # noqa: E741
    return (columns(x, w) @ w.reshape(-1, O)).reshape(N, OH, OW, O)


# %% 4. Tiles: the same, a few pictures at a time, in one buffer that is used again and again.  What
# was written there is still in the core's cache when it is multiplied, and the columns of the whole
# batch never exist.
def tiles(x, w, pictures=1):
    N, OH, OW, KH, KW, C, O = sizes(x, w)  # noqa: E741
    y, w = np.empty((N, OH, OW, O), x.dtype), w.reshape(-1, O)
    buffer = np.empty((pictures, OH, OW, KH, KW, C), x.dtype)
    for n in range(0, N, pictures):
        part = view(x[n : n + pictures], KH, KW)
        tile = buffer[: len(part)]  # the last one may be smaller
        np.copyto(tile, part)
        rows = tile.reshape(-1, KH * KW * C)
        np.matmul(rows, w, out=y[n : n + pictures].reshape(-1, O))
    return y


# %% 5. Threads: the tiles do not need each other, so each processor takes the next one.  NumPy lets
# go of Python's lock while it copies and multiplies.  That is how tn.conv2d does it.
@contextlib.contextmanager
def threads_set(count):
    tn.set_threads(count)
    try:
        yield
    finally:
        tn.set_threads(None)  # the default


def tinynet(x, w, threads, way="exact"):
    """x, w: tensors"""
    with threads_set(threads), convolution_set(way):
        return tn.conv2d(x, w)


# %% 6. The first program again, unchanged, as machine code: Numba reads its text and compiles it.
# Now nobody looks into lists, and a product takes about as long as the processor needs for it.
def compiled():
    """loops, for arrays in the place of lists; None without Numba."""
    try:
        import numba
    except ModuleNotFoundError:
        return None
    return numba.njit(loops)


# %% 7. Fewer products: Winograd's way computes a tile of 4 x 4 results from 6 x 6 values of the
# picture at special points.  tinynet's loops do that, where Numba compiles them:
# tinynet/devices/loops/winograd.py explains how.
#    products = N ceil(OH / 4) ceil(OW / 4) 36 C O
def winograd_products(x, w):
    N, OH, OW, _, _, C, O = sizes(x, w)  # noqa: E741
    return N * -(-OH // 4) * -(-OW // 4) * 36 * C * O


@contextlib.contextmanager
def convolution_set(way):
    tn.set_convolution(way)
    try:
        yield
    finally:
        tn.set_convolution("fast")  # the default


def on_gpu(x, w):
    """A GPU is asked to work, and Python goes on: only who asks for a number waits for it."""
    y = tn.conv2d(x, w)
    y[-1, -1, -1, -1].item()
    return y


# %% 8. PyTorch, where it is installed: compiled code throughout.  Its pictures lie in memory as
# (N, C, H, W), unless it is told that the channels come last.
def pytorch(x, w, threads):
    """The ways of PyTorch, with each number of threads."""
    try:
        import torch
    except ModuleNotFoundError:
        return []

    def way(layout, name, count):
        pictures, kernel = (
            torch.from_numpy(a).permute(axes).contiguous(memory_format=layout)
            for a, axes in ((x, (0, 3, 1, 2)), (w, (3, 2, 0, 1)))
        )

        def run():
            before = torch.get_num_threads()
            torch.set_num_threads(count)
            try:
                return torch.nn.functional.conv2d(pictures, kernel).permute(0, 2, 3, 1).numpy()
            finally:
                torch.set_num_threads(before)

        return Way(name, count, run)

    layouts = {"PyTorch": torch.contiguous_format, "PyTorch, channels last": torch.channels_last}
    return [way(layout, name, count) for count in threads for name, layout in layouts.items()]


# %% The ladder.
class Way(NamedTuple):
    name: str
    threads: int
    run: Callable[[], Any]  # -> y, or its first rows
    memory: int | None = None  # bytes beside input and output, where they are known
    part: float = 1.0  # how much of the work run does


def ladder(x, w, threads, device):
    """threads: the numbers of threads, (1,) or (1, all)"""
    row = x[:1, : len(w)]  # for loops: the first row of windows of the first picture
    lists, part = (row.tolist(), w.tolist()), multiply_adds(row, w) / multiply_adds(x, w)
    ways = [Way("loops over numbers", 1, lambda: loops(*lists), part=part)]
    plain = {"loops over windows": windows, "im2col in one piece": im2col, "tiles": tiles}
    ways += [Way(name, 1, lambda way=way: way(x, w)) for name, way in plain.items()]
    ways = [way._replace(memory=peak(way.run)) for way in ways]
    if (machine_code := compiled()) is not None:
        ways.append(Way("the same loops, compiled", 1, lambda: machine_code(x, w)))
    tensors = tn.Tensor(x), tn.Tensor(w)
    names = {"exact": "tinynet"} | ({"fast": "tinynet, Winograd"} if tn.compiled() else {})
    for way, name in names.items():
        for k in threads:
            memory = cost(x, w, k, way).workspace
            ways.append(Way(name, k, lambda k=k, way=way: tinynet(*tensors, k, way), memory))
    if device == "gpu":
        there = [t.to(device) for t in tensors]
        ways.append(Way("tinynet on the GPU", 0, lambda: on_gpu(*there)))
    return ways + pytorch(x, w, threads)


def cost(x, w, threads, way="exact"):
    """What tn.cost says of the layer.  Its threads keep their buffers, so peak would find none."""
    _, _, _, KH, KW, _, O = sizes(x, w)  # noqa: E741
    layer = Conv2D(O, (KH, KW), use_bias=False, rng=np.random.default_rng(0))
    model = tn.Sequential([layer], input_shape=x.shape[1:])
    shown = io.StringIO()  # its table
    with threads_set(threads), convolution_set(way), contextlib.redirect_stdout(shown):
        return tn.cost(model, batch=len(x))


# %% The limit runs with them: a large square product of matrices, which NumPy's BLAS does best.
#    GFLOP/s = 2 N OH OW KH KW C O / seconds / 10^9       (2: a multiplication and an addition)
def measure(x, w, turns, side, device):
    """-> rows of the table, {threads: the limit's GFLOP/s}, seconds of copying the columns, GB/s"""
    tn.set_threads(None)
    threads = sorted({1, tn.get_threads()})
    square = np.full((side, side), 0.5, np.float32)
    large, target = np.ones((2, 8 * side, side), np.float32)

    def product(k):  # each thread multiplies some of the rows
        list(pool.map(lambda rows: rows @ square, np.array_split(square, k)))

    def copy(k):
        pairs = zip(np.array_split(target, k), np.array_split(large, k), strict=True)
        list(pool.map(lambda pair: np.copyto(*pair), pairs))

    # BLAS itself has one thread in all ways: more of them are tinynet's, PyTorch's, or the pool's.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(max(threads)) as pool:
        ways = ladder(x, w, threads, device)
        steps = {i: way.run for i, way in enumerate(ways)}
        steps |= {("limit", k): lambda k=k: product(k) for k in threads}
        steps |= {"copying": lambda: columns(x, w), "copy": lambda: copy(max(threads))}
        times = take_turns(steps, turns)
        ys = [way.run() for way in ways]
    limit = {k: 2e-9 * side**3 / min(times["limit", n] for n in {1, k}) for k in threads}
    truth, rows = tiles(x.astype(np.float64), w.astype(np.float64)), []
    for i, (way, y) in enumerate(zip(ways, ys, strict=True)):
        rate = 2e-9 * multiply_adds(x, w) * way.part / times[i]
        share = 100 * rate / limit[way.threads] if way.threads else None
        row = {"seconds": times[i] / way.part, "rate": rate, "share": share}
        rows.append(way._asdict() | row | {"difference": difference(y, truth)})
    return rows, limit, times["copying"], 1e-9 * 2 * large.nbytes / times["copy"]


def main(
    shape=(64, 26, 26, 32), kernel=(3, 3, 32, 64), turns=5, side=2048, batch=128, seed=0,
    device="cpu", full=False,
):  # fmt: skip
    """shape: of x.  turns: of each way.  side: of the square matrices.  batch: of the training
    steps.  full: the Fashion-MNIST network's second layer for a whole batch, 128, and more turns.
    device: "gpu" adds tn.conv2d there, without a part of the limit: that, and all the rest, is
    about this machine's processors.
    """
    if full:
        shape, kernel, turns = (128, 26, 26, 32), (3, 3, 32, 64), 11
    rng = np.random.default_rng(seed)
    x, w = (rng.standard_normal(s, dtype=np.float32) for s in (shape, kernel))
    rows, limit, copying, bandwidth = measure(x, w, turns, side, device)
    limits = limit[max(limit)], bandwidth
    step = roofline.of_a_step(batch, rng)
    N, OH, OW, KH, KW, C, _ = sizes(x, w)
    results = {
        "shapes": f"{shape} by {kernel}",
        "rows": rows,
        "limit": limit,
        "copying": copying,
        "multiply-adds": (multiply_adds(x, w), cost(x, w, 1).multiply_adds),
        "winograd": winograd_products(x, w),
        "columns": (4 * N * OH * OW * KH * KW * C, columns(x, w).nbytes),
        "windows": N * OH * OW,
        "kernel": w.nbytes,
        "step": step,
        "limits": limits,
    }
    print("\n".join(table(results) + why(results) + roofline.why(step, limits)))
    return results


def claims(results):
    rows = {row["name"]: row for row in results["rows"] if row["threads"] <= 1}
    one, (by_formula, in_memory) = rows["im2col in one piece"], results["columns"]
    slower = rows["loops over numbers"]["seconds"] / one["seconds"]
    step = {row["name"]: row for row in results["step"]}
    waiting, busy = (1 / roofline.rate(step[name]) for name in ("max_pooling2d", "conv2d_1"))
    differences = [row["difference"] for row in results["rows"]]
    return [
        equals("multiply-adds: N OH OW KH KW C O, tn.cost", *results["multiply-adds"]),
        at_most("largest difference of all ways from float64", 1e-5, np.max(differences)),
        at_least("seconds of loops over numbers / of im2col", 100, slower),
        equals("bytes of the columns: 4 N OH OW KH KW C", by_formula, in_memory),
        at_least("memory of im2col / of the columns", 1, one["memory"] / in_memory),
        at_most("memory of tiles / of im2col", 0.1, rows["tiles"]["memory"] / one["memory"]),
        at_least("time for an operation, max pooling / 2nd convolution", 5, waiting / busy),
    ]


def show(results):
    return {"ladder": draw(results), "roofline": roofline.draw(results["step"], results["limits"])}
