# %% [markdown]
# # Gradient descent: downhill on the loss, step by step
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Loss Optimization",
# "Gradient Descent", "Stochastic Gradient Descent", "Mini-Batches while Training"
#
# **Question.** A network has weights, and a loss says how bad its answers are. How do we find
# weights with a lower loss? How long may a step be, and how many examples must we look at before
# each step?
#
# **You will see.** The loss as a landscape, and the way down. The longest step that still works,
# and what happens above it. Three ways down: all examples for each step, a single one, or a few.
#
# **Try.** `python -m lessons gradient_descent --set "SHARES=[0.05, 0.5, 1.0, 1.05]"`: a step of
# exactly the largest stable length. In the second figure the third path slides down along the
# valley, but it jumps to and fro across it forever. Its distance stays at 0.35.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, size, table
from lessons.shared.draw import gradient_descent as draw

START = [-1.0, 4.0]  # the first weights
RATE = 0.2  # the learning rate
BATCH = 16  # examples in a small batch
SHARES = [0.05, 0.5, 0.95, 1.05]  # rates to compare, as shares of the largest stable one
N = size(128, 256, 1024)  # examples
EPOCHS = size(10, 30)  # how often we look at all examples

# %% [markdown]
# ## A landscape of losses
#
# We take a very small model, so that we can draw everything: a straight line $w_0 + w_1 x$. It
# has two weights, $w_0$ and $w_1$. The examples are noisy points around the line $1 + 2 x$. The
# **loss** $J$ is the mean of the squared errors over all $n$ examples:
#
# $$J(w) = \frac{1}{n} \sum_{i=1}^{n} (w_0 + w_1 x_i - y_i)^2$$
#
# Each pair of weights is one line through the points, and has one loss. So the loss is a
# landscape over the plane of the two weights. Good weights lie in its valley. The slide writes
# the goal as "$W^* = \operatorname{argmin} J(W)$": find the place where the landscape is lowest.


# %%
def loss(w, x, y):
    """The mean squared error of the line with weights w.  (2,), (n,), (n,) -> one number"""
    return ((w[0] + w[1] * x - y) ** 2).mean()


rng = np.random.default_rng(0)
x = rng.uniform(0, 2, N)
y = 1 + 2 * x + rng.normal(0, 0.5, N)
print(f"loss of the weights ({START[0]:g}, {START[1]:g}): {loss(START, x, y):.3f}")
print(f"loss of the weights (1, 2): {loss([1, 2], x, y):.3f}")

# %% [markdown]
# ## One step downhill
#
# We stand somewhere in the landscape and see only the ground below our feet. Which way is down?
# The **gradient** $\partial J / \partial w$ has one number for each weight: how much the loss
# grows when this weight grows a little. The gradient points uphill. So we take a step in the
# opposite direction. The step is the gradient times a small number $\eta$ (eta), the **learning
# rate**:
#
# $$w \leftarrow w - \eta \frac{\partial J}{\partial w}$$
#
# Repeat this, and you have **gradient descent**, the slide's algorithm. In the code below,
# `backward()` computes the gradient; the lesson `backprop` shows how.
#
# The slide begins at random weights. We begin at $(-1, 4)$, so that all paths below have the same
# start. Our landscape is a bowl with one lowest place, and any start leads there. The landscape
# of a network has many valleys. There the start decides in which one we end.


# %%
def gradient(w, x, y):
    """The gradient of the loss.  (2,), (n,), (n,) -> (2,)"""
    w = tn.Tensor(np.array(w), requires_grad=True)
    loss(w, x, y).backward()
    return w.grad


def downhill(x, y, rate, steps, start=tuple(START)):
    """All weights on the way down.  -> (steps + 1, 2)"""
    w = np.array(start)
    path = [w]
    for _ in range(steps):
        w = w - rate * gradient(w, x, y)
        path.append(w)
    return np.array(path)


path = downhill(x, y, RATE, 100)
shown = [0, 1, 5, 20, 100]
table(
    ["step", "w0", "w1", "loss"],
    [[i, *(f"{v:.3f}" for v in path[i]), f"{loss(path[i], x, y):.4f}"] for i in shown],
)
draw.landscape(loss, x, y, path, shown)

# %% [markdown]
# The first step is long, because the ground is steep. It leads down to the floor of the valley.
# Then the steps become short, because the floor is nearly flat: the gradient is small there. The
# line fits the points better and better. The loss cannot become 0, because the points are noisy.
#
# ## How long may a step be?
#
# Cut the bowl through its lowest place, along the direction in which it is curved most or least.
# The cut is a parabola. Call the distance from the lowest place $d$. Then the loss grows by
# $c\,d^2 / 2$, and the slope is $c\,d$. The number $c$ is the **curvature**: it says how strongly
# the ground bends. One step changes the distance to
#
# $$d \leftarrow d - \eta\,c\,d = (1 - \eta c)\,d$$
#
# Each step multiplies the distance by $1 - \eta c$.
#
# - With $\eta < 1/c$ the distance shrinks, without a jump to the other side.
# - With $\eta$ between $1/c$ and $2/c$ each step lands on the other side, but closer.
# - With $\eta = 2/c$ each step lands on the other side, equally far away.
# - With $\eta > 2/c$ each step lands further away. The path **diverges**: it moves away forever.
#
# A bowl is curved differently in different directions. The direction of the largest curvature is
# the first that becomes too steep for a step. So the largest stable learning rate is 2 divided by
# the largest curvature.
#
# We measure the curvature. In a bowl the gradient changes evenly, so we ask how much it changes
# when $w_0$ or $w_1$ grows by 1. These are four numbers, the matrix of second derivatives. Its
# two eigenvalues are the smallest and the largest curvature.

# %%
at_zero = gradient([0.0, 0.0], x, y)
bends = np.stack([gradient([1.0, 0.0], x, y) - at_zero, gradient([0.0, 1.0], x, y) - at_zero])
smallest, largest = np.linalg.eigvalsh(bends)
lowest = np.linalg.solve(bends, -at_zero)  # there the gradient is 0
limit = 2 / largest
print(f"lowest place: ({lowest[0]:.3f}, {lowest[1]:.3f})")
print(f"curvatures: {smallest:.3f} and {largest:.3f}; largest stable rate: {limit:.3f}")

walks = {share: downhill(x, y, share * limit, 100) for share in SHARES}
away = {share: np.linalg.norm(walk - lowest, axis=1) for share, walk in walks.items()}
table(
    ["share of the largest stable rate", "rate", "1 - rate * largest", "distance after 100 steps"],
    [[s, f"{s * limit:.3f}", f"{1 - 2 * s:.2f}", f"{d[-1]:,.5f}"] for s, d in away.items()],
)
draw.rates(loss, x, y, walks, away, lowest)

# %% [markdown]
# The star is the lowest place $w^*$, and $|w - w^*|$ is the distance from it. A rate far below
# the limit is safe and slow. Just below the limit, the path jumps to and fro across the valley
# and still arrives. Just above the limit it diverges. At first it even comes closer, because the
# distance along the valley shrinks. But each jump across the valley goes $|1 - 2 \cdot 1.05| =
# 1.1$ times as far as the one before.
#
# The direction along the valley is the other side of this. There the curvature is small, and each
# step shortens the distance only a little. The steep direction limits the rate, and the flat
# direction then takes the time. The lesson `optimizers` shows four rules that make this better,
# among them momentum and Adam.
#
# ## A single example, or a few
#
# The gradient is a mean over all examples. With a million examples a single step is expensive:
# "Can be very computationally intensive to compute!", says the slide. So it picks one example $i$
# at random and uses the gradient $\partial J_i / \partial w$ of this example's loss alone. This
# is **stochastic gradient descent** (SGD). (The slide computes $\partial J_i / \partial w$ in its
# step 4, but prints $\partial J / \partial w$ in step 5. The index is lost there: $\partial J_i /
# \partial w$ is meant.)
#
# Between the two is a **mini-batch** of $B$ examples, whose gradient is the mean of theirs:
#
# $$\frac{\partial J}{\partial w} \approx \frac{1}{B} \sum_{k=1}^{B}
# \frac{\partial J_k}{\partial w}$$
#
# How far is the gradient of a batch from the gradient of all examples? We draw many batches at
# random, always at the first weights, and measure. The **noise** is the root of the mean squared
# distance. A mean of $B$ independent numbers varies $\sqrt{B}$ times less than one of them. So we
# expect that the noise falls as $1 / \sqrt{B}$. For large batches it falls even faster, because
# no batch holds an example twice: a batch of all examples has no noise left.


# %%
def batch_gradients(x, y, batch, count, rng, w=tuple(START)):
    """The gradients of many random batches, all at the same weights.  -> (count, 2)"""
    drawn = [rng.permutation(len(x))[:batch] for _ in range(count)]
    return np.array([gradient(w, x[chosen], y[chosen]) for chosen in drawn])


COUNT = size(200, 500)  # batches of each size
of_all = gradient(START, x, y)
found = {B: batch_gradients(x, y, B, COUNT, np.random.default_rng(1)) for B in (1, 4, 16, 64)}
noise = {B: np.sqrt(((g - of_all) ** 2).sum(axis=1).mean()) for B, g in found.items()}
table(
    ["B", "noise", "noise of one / root of B"],
    [[B, f"{noise[B]:.2f}", f"{noise[1] / np.sqrt(B):.2f}"] for B in noise],
)
draw.noise(found, of_all, noise)

# %% [markdown]
# ## Three ways down
#
# Now we go down with all examples for each step, with batches of 16, and with single examples.
# Each way looks at all examples equally often. One look at all of them is called an **epoch**. In
# each epoch we shuffle the examples, and then take them in this order, $B$ at a time. The
# comments are the steps of the slide.
#
# The table shows three distances from the lowest place: after two epochs, the mean over the
# second half of the steps, and the furthest in another run with a bold rate, 0.9 of the largest
# stable one.


# %%
def descend(x, y, rate, batch, epochs, rng, start=tuple(START)):
    """All weights on the way down, with a batch of examples for each step."""
    w = np.array(start)  # 1. first weights
    path = [w]
    for _ in range(epochs):  # 2. loop
        order = rng.permutation(len(x))
        for first in range(0, len(x), batch):
            chosen = order[first : first + batch]  # 3. pick B examples
            change = gradient(w, x[chosen], y[chosen])  # 4. their gradient
            w = w - rate * change  # 5. update the weights
            path.append(w)
    return np.array(path)  # 6. return them


ways, apart, thrown = {}, {}, {}
for B in (N, BATCH, 1):
    ways[B] = descend(x, y, RATE, B, EPOCHS, np.random.default_rng(2))
    apart[B] = np.linalg.norm(ways[B] - lowest, axis=1)
    bold = descend(x, y, 0.9 * limit, B, EPOCHS, np.random.default_rng(2))
    thrown[B] = np.linalg.norm(bold - lowest, axis=1).max()

around = {B: d[len(d) // 2 :].mean() for B, d in apart.items()}
after_two = {B: apart[B][2 * N // B] for B in ways}
rows = [
    [B, f"{len(ways[B]) - 1:,}", f"{after_two[B]:.2f}", f"{around[B]:.3f}", f"{thrown[B]:,.1f}"]
    for B in ways
]
table(["B", "steps", "distance: 2 epochs", "mean, second half", "furthest, bold rate"], rows)
draw.three_ways(loss, x, y, ways, apart, lowest)

# %% [markdown]
# The slide says three things of mini-batches, and we can see each of them.
#
# - **"More accurate estimation of gradient".** The noise falls with $B$, as measured above.
# - **"Smoother convergence".** The path of single examples never comes to rest. Near the lowest
#   place the gradient of all is almost 0, but the gradient of one example is not. So the weights
#   keep jumping. With batches of 16 they jump much less.
# - **"Allows for larger learning rates".** With the bold rate, single examples throw the weights
#   far away, because some examples have a much larger curvature than the mean of all. With
#   batches of 16 the weights never get further away than they were at the start.
#
# And why not take all examples? After two epochs that way has made two steps, and is still far
# away. With batches of 16 the weights are already much closer, after the same number of examples.
#
# The slide adds that the examples of a batch can be computed in parallel. A step with 16 of them
# is one call on arrays of 16. The lesson `batch_size` trains a network with batches of many
# sizes.
#
# The noise has one more effect: with a constant rate, small batches never arrive exactly. A
# learning rate that becomes smaller during the training cures this.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
_, _, below, above = SHARES
factor = away[above][-1] / away[above][-2]  # of the last step
claim(
    f"At {below:g} of the largest stable rate, 100 steps leave a distance below 0.001",
    away[below][-1] < 1e-3,
    f"{away[below][-1]:.1e}",
)
claim(
    f"At {above:g} of this rate, late steps multiply the distance by what the curvature predicts",
    abs(factor - abs(1 - 2 * above)) < 1e-3,
    f"by {factor:.4f}, predicted {abs(1 - 2 * above):.4f}",
)
claim(
    "The noise of batches of 16 is between 0.2 and 0.3 of the noise of single examples",
    0.2 < noise[16] / noise[1] < 0.3,
    f"{noise[16] / noise[1]:.3f}",
)
claim(
    f"After two epochs, the weights are at most 0.6 times as far away with batches of {BATCH} "
    "as with all examples for each step",
    after_two[BATCH] < 0.6 * after_two[N],
    f"{after_two[BATCH]:.2f} and {after_two[N]:.2f}",
)
claim(
    "In the second half, the weights stay at least 3 times as far away with single examples as "
    f"with batches of {BATCH}",
    around[1] > 3 * around[BATCH],
    f"{around[1]:.3f} and {around[BATCH]:.3f}",
)
claim(
    "At 0.9 of the largest stable rate, single examples throw the weights beyond a distance of "
    f"100, batches of {BATCH} not beyond 4",
    thrown[1] > 100 and thrown[BATCH] < 4,
    f"{thrown[1]:,.0f} and {thrown[BATCH]:.1f}",
)
