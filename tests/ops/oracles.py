"""What each operation must give, by plain loops and the most literal formulas.

Nothing here comes from tinynet and nothing is fast: an oracle is to be right at a glance.  Arrays
are NumPy float64.
"""

from __future__ import annotations

import itertools
import math

import numpy

# -- one number at a time ----------------------------------------------------------------------


def each(f):
    """f of numbers, applied to the elements of (broadcast) arrays one by one."""

    def oracle(*arrays, **settings):
        arrays = numpy.broadcast_arrays(*arrays)
        y = numpy.empty(arrays[0].shape)
        for place in numpy.ndindex(y.shape):
            y[place] = f(*(float(x[place]) for x in arrays), **settings)
        return y

    return oracle


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# -- a list of numbers at a time ---------------------------------------------------------------


def reduced(f):
    """f of a list of numbers, applied to what each element of the reduction is made of."""

    def oracle(x, axis=None, keepdims=False):
        axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        gone = {a % x.ndim for a in axes} if x.ndim else set()
        y = numpy.empty([1 if i in gone else n for i, n in enumerate(x.shape)])
        for place in numpy.ndindex(y.shape):
            part = x[tuple(slice(None) if i in gone else p for i, p in enumerate(place))]
            y[place] = f(part.ravel().tolist())
        return y if keepdims else y.reshape([n for i, n in enumerate(x.shape) if i not in gone])

    return oracle


def mean(numbers):
    return sum(numbers) / len(numbers)


def along(f):
    """f of a list of numbers that gives a list, applied to every line along an axis."""

    def oracle(x, axis=-1):
        y = numpy.empty(x.shape)
        lines, results = numpy.moveaxis(x, axis, -1), numpy.moveaxis(y, axis, -1)
        for place in numpy.ndindex(lines.shape[:-1]):
            results[place] = f(lines[place].tolist())
        return y

    return oracle


def softmax(numbers):
    total = sum(math.exp(x) for x in numbers)
    return [math.exp(x) / total for x in numbers]


def log_softmax(numbers):
    return [math.log(p) for p in softmax(numbers)]


def attention(query, key, value, mask=None):
    y = numpy.zeros((*query.shape[:2], value.shape[2]))
    for n, q in numpy.ndindex(query.shape[:2]):
        row = None if mask is None else mask[n] if mask.ndim == 2 else mask[n, q]
        places = [s for s in range(key.shape[1]) if row is None or row[s]]
        products = [sum((query[n, q] * key[n, s]).tolist()) for s in places]
        weights = softmax([product / math.sqrt(query.shape[2]) for product in products])
        for s, weight in zip(places, weights, strict=True):
            y[n, q] += weight * value[n, s]
    return y


# -- products and places -----------------------------------------------------------------------


def matmul(x, w):
    a = x if x.ndim > 1 else x[None, :]
    b = w if w.ndim > 1 else w[:, None]
    (N, M), O = a.shape[-2:], b.shape[-1]  # noqa: E741
    stacks = numpy.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = numpy.broadcast_to(a, (*stacks, N, M)), numpy.broadcast_to(b, (*stacks, M, O))
    y = numpy.empty((*stacks, N, O))
    for *s, i, j in numpy.ndindex(y.shape):
        y[(*s, i, j)] = sum(a[(*s, i, k)] * b[(*s, k, j)] for k in range(M))
    y = y[..., 0] if w.ndim == 1 else y
    return y if x.ndim > 1 else y[..., 0] if w.ndim == 1 else y[..., 0, :]


def transpose(x, axes):
    y = numpy.empty([x.shape[a] for a in axes])
    for place in numpy.ndindex(x.shape):
        y[tuple(place[a] for a in axes)] = x[place]
    return y


def flip(x, axis=None):
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    turned = {a % x.ndim for a in axes}
    y = numpy.empty(x.shape)
    for place in numpy.ndindex(x.shape):
        mirrored = (x.shape[i] - 1 - p if i in turned else p for i, p in enumerate(place))
        y[tuple(mirrored)] = x[place]
    return y


def concatenate(*arrays, axis=0):
    slabs = [slab for x in arrays for slab in numpy.moveaxis(x, axis, 0)]
    return numpy.moveaxis(numpy.array(slabs), 0, axis)


def stack(*arrays, axis=0):
    return numpy.moveaxis(numpy.array(arrays), 0, axis)


def pad(x, widths, mode="constant", value=0.0):
    y = numpy.empty([b + n + a for n, (b, a) in zip(x.shape, widths, strict=True)])
    for place in numpy.ndindex(y.shape):
        shifted = [p - before for p, (before, _) in zip(place, widths, strict=True)]
        if mode == "constant":
            inside = all(0 <= p < n for p, n in zip(shifted, x.shape, strict=True))
            y[place] = x[tuple(shifted)] if inside else value
        else:
            y[place] = x[tuple(_source(p, n, mode) for p, n in zip(shifted, x.shape, strict=True))]
    return y


def _source(p, n, mode):
    """Which of n elements stands at place p, where p may be outside."""
    if mode == "edge" or n == 1:
        return min(max(p, 0), n - 1)
    while not 0 <= p < n:  # bounce off the ends
        if mode == "symmetric":  # ... b a | a b c | c b ...
            p = -1 - p if p < 0 else 2 * n - 1 - p
        else:  # reflect: ... c b | a b c | b a ...
            p = -p if p < 0 else 2 * (n - 1) - p
    return p


# -- windows over pictures (N, H, W, C) --------------------------------------------------------


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def borders(n, k, s, padding):
    """(before, after) along one axis, where padding is "valid", "same" or that pair."""
    if padding == "valid":
        return 0, 0
    if padding == "same":  # Keras: as many windows as ceil(n / s), the odd pixel at the end
        total = max((math.ceil(n / s) - 1) * s + k - n, 0)
        return math.floor(total / 2), math.ceil(total / 2)
    return padding


def starts(n, k, s, padding, ceil_mode=False):
    """Where the windows along one axis begin; in the border before the picture it is negative."""
    before, after = borders(n, k, s, padding)
    places = [-before]
    while True:
        fits = places[-1] + s + k <= n + after
        left_over = places[-1] + k < n + after
        if not (fits or (ceil_mode and left_over and places[-1] + s < n)):
            return places
        places.append(places[-1] + s)


def window_starts(x, size, stride, padding, ceil_mode=False):
    """The starts of the rows of windows, and of the columns."""
    (KH, KW), (SH, SW) = pair(size), pair(stride)
    vertical, horizontal = (
        (padding, padding) if isinstance(padding, str) else map(pair, pair(padding))
    )
    return (
        starts(x.shape[1], KH, SH, vertical, ceil_mode),
        starts(x.shape[2], KW, SW, horizontal, ceil_mode),
    )


def linear(x, w, b=None, relu=False):
    y = matmul(x, w)
    y = y if b is None else y + b
    return numpy.where(y > 0, y, 0.0) if relu else y


def conv2d(x, w, b=None, stride=1, padding="valid", relu=False):
    KH, KW, C, O = w.shape  # noqa: E741
    N, H, W, _ = x.shape
    rows, columns = window_starts(x, (KH, KW), stride, padding)
    y = numpy.zeros((N, len(rows), len(columns), O))
    for n, i, j, o in numpy.ndindex(y.shape):
        total = 0.0 if b is None else b[o]
        for u, v, c in numpy.ndindex(KH, KW, C):
            h, k = rows[i] + u, columns[j] + v
            if 0 <= h < H and 0 <= k < W:
                total += x[n, h, k, c] * w[u, v, c, o]
        y[n, i, j, o] = max(total, 0.0) if relu else total
    return y


def conv2d_transpose(x, w, b=None, stride=1, padding="valid", relu=False):
    """A copy of the kernel for every pixel.  Of what "same" cuts off, the smaller half is in front
    (as Keras has it)."""
    (KH, KW, O, _), (SH, SW) = w.shape, pair(stride)  # noqa: E741
    fronts, sizes = [], []
    for n, k, s in zip(x.shape[1:3], (KH, KW), (SH, SW), strict=True):
        fronts.append(math.floor(max(k - s, 0) / 2) if padding == "same" else 0)
        sizes.append(n * s if padding == "same" else (n - 1) * s + max(k, s))
    y = numpy.zeros((len(x), *sizes, O))
    for n, i, j, c in numpy.ndindex(x.shape):
        for u, v, o in numpy.ndindex(KH, KW, O):
            h, k = i * SH + u - fronts[0], j * SW + v - fronts[1]
            if 0 <= h < sizes[0] and 0 <= k < sizes[1]:
                y[n, h, k, o] += x[n, i, j, c] * w[u, v, o, c]
    y = y if b is None else y + b
    return numpy.where(y > 0, y, 0.0) if relu else y


def upsample2d(x, size=2, interpolation="nearest"):
    (SH, SW), (N, H, W, C) = pair(size), x.shape
    y = numpy.empty((N, H * SH, W * SW, C))
    for n, i, j, c in numpy.ndindex(y.shape):
        if interpolation == "nearest":
            y[n, i, j, c] = x[n, i // SH, j // SW, c]
        else:
            (h, next_h, down), (k, next_k, right) = _between(i, H, SH), _between(j, W, SW)
            above = (1 - right) * x[n, h, k, c] + right * x[n, h, next_k, c]
            below = (1 - right) * x[n, next_h, k, c] + right * x[n, next_h, next_k, c]
            y[n, i, j, c] = (1 - down) * above + down * below
    return y


def _between(p, n, s):
    """Of place p after n pixels grew s times: the pixels before and after, and how far between."""
    position = min(max((p + 0.5) / s - 0.5, 0), n - 1)  # centres are at 0.5, 1.5, ...
    before = math.floor(position)
    return before, min(before + 1, n - 1), position - before


def im2col(x, size, stride=1, padding="valid"):
    (KH, KW), (N, H, W, C) = pair(size), x.shape
    rows, columns = window_starts(x, size, stride, padding)
    y = numpy.empty((N, len(rows), len(columns), KH * KW * C))
    for n, i, j in numpy.ndindex(y.shape[:3]):
        window = []
        for u, v, c in numpy.ndindex(KH, KW, C):
            h, k = rows[i] + u, columns[j] + v
            window.append(x[n, h, k, c] if 0 <= h < H and 0 <= k < W else 0.0)
        y[n, i, j] = window
    return y


def pooling_windows(x, size=2, stride=None, padding="valid", ceil_mode=False):
    """OH x OW lists: the pixels (h, w) of each window that are inside the picture."""
    (KH, KW), (_, H, W, _) = pair(size), x.shape
    rows, columns = window_starts(x, size, size if stride is None else stride, padding, ceil_mode)
    return [
        [
            [
                (h, w)
                for h in range(top, top + KH)
                for w in range(left, left + KW)
                if 0 <= h < H and 0 <= w < W
            ]
            for left in columns
        ]
        for top in rows
    ]


def pooled(f):
    """f of the list of numbers that a window holds, for each window of each channel."""

    def oracle(x, **settings):
        windows = pooling_windows(x, **settings)
        y = numpy.empty((len(x), len(windows), len(windows[0]), x.shape[3]))
        for n, i, j, c in numpy.ndindex(y.shape):
            y[n, i, j, c] = f([x[n, h, w, c] for h, w in windows[i][j]])
        return y

    return oracle


def length(numbers):
    return math.sqrt(sum(x * x for x in numbers))


# -- noise: Philox 4x64 with 10 rounds, in Python's whole numbers ------------------------------
# Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011.

MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
WEYL = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
LOW = 2**64 - 1  # the lower word of a product


def philox(counter, key):
    """Four words of 64 bits, of a counter of four words and a key of two."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        a, b = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (b >> 64) ^ c1 ^ k0, b & LOW, (a >> 64) ^ c3 ^ k1, a & LOW
        k0, k1 = (k0 + WEYL[0]) & LOW, (k1 + WEYL[1]) & LOW
    return c0, c1, c2, c3


def random_words(key, count, start=0):
    """Words start to start + count.  NumPy increments the counter before each block of four."""
    return [philox((i // 4 + 1, 0, 0, 0), key)[i % 4] for i in range(start, start + count)]


def drawn_key(seed):
    return tuple(numpy.random.default_rng(seed).integers(0, 2**64, 2, numpy.uint64).tolist())


def normal_numbers(words):
    """Box and Muller: of each word, two numbers from N(0, 1)."""
    found = []
    for word in words:
        u, v = (float(numpy.float32(half)) / 2**32 for half in (word % 2**32, word >> 32))
        radius, angle = math.sqrt(-2 * math.log(u + 2.0**-33)), 2 * math.pi * v
        found += [radius * math.cos(angle), radius * math.sin(angle)]
    return found


def noise(shape, seed):
    size = math.prod(shape)
    words = random_words(drawn_key(seed), math.ceil(size / 2))
    return numpy.array(normal_numbers(words)[:size]).reshape(shape)


# -- networks ----------------------------------------------------------------------------------


def dropout(x, rate, seed, mask_shape=None):
    """16 bits for each element of the mask: a number below rate * 2^16 drops it."""
    shape = x.shape if mask_shape is None else mask_shape
    size = math.prod(shape)
    words = random_words(drawn_key(seed), math.ceil(size / 4))
    quarters = [word >> 16 * i & 0xFFFF for word in words for i in range(4)]
    drawn = numpy.array(quarters[:size]).reshape(shape)
    return each(lambda x, u: 0.0 if u < rate * 2**16 else x / (1 - rate))(x, drawn)


def gaussian_noise(x, std, seed):
    return each(lambda x, z: x + std * z)(x, noise(x.shape, seed))


def sample_gaussian(mean, log_var, seed):
    return each(lambda m, v, z: m + math.sqrt(math.exp(v)) * z)(
        mean, log_var, noise(mean.shape, seed)
    )


def batch_norm(x, gamma, beta, moving_mean=None, moving_variance=None, epsilon=0.001, leak=1):
    """With the moving statistics where they are given, otherwise with those of x."""
    y = numpy.empty(x.shape)
    for c in range(x.shape[-1]):
        numbers = x[..., c].ravel().tolist()
        m = mean(numbers) if moving_mean is None else moving_mean[c]
        v = mean([(a - m) ** 2 for a in numbers]) if moving_mean is None else moving_variance[c]
        for place in numpy.ndindex(x.shape[:-1]):
            z = gamma[c] * (x[(*place, c)] - m) / math.sqrt(v + epsilon) + beta[c]
            y[(*place, c)] = z if z > 0 else leak * z
    return y


def layer_norm(x, gamma, beta, epsilon=0.001):
    y = numpy.empty(x.shape)
    for place in numpy.ndindex(x.shape[:-1]):
        numbers = x[place].tolist()
        m = mean(numbers)
        v = mean([(a - m) ** 2 for a in numbers])
        y[place] = [
            g * (a - m) / math.sqrt(v + epsilon) + b
            for a, g, b in zip(numbers, gamma, beta, strict=True)
        ]
    return y


def group_norm(x, gamma, beta, groups, epsilon=0.001):
    """Each example and group is a batch of one channel for batch_norm."""
    y = numpy.empty(x.shape)
    size = x.shape[-1] // groups
    for n in range(len(x)):
        for g in range(groups):
            part = (n, ..., slice(g * size, (g + 1) * size))
            one, ones, zeros = x[part].reshape(-1, 1), numpy.ones(1), numpy.zeros(1)
            y[part] = batch_norm(one, ones, zeros, epsilon=epsilon).reshape(x[part].shape)
    return gamma * y + beta


def reducible(f):
    """f of a prediction and a target, two numbers; reduced over all elements."""

    def oracle(prediction, target, reduction="mean"):
        return _reduce(each(f)(prediction, target), reduction)

    return oracle


@reducible
def mse(prediction, target):
    return (prediction - target) ** 2


@reducible
def mae(prediction, target):
    return abs(prediction - target)


@reducible
def bce(p, target):
    return -target * math.log(p) - (1 - target) * math.log(1 - p)


@reducible
def bce_with_logits(z, target):
    p = sigmoid(z)
    return -target * math.log(p) - (1 - target) * math.log(1 - p)


def cross_entropy(logits, labels, reduction="mean"):
    y = numpy.empty(logits.shape[:-1])
    for place in numpy.ndindex(y.shape):
        p = softmax(logits[place].tolist())
        if labels.shape == logits.shape:
            y[place] = -sum(t * math.log(q) for t, q in zip(labels[place], p, strict=True))
        else:
            y[place] = -math.log(p[labels[place]])
    return _reduce(y, reduction)


def masked_cross_entropy(logits, labels, mask, reduction="mean"):
    y = numpy.zeros(mask.shape)
    y[mask] = cross_entropy(logits[mask], labels[mask], "none")
    return y if reduction == "none" else _reduce(y[mask], reduction)


def ctc_loss(logits, labels, logit_lengths=None, label_lengths=None, reduction="mean", blank=0):
    """All K^T paths of each example, one by one."""
    losses = []
    for n in range(len(logits)):
        T = logits.shape[1] if logit_lengths is None else logit_lengths[n]
        label = labels[n] if label_lengths is None else labels[n][: label_lengths[n]]
        losses.append(-math.log(sum(paths(logits[n][:T], blank)[tuple(label)].values())))
    return _reduce(numpy.array(losses), reduction)


def paths(logits, blank=0):
    """For each label the paths that read so, and their probabilities: label -> path -> p."""
    p = [softmax(step) for step in logits.tolist()]
    found = {}
    for path in itertools.product(range(len(p[0])), repeat=len(p)):
        label = tuple(k for k, _ in itertools.groupby(path) if k != blank)
        found.setdefault(label, {})[path] = math.prod(p[t][k] for t, k in enumerate(path))
    return found


def _reduce(losses, reduction):
    numbers = losses.ravel().tolist()
    return {"none": losses, "sum": numpy.array(sum(numbers)), "mean": numpy.array(mean(numbers))}[
        reduction
    ]


# -- one number for each example ---------------------------------------------------------------


def by_example(f):
    """f of the numbers of one element, summed for each example, then reduced over the examples."""

    def oracle(*arrays, reduction="mean"):
        numbers = each(f)(*arrays)
        sums = numpy.array([sum(example.ravel().tolist()) for example in numbers])
        if reduction == "none":
            return sums
        return numpy.asarray(mean(sums.tolist()) if reduction == "mean" else sum(sums.tolist()))

    return oracle


@by_example
def kl_standard_normal(mean, log_var):
    variance = math.exp(log_var)
    return -math.log(math.sqrt(variance)) + (variance + mean**2) / 2 - 1 / 2


@by_example
def bernoulli_log_likelihood(z, x):
    p = sigmoid(z)
    return x * math.log(p) + (1 - x) * math.log(1 - p)


@by_example
def gaussian_log_likelihood(mean, x, log_var=0.0):
    std = math.sqrt(math.exp(log_var))
    return math.log(math.exp(-(((x - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi)))


# -- recurrent cells: one example, one step, one unit at a time ------------------------------------


def _step_by_step(cell):
    """cell(sums, h, c) -> h, c of one unit, for every unit, step and example.

    sums(gate, side): of one unit, the sum over x (side 0) or over h (side 1) with its bias.
    """

    def oracle(x, *others, mask=None, cells=1, sides=1):
        *start, kernel, recurrent, bias = others
        (N, T, _), U = x.shape, len(recurrent)
        bias = bias.reshape(sides, -1)
        y = numpy.empty((N, T, cells * U))
        for n in range(N):
            states = [state[n] for state in start]
            for t in range(T):
                new = [state.copy() for state in states]
                for u in range(U) if mask is None or mask[n][t] else ():

                    def sums(gate, side, n=n, t=t, u=u, h=states[0]):
                        values, w = (x[n, t], kernel) if side == 0 else (h, recurrent)
                        k = gate * U + u
                        total = sum(
                            float(a) * float(b) for a, b in zip(values, w[:, k], strict=True)
                        )
                        return total + (float(bias[side, k]) if side < sides else 0)

                    for state, value in zip(new, cell(sums, *(s[u] for s in states)), strict=True):
                        state[u] = value
                states = new
                y[n, t] = numpy.concatenate(states[:cells])
        return y

    return oracle


def _simple_rnn(sums, h, squash=math.tanh):
    return (squash(sums(0, 0) + sums(0, 1)),)


def _gru(sums, h):
    update, reset = (sigmoid(sums(gate, 0) + sums(gate, 1)) for gate in (0, 1))
    return (update * h + (1 - update) * math.tanh(sums(2, 0) + reset * sums(2, 1)),)


def _lstm(sums, h, c):
    i, f, o = (sigmoid(sums(gate, 0) + sums(gate, 1)) for gate in (0, 1, 3))
    c = f * c + i * math.tanh(sums(2, 0) + sums(2, 1))
    return o * math.tanh(c), c


def simple_rnn(x, h, kernel, recurrent, bias, mask=None, relu=False):
    cell = (lambda sums, h: _simple_rnn(sums, h, lambda z: max(z, 0.0))) if relu else _simple_rnn
    return _step_by_step(cell)(x, h, kernel, recurrent, bias, mask=mask)


def gru(x, h, kernel, recurrent, bias, mask=None):
    return _step_by_step(_gru)(x, h, kernel, recurrent, bias, mask=mask, sides=2)


def lstm(x, h, c, kernel, recurrent, bias, mask=None, cell=False):
    return _step_by_step(_lstm)(x, h, c, kernel, recurrent, bias, mask=mask, cells=1 + cell)
