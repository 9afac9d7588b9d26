# %% [markdown]
# # Autograd: how a program finds the gradients
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Computing Gradients:
# Backpropagation", where it says "Repeat this for every weight in the network using gradients
# from later layers"
#
# **Question.** The lesson `backprop` multiplied the factors of one network by hand. How does a
# program do that for any formula?
#
# **You will see.** A program of about thirty lines that finds the gradients of any formula. What
# it must remember, in which order it must walk back, and the number that a wrong order gives.
#
# **Try.** `python -m lessons autograd --set "ROUTES=[1, 1]"`: the two routes from b to e get
# other factors. What should the gradient of a be? And what do the wrong orders say?

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, size, table
from lessons.shared.draw import autograd as draw

NETWORK = [1.5, 1.0, 0.8, -0.5]  # x, y, w1 and w2 of the lesson backprop
ROUTES = [2.0, 5.0]  # two ways on from b: c = 2 b and d = 5 b
FORMULAS = size(50, 300)  # how many random formulas are tried
STEPS = 12  # of each formula

# %% [markdown]
# ## A number that remembers where it comes from
#
# Reminder: the **gradient** of a value says by how much the final result changes, per change of
# this value. The chain rule finds it. One begins at the result and walks back, step by step,
# multiplying by the derivative of each step.
#
# A program can do this if each number remembers how it was computed. The class `Value` holds a
# number, and with it:
#
# - its **parents**: the values from which it was computed,
# - a **pullback** for each parent: a function that turns the gradient of the result into the
#   gradient of this parent. It multiplies by the step's derivative.
# - its **number** in the order of creation: 1 for the first value that was made, 2 for the
#   second, and so on.
#
# Take a product, $z = x y$. Its derivative by $x$ is $y$. So the pullback for $x$ multiplies by
# $y$, and that for $y$ multiplies by $x$. The derivative of the sigmoid $g$ is $g (1 - g)$. In
# the code `dz` is the gradient of $z$, and `lambda dz: dz * y.value` is the function that returns
# `dz * y.value`.


# %%
class Value:
    """A number with a memory"""

    made = 0

    def __init__(self, value, operation="given", parents=(), pullbacks=()):
        Value.made += 1
        self.number = Value.made
        self.value, self.operation = value, operation
        self.parents, self.pullbacks = parents, pullbacks

    def __add__(x, y):
        return Value(x.value + y.value, "+", (x, y), (lambda dz: dz, lambda dz: dz))

    def __sub__(x, y):
        return Value(x.value - y.value, "-", (x, y), (lambda dz: dz, lambda dz: -dz))

    def __mul__(x, y):
        pullbacks = (lambda dz: dz * y.value, lambda dz: dz * x.value)
        return Value(x.value * y.value, "*", (x, y), pullbacks)

    def __rmul__(x, factor):  # a plain number times a Value
        return Value(factor * x.value, f"{factor:g} *", (x,), (lambda dz: dz * factor,))


def sigmoid(x):
    y = 1 / (1 + np.exp(-x.value))
    return Value(y, "sigmoid", (x,), (lambda dy: dy * y * (1 - y),))


# %% [markdown]
# Python calls `__add__` for `x + y`, `__mul__` for `x * y`, and `__rmul__` for `2 * x`. So we can
# write a formula as usual, and a record of it comes about by itself. We do so for the network of
# the lesson `backprop`:
#
# $$z_1 = w_1 x \qquad \hat{y} = w_2\, g(z_1) \qquad J = \frac{1}{2} (\hat{y} - y)^2$$


# %%
def network(x, y, w1, w2, sigmoid):
    error = w2 * sigmoid(w1 * x) - y
    return 0.5 * (error * error)


Value.made = 0  # the next value gets the number 1
x, y, w1, w2 = (Value(number) for number in NETWORK)
loss = network(x, y, w1, w2, sigmoid)
print(f"J = {loss.value:.4f}, made by '{loss.operation}' from value {loss.parents[0].number}")

# %% [markdown]
# ## The walk back
#
# The walk begins at the result, whose own gradient is 1: a change of the result changes the
# result by just as much. It keeps a list of values that wait for their turn. Again and again it
# takes the **newest** of them, the one with the largest number. For each parent of this value, it
# calls the pullback, and **adds** what comes out to the parent's gradient. The parent then waits
# for its turn, too.


# %%
def newest(waiting):
    return max(waiting, key=lambda value: value.number)


def walk_back(result, choose=newest):
    """-> each value's gradient, and the steps: (the value whose turn it is, its gradient then)"""
    gradient, waiting, steps = {result: 1.0}, [result], []
    while waiting:
        y = choose(waiting)
        waiting.remove(y)
        steps.append((y, gradient[y]))
        for x, pullback in zip(y.parents, y.pullbacks, strict=True):
            if x not in gradient:
                gradient[x] = 0.0
                waiting.append(x)
            gradient[x] += pullback(gradient[y])
    return gradient, steps


network_gradient, steps = walk_back(loss)
names = {x: "x", y: "y", w1: "w1", w2: "w2", loss: "J"}
table(
    ["number", "name", "made by", "from", "value", "gradient"],
    [
        [v.number, names.get(v, ""), v.operation, " and ".join(str(p.number) for p in v.parents),
         f"{v.value:.4f}", f"{network_gradient[v]:.4f}"]
        for v, _ in steps
    ],
)  # fmt: skip
pullbacks = sum(len(v.parents) for v, _ in steps)
print(f"The walk took {len(steps)} values and called {pullbacks} pullbacks.")
draw.record(steps, network_gradient, names)

# %% [markdown]
# Read the table from top to bottom: that is the walk. The gradients of $w_1$ and $w_2$ are those
# that the lesson `backprop` found by hand. The program knows nothing about this network. It knows
# the pullbacks of five operations.
#
# A walk back costs little. Every value has its turn once, and every pullback is called once. A
# value has at most two pullbacks here. So the walk calls at most two pullbacks for each step of
# the forward pass, and finds the gradients of all values.
#
# ## A value that is used twice
#
# In the record above, `error * error` uses value 8 twice. Value 9 has it as a parent two times,
# and adds to its gradient two times. More often a value is used by two different steps, as $b$
# here:
#
# $$b = 3a \qquad c = 2b \qquad d = 5b \qquad e = c + d$$
#
# A change of $b$ reaches $e$ on two routes, over $c$ and over $d$. On one route it is multiplied
# by 2, on the other by 5. In $e$ both changes are added. So the gradient of $b$ is the **sum** of
# what the two routes contribute, $2 + 5 = 7$. The gradient of $a$ is three times as much, 21. To
# check this, we make $a$ larger by 0.01.


# %%
def two_routes(a):
    b = 3 * a
    c = ROUTES[0] * b
    d = ROUTES[1] * b
    e = c + d
    return a, b, c, d, e


before, after = two_routes(Value(2.0))[-1], two_routes(Value(2.01))[-1]
tried_out = (after.value - before.value) / 0.01
print(f"e changes from {before.value:g} to {after.value:g}: {tried_out:g} times the change of a")

# %% [markdown]
# ## The order of the walk
#
# When is it the turn of $b$? It hands a gradient on to $a$, and that must be the full sum. So $b$
# must wait until both $c$ and $d$ have added their parts to it.
#
# The newest value first is an order that always works. Whatever uses $b$ was computed from $b$,
# so it was made after $b$ and has a larger number. So it has had its turn before $b$.
#
# For comparison we walk in two wrong orders. **Oldest first** takes the smallest number of those
# that wait. **Last found first** goes on at once with the value that came last onto the list. The
# rest of the program stays the same.


# %%
ORDERS = {
    "newest first": newest,
    "oldest first": lambda waiting: min(waiting, key=lambda value: value.number),
    "last found first": lambda waiting: waiting[-1],
}
walks, found = {}, {}
for order, choose in ORDERS.items():
    names = dict(zip(two_routes(Value(2.0)), "abcde", strict=True))
    a, *_, e = names
    gradient, steps = walk_back(e, choose)
    rows = []
    for v, then in steps:
        parts = zip(v.parents, v.pullbacks, strict=True)
        adds = [f"{pullback(then):g} to {names[parent]}" for parent, pullback in parts]
        rows.append([names[v], f"{then:g}", ", ".join(adds) or "nothing"])
    walks[order] = names, gradient, steps
    found[order] = gradient[a]
    print(f"{order}: the gradient of a is {found[order]:g}")
    table(["turn of", "its gradient then", "it adds"], rows)
    print()
draw.walks(walks)

# %% [markdown]
# In both wrong orders $b$ has its turn too early. When it hands on to $a$, only one of its two
# parts has arrived. The other part comes later and makes the gradient of $b$ right in the end.
# But $b$ has had its turn, and $a$ never hears of the second part. Its gradient is too small.
#
# Newest first is not the only right order. $c$ and $d$ may change places. Every order is right in
# which each value has its turn after all values that were computed from it.
#
# ## Any formula
#
# Two examples prove little. So we make random formulas of twelve steps. A formula of the inputs
# $x$ and $y$ begins with $x y$. Each step takes the newest value and one of the others, and makes
# their average, their product, or the sigmoid of their sum. We compare the gradients of the two
# inputs with those of tinynet.


# %%
def random_formula(rng, steps=STEPS):
    """A list of steps: (what to do, with which of the values)"""
    return [(rng.integers(3), rng.integers(3 + i)) for i in range(steps)]


def compute(formula, x, y, sigmoid):
    """The same for Values and for tensors of tinynet"""
    values = [x, y, x * y]
    for kind, other in formula:
        u, v = values[-1], values[other]
        values.append([0.5 * (u + v), u * v, sigmoid(u + v)][kind])
    return values[-1]


def try_formulas(count, seed=0):
    """-> for each order, how far its gradients are from tinynet's: one error for each formula"""
    rng = np.random.default_rng(seed)
    errors = {order: np.zeros(count) for order in ORDERS}
    for i in range(count):
        formula, inputs = random_formula(rng), rng.uniform(-1, 1, 2)
        tensors = [tn.Tensor(np.array(number), requires_grad=True) for number in inputs]
        compute(formula, *tensors, tn.sigmoid).backward()
        true = np.array([tensor.grad for tensor in tensors])
        for order, choose in ORDERS.items():
            values = [Value(number) for number in inputs]
            gradient, _ = walk_back(compute(formula, *values, sigmoid), choose)
            ours = np.array([gradient[value] for value in values])
            errors[order][i] = abs(ours - true).max() / abs(true).max()
    return errors


errors = try_formulas(FORMULAS)
right = {order: (values < 1e-9).mean() for order, values in errors.items()}
table(
    ["order of the walk", "formulas with tinynet's gradients", "typical error"],
    [[order, f"{right[order]:.0%}", f"{np.median(errors[order]):.1g}"] for order in ORDERS],
)

# %% [markdown]
# The typical error is relative: 0.5 means that the gradient is wrong by half of its size. (It is
# the median over all formulas.) Newest first agrees with tinynet up to rounding.
#
# The wrong orders are wrong in these formulas, because each of them uses some computed value
# twice.
#
# ## The same in tinynet
#
# tinynet works in the same way, in the folder `tinynet/engine/`:
#
# | here | in tinynet | file |
# |---|---|---|
# | `Value` | `Tensor` | `tensor.py` |
# | operation, parents, pullbacks | `Record`, with edges (parent, pullback) | `record.py` |
# | number | `_order` | `record.py` |
# | `walk_back` | `walk`, called by `backward()` | `backward.py` |
#
# It adds what a real network needs. Values are whole arrays. The newest value is found quickly
# among many (with a heap). Gradients are kept for the values that were given, the weights for
# example, and only if they were asked for. After the walk the record is thrown away, which frees
# memory.
#
# A new operation is written as above: the result, and a pullback for each parent. Here is the
# product once more, for tensors of any size.


# %%
@tn.differentiable
def product(x, y):
    return x * y, (lambda dz: dz * y, lambda dz: dz * x)


u, v = tn.Tensor(3.0, requires_grad=True), tn.Tensor(4.0, requires_grad=True)
product(u, v).backward()
print(f"In the product of 3 and 4 the gradient of 3 is {u.grad:g}, and that of 4 is {v.grad:g}.")

# %% [markdown]
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
tensors = [tn.Tensor(np.array(number), requires_grad=True) for number in NETWORK]
network(*tensors, tn.sigmoid).backward()
ours = [network_gradient[value] for value in (x, y, w1, w2)]
apart = max(abs(a - t.grad) for a, t in zip(ours, tensors, strict=True))
newest_a, oldest_a, last_a = found.values()
claim(
    "The program of this lesson finds tinynet's gradients of x, y, w1 and w2",
    apart < 1e-12,
    f"at most {apart:.0e} apart",
)
claim(
    "With two routes newest first gives a's gradient as tried out, and both wrong orders less",
    abs(newest_a - tried_out) < 1e-6 and max(oldest_a, last_a) < tried_out - 1,
    f"{newest_a:g} and {tried_out:.6g}, but {oldest_a:g} and {last_a:g}",
)
claim(
    "Newest first gives tinynet's gradients, to nine digits, in all random formulas",
    right["newest first"] == 1,
    f"{right['newest first']:.0%} of {FORMULAS}",
)
claim(
    "Each of the two wrong orders gives wrong gradients in more than half of the random formulas",
    max(right["oldest first"], right["last found first"]) < 0.5,
    f"right in {right['oldest first']:.0%} and {right['last found first']:.0%}",
)
