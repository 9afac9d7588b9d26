# %% [markdown]
# # Optimizers: what the past steps tell about the next one
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Training in Practice:
# Adaptive learning" in the summary. *AutoEncoders and Convolutional Neural Networks (CNN)*
# (TIES4911, Lecture 3, University of Jyväskylä): the programs import "RMSprop, SGD, Adam"
#
# **Question.** Gradient descent has one learning rate for all weights. Too small, and it hardly
# moves; too large, and it flies away. Can the optimizer find better steps by itself?
#
# **You will see.** Four rules in about three lines each: SGD, momentum, RMSprop and Adam. Their
# ways through a long valley and away from a saddle. How much each depends on a good learning
# rate.
#
# **Try.** `python -m lessons optimizers --quick --set ANGLE=45`: the valley runs at an angle to
# both weights. SGD and momentum do as before. RMSprop and Adam handle each weight separately,
# which helps less now: in the table of the valley, both end much further away.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, least_squares, size, table
from lessons.shared.draw import optimizers as draw
from tinynet.layers import Dense, Flatten

RATIO = 100.0  # how much more the valley is curved across than along
ANGLE = 0.0  # degrees by which the valley is turned
DIGITS = size(1000, 3000, 10000)  # pictures to learn from
EPOCHS = size(2, 3, 5)  # how often each is seen

# %% [markdown]
# ## Two rules: SGD and momentum
#
# An **optimizer** changes the weights $w$ of a network, step by step, so that the loss falls. It
# knows the **gradient** $g$: for each weight, how much the loss grows when this weight grows. The
# **learning rate** $\eta$ is a small number that makes the steps shorter or longer. The lesson
# `gradient_descent` is about the simplest rule, **SGD** (stochastic gradient descent): a step
# against the gradient.
#
# $$w \leftarrow w - \eta\,g$$
#
# **Momentum** also remembers. It keeps a velocity $v$ for each weight: 0.9 times the velocity
# before, plus the new gradient. Gradients that agree add up, and gradients that change their sign
# cancel each other. A heavy ball rolls like this.
#
# $$\begin{aligned} v &\leftarrow m\,v + g \\ w &\leftarrow w - \eta\,v \end{aligned}$$
#
# with $m = 0.9$. In the code, `memory` keeps what a rule remembers from step to step. All numbers
# in it begin at 0.


# %%
def sgd(w, g, rate, memory):
    return w - rate * g


def momentum(w, g, rate, memory, m=0.9):
    memory["v"] = m * memory["v"] + g
    return w - rate * memory["v"]


# %% [markdown]
# ## Two adaptive rules: RMSprop and Adam
#
# A network has weights with large gradients and weights with tiny ones. One learning rate cannot
# suit both. The slide names the cure, **adaptive learning**, and gives no rule. The idea: each
# weight gets a step length of its own, which comes from the gradients that this weight had so
# far.
#
# **RMSprop** keeps a running mean $s$ of the squared gradient: 0.9 of the old mean plus 0.1 of
# the new square. Its root is the usual size of the gradient. RMSprop divides the gradient by this
# size. What remains is about 1 or -1, for every weight. (The tiny $\epsilon = 10^{-7}$ prevents a
# division by 0.)
#
# $$\begin{aligned} s &\leftarrow \rho\,s + (1 - \rho)\,g^2 \\
# w &\leftarrow w - \eta \, \frac{g}{\sqrt{s + \epsilon}} \end{aligned}$$
#
# with $\rho = 0.9$ (the Greek letter rho).
#
# **Adam** does both: a running mean $v$ of the gradient, as momentum, and a running mean $s$ of
# its square, as RMSprop. Both means begin at 0, so they are too small at first: after one step
# $v$ is only 0.1 of the gradient. Adam knows by how much, and divides it away. This is the **bias
# correction**; $t$ counts the steps from 1.
#
# $$\begin{aligned} v &\leftarrow \beta_1 v + (1 - \beta_1)\,g \\
# s &\leftarrow \beta_2 s + (1 - \beta_2)\,g^2 \\
# w &\leftarrow w - \eta \, \frac{v / (1 - \beta_1^t)}{(\sqrt{s} + \epsilon) / \sqrt{1 - \beta_2^t}}
# \end{aligned}$$
#
# with $\beta_1 = 0.9$ and $\beta_2 = 0.999$ (the Greek letter beta).


# %%
def rmsprop(w, g, rate, memory, rho=0.9, epsilon=1e-7):
    memory["s"] = rho * memory["s"] + (1 - rho) * g**2
    return w - rate * g / np.sqrt(memory["s"] + epsilon)


def adam(w, g, rate, memory, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    t = memory["t"] = memory["t"] + 1
    memory["v"] = beta_1 * memory["v"] + (1 - beta_1) * g
    memory["s"] = beta_2 * memory["s"] + (1 - beta_2) * g**2
    size_of_g = (np.sqrt(memory["s"]) + epsilon) / np.sqrt(1 - beta_2**t)
    return w - rate * memory["v"] / (1 - beta_1**t) / size_of_g


rules = {"SGD": sgd, "momentum": momentum, "RMSprop": rmsprop, "Adam": adam}

# %% [markdown]
# These are the rules and default numbers of Keras, except that Keras' SGD has no momentum unless
# it is asked for. tinynet has them as `tn.optim.SGD`, `RMSprop` and `Adam`. A test of tinynet
# lets both forms take 50 steps through the valley below: they agree within $10^{-6}$.
#
# ## How long is a step?
#
# Imagine a straight slope: the gradient is always the same. We take 100 steps with a learning
# rate of 0.01, on a gentle slope ($g = 0.01$), a usual one ($g = 1$) and a steep one ($g = 100$).
# How long are the first step and the last one?


# %%
def walk(rule, landscape, start, rate, steps):
    """All weights on the way.  landscape: a function from weights to loss.  -> (steps + 1, ...)"""
    w, memory = np.array(start), {"v": 0.0, "s": 0.0, "t": 0}
    path = [w]
    for _ in range(steps):
        here = tn.Tensor(w, requires_grad=True)
        landscape(here).sum().backward()  # computes the gradient; the sum: of several walks at once
        w = rule(w, here.grad, rate, memory)
        path.append(w)
    return np.array(path)


slopes = np.array([0.01, 1.0, 100.0])
lengths = {
    name: -np.diff(walk(rule, lambda w: slopes * w, np.zeros(3), 0.01, 100), axis=0)
    for name, rule in rules.items()
}  # (100, 3): of each step on each slope
table(
    ["rule", "step", *(f"g = {g:g}" for g in slopes)],
    [
        [name, which, *(f"{length:.2g}" for length in lengths[name][i])]
        for name in rules
        for which, i in (("first", 0), ("last", -1))
    ],
)

# %% [markdown]
# The steps of SGD are as different as the gradients. Those of momentum begin like SGD's and grow
# ten times as long: with $v = m v + g$ the velocity stops growing at $v = g / (1 - m) = 10\,g$.
# The steps of RMSprop and Adam end at the learning rate, 0.01, on every slope. **For them the
# learning rate is the length of a step, whatever the size of the gradient.** Adam's first step
# has this length already. RMSprop's first steps are about three times as long, because its mean
# of squares begins at 0 and nothing corrects it.
#
# ## A long valley
#
# The next landscape has two weights. It is a long valley, a bowl that is curved 100 times more
# strongly across ($c = 100$) than along ($c = 1$):
#
# $$J(w) = \frac{1}{2}\,w_1^2 + \frac{100}{2}\,w_2^2$$
#
# SGD is in trouble here. The largest curvature limits its rate to $2 / 100 = 0.02$, and with so
# small a rate the way along the valley takes long. The lesson `gradient_descent` shows why. We
# give each rule 100 steps and five learning rates, and see how far from the lowest place it ends.
# The second rate, 0.019, is nearly the largest that SGD stands.


# %%
def valley(w, ratio=RATIO, angle=ANGLE):
    """The height of the valley.  (2, ...) -> (...)"""
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    along, across = c * w[0] + s * w[1], c * w[1] - s * w[0]
    return along**2 / 2 + ratio * across**2 / 2


rates = np.array([0.01, 0.019, 0.03, 0.1, 0.3])
c, s = np.cos(np.deg2rad(ANGLE)), np.sin(np.deg2rad(ANGLE))
start = np.outer([4 * c - s, 4 * s + c], np.ones(5))  # five walks at once, one for each rate
paths = {name: walk(rule, valley, start, rates, 100) for name, rule in rules.items()}
left = {name: np.hypot(*path[-1]) for name, path in paths.items()}  # the distance that is left
table(
    ["rule", *(f"rate {rate:g}" for rate in rates)],
    [[name, *(f"{d:.3f}" if d < 10 else "flown away" for d in left[name])] for name in rules],
)
best = {name: int(d.argmin()) for name, d in left.items()}
draw.valley(valley, paths, best, rates)

# %% [markdown]
# The start is 4.1 away from the lowest place: 4 along the valley and 1 across.
#
# - **SGD** creeps along the valley, even with the largest rate that it stands. With this rate it
#   also swings across the valley for a while.
# - **Momentum** swings across the valley for long. But the swings go to both sides and cancel in
#   its memory, and the steps along the valley add up. It arrives with the same small rates.
# - **RMSprop** and **Adam** begin with equally long steps in both directions, although the
#   gradient is 25 times as large across as along: they divide by its size. So they stand large
#   rates. Adam also has a memory like momentum. It runs past the lowest place and swings back.
# - **RMSprop does not come to rest** with a large rate. Near the lowest place its steps are still
#   about as long as the rate. A rate that becomes smaller during the training cures this.
#
# ## A saddle
#
# A **saddle** is a place where the ground is flat, but no valley: it rises in one direction and
# falls in another. Networks have many of them. Near a saddle the gradient is tiny, and so are the
# steps of SGD. Our saddle lies at $(0, 0)$, between two lowest places at $(0, 1)$ and $(0, -1)$:
#
# $$J(w) = \frac{1}{2}\,w_1^2 - \frac{1}{2}\,w_2^2 + \frac{1}{4}\,w_2^4$$
#
# All rules begin at $w_1 = 1$, on the way to the saddle, at a small distance $w_2$ from the line
# that leads straight to it, and all have the rate 0.1. We count the steps until $w_2$ is above
# 0.5.


# %%
def saddle(w):
    """The height of the ground around the saddle.  (2, ...) -> (...)"""
    return w[0] ** 2 / 2 - w[1] ** 2 / 2 + w[1] ** 4 / 4


start = np.array([[1.0, 1.0], [1e-2, 1e-6]])  # two walks at once, from two distances
leaving = {name: walk(rule, saddle, start, 0.1, 150) for name, rule in rules.items()}
waits = {name: (path[:, 1] > 0.5).argmax(axis=0) for name, path in leaving.items()}
table(
    ["rule", "steps from w2 = 0.01", "steps from w2 = 0.000001"],
    [[name, *waits[name]] for name in rules],
)
draw.saddle(saddle, leaving)

# %% [markdown]
# SGD multiplies $w_2$ by a constant factor in each step, 1.1 here. The closer it begins to the
# line, the longer it waits. Momentum waits less, but also longer and longer. The steps of RMSprop
# and Adam depend little on the size of the gradient. So they hardly wait, even from a millionth.
# (Where the gradient is far below $\epsilon$ they wait too. From $w_2 = 0$ no rule ever leaves.)
#
# ## Which learning rate for the digits?
#
# Now a real network: three layers of 64 neurons and one of 10, which learns to read handwritten
# digits. We train it anew for each rule and each of eight rates. Each time it begins with the
# same weights and sees the same digits in the same order, for a few **epochs** (in one epoch it
# sees all digits once). Then it reads 1,000 other digits.
#
# A rate that is far too large can make the loss infinite. `tn.fit` then stops with an error. We
# count this as 0.1, the accuracy of guessing.
#
# How much does a rule depend on a good rate? The last column of the table says it with one
# number. Take four neighboring rates, for example from 0.001 to 0.03, a factor of 30. How much
# does the worst of the four lose against the rule's best of all? Each rule may choose the four
# that suit it best.

# %%
digits = data.mnist(DIGITS, 1000)
makers = {
    "SGD": tn.optim.SGD,
    "momentum": lambda parameters, lr: tn.optim.SGD(parameters, lr, momentum=0.9),
    "RMSprop": tn.optim.RMSprop,
    "Adam": tn.optim.Adam,
}


def read_right(name, rate):
    """The accuracy on digits that the network has not learned from."""
    layers = [Flatten(), *(Dense(64, activation="relu") for _ in range(3)), Dense(10)]
    model = tn.Sequential(layers, input_shape=(28, 28, 1), rng=np.random.default_rng(0))
    order = np.random.default_rng(1)
    batches = tn.data.batches(digits.train, digits.train_labels, size=64, rng=order)
    optimizer = makers[name](model.parameters(), lr=rate)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            fit(f"{name}, rate {rate:g}", model, batches, "cross_entropy", optimizer, EPOCHS)
    except FloatingPointError:  # the loss is infinite
        return 0.1
    return accuracy(model, digits.test, digits.test_labels)


def lost(row):
    """What the worst of four neighboring rates loses against the best, for the best four."""
    fours = [row[i : i + 4] for i in range(max(1, len(row) - 3))]
    return max(row) - max(min(four) for four in fours)


all_rates = size([0.001, 0.01, 0.1], [3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0])
right = {name: [read_right(name, rate) for rate in all_rates] for name in makers}
table(
    ["rule", *(f"{rate:g}" for rate in all_rates), "lost"],
    [[name, *(f"{share:.3f}" for share in (*row, lost(row)))] for name, row in right.items()],
)
linear = least_squares(digits.train, digits.train_labels, digits.test) == digits.test_labels
print(f"For comparison, least squares on the pixels: {linear.mean():.3f}")
draw.digits(all_rates, right)

# %% [markdown]
# Each column is a learning rate, each number the share of digits read right. We see three things.
#
# - **With its best rate, each rule is good**, and better than least squares (the best linear map
#   from pixels to labels). The rules differ in how hard it is to find this rate. RMSprop and Adam
#   are good over a wide range, and SGD over a narrow one.
# - **Keras' default rates** are 0.01 for SGD and 0.001 for RMSprop and Adam. The adaptive ones
#   suit this network at once. SGD's is too small for so short a training.
# - **Momentum is like SGD with ten times the rate**, as long as the rate is moderate. This is the
#   factor $1 / (1 - m)$ from the straight slope. At a rate of 0.1 momentum still learns, where
#   SGD with ten times the rate fails.
#
# One warning: this training is short. In a longer one, as with `--full`, the small rates of SGD
# catch up, and its range of good rates becomes wider. Adam's is still wider.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
times = lengths["momentum"][-1, 1] / lengths["SGD"][-1, 1]
firsts = lengths["Adam"][0] / 0.01  # in units of the learning rate
others = max(left[name].min() for name in ("momentum", "RMSprop", "Adam"))
longer = {name: last / first for name, (first, last) in waits.items()}
defaults = {"SGD": 0.01, "RMSprop": 0.001, "Adam": 0.001}
usual = {name: right[name][all_rates.index(rate)] for name, rate in defaults.items()}
more = size(0.25, 0.25, 0.02)  # in a long training SGD catches up
loses = {name: lost(row) for name, row in right.items()}
apart = [abs(a - b) for a, b in zip(right["momentum"][2:5], right["SGD"][4:7], strict=False)]
claim(
    "On a straight slope momentum's steps grow to 10 times those of SGD, within 1%",
    abs(times - 10) < 0.1,
    f"{times:.3f} times",
)
claim(
    "For gradients of 0.01, 1 and 100, Adam's first step is the learning rate, within 1%",
    abs(firsts - 1).max() < 0.01,
    f"{firsts.min():.4f} to {firsts.max():.4f} of it",
)
claim(
    "In the valley SGD at the best of these rates ends 10 times as far away as the others or more",
    left["SGD"].min() > 10 * others,
    f"{left['SGD'].min():.2f} and at most {others:.3f}",
)
claim(
    "10,000 times nearer to the line that leads to the saddle, SGD waits at least 2.5 times as "
    "long, Adam at most 1.5 times",
    longer["SGD"] > 2.5 and longer["Adam"] < 1.5,
    f"{longer['SGD']:.2f} and {longer['Adam']:.2f} times",
)
claim(
    f"With Keras' default rates, RMSprop and Adam are at least {more:g} more accurate than SGD",
    min(usual["RMSprop"], usual["Adam"]) > usual["SGD"] + more,
    ", ".join(f"{name} {share:.3f}" for name, share in usual.items()),
)
claim(
    "Over the best factor of 30 in the rate, RMSprop and Adam lose at most 0.12, and SGD at least "
    "three times as much as Adam",
    max(loses["RMSprop"], loses["Adam"]) < 0.12 and loses["SGD"] > 3 * loses["Adam"],
    f"{loses['RMSprop']:.3f}, {loses['Adam']:.3f} and {loses['SGD']:.3f}",
    quick=False,
)
claim(
    "Momentum at 0.003, 0.01 and 0.03 is as accurate as SGD at ten times the rate, within 0.08",
    max(apart, default=np.nan) < 0.08,
    f"at most {max(apart):.3f} apart" if apart else "",
    quick=False,
)
