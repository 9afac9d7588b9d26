# %% [markdown]
# # Activations: three functions, and why ten layers of sigmoids do not learn
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Common Activation
# Functions"; *Convolution NN* (handwritten notes, author not named): "ReLU layer", "Vanishing
# Gradient Problem"
#
# **Question.** The notes say that a network with many sigmoid layers learns slowly, and that ReLU
# avoids this. Why did such a network not learn? And what is different with ReLU?
#
# **You will see.** The three functions and their slopes. How the gradient becomes more than
# 100,000 times smaller on its way through ten sigmoid layers. Networks of ten layers in training:
# those with tanh and ReLU learn, the one with sigmoids does not.
#
# **Try.** `python -m lessons activations --set LAYERS=2`: with two layers, the network with
# sigmoids learns too. `python -m lessons activations --set GAIN=6`: ten layers again, but the
# sigmoid network starts with weights six times as large. They make up for the small slope of the
# sigmoid, and it begins to learn.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, least_squares, size, table
from lessons.shared.draw import activations as draw

LAYERS = 10
GAIN = 1.0  # the sigmoid network's random weights are multiplied by this
STEPS = size(100, 200, 1000)  # of training
DEPTHS = size([1, 3], [1, 2, 3, 5])  # networks with fewer sigmoid layers

# %% [markdown]
# ## Three functions
#
# A neuron adds up its weighted inputs to a sum $z$. Then the sum goes through an **activation
# function** $g$ (lesson `perceptron`). The slide has three of them. The **sigmoid** gives numbers
# between 0 and 1:
#
# $$g(z) = \frac{1}{1 + e^{-z}}$$
#
# The **hyperbolic tangent**, for short tanh, gives numbers between -1 and 1:
#
# $$g(z) = \frac{e^{z} - e^{-z}}{e^{z} + e^{-z}}$$
#
# The **rectified linear unit**, for short ReLU, keeps positive numbers and replaces negative ones
# by 0:
#
# $$g(z) = \max(0, z)$$


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def tanh(z):
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


def relu(z):
    return np.maximum(0, z)


functions = {"sigmoid": sigmoid, "tanh": tanh, "ReLU": relu}
places = np.array([-6.0, -2.0, 0.0, 2.0, 6.0])
rows = [[f"{z:g}", *(f"{g(z):.4f}" for g in functions.values())] for z in places]
table(["z", *functions], rows)

# %% [markdown]
# ## Their slopes
#
# For learning, the **slope** of $g$ is important: how much $g(z)$ grows when $z$ grows a little,
# divided by how much $z$ grows. Another word for it is **derivative**, and it is written $g'(z)$.
# The slide prints the three:
#
# $$\text{sigmoid: } g'(z) = g(z) \, (1 - g(z))$$
#
# $$\text{tanh: } g'(z) = 1 - g(z)^2$$
#
# $$\text{ReLU: } g'(z) = 1 \text{ if } z > 0 \text{, otherwise } 0$$
#
# The table has these slopes. Are they right? We measure: we take a very small step to both sides
# of $z$ and see how much $g$ grows. We leave out $z = 0$, where ReLU has no slope.


# %%
def measured_slope(g, z, step=1e-5):
    return (g(z + step) - g(z - step)) / (2 * step)


slopes = {
    "sigmoid": lambda z: sigmoid(z) * (1 - sigmoid(z)),
    "tanh": lambda z: 1 - tanh(z) ** 2,
    "ReLU": lambda z: np.where(z > 0, 1.0, 0.0),
}
rows = [[f"{z:g}", *(f"{slope(z):.4f}" for slope in slopes.values())] for z in places]
table(["z", *(f"slope of {name}" for name in slopes)], rows)

z = np.linspace(-6, 6, 1200)  # without 0
off = {name: abs(measured_slope(g, z) - slopes[name](z)).max() for name, g in functions.items()}
print(f"Largest difference between slide and measurement: {max(off.values()):.0e}")
draw.curves(z, functions, slopes)

# %% [markdown]
# Read the table from the middle to its ends. The sigmoid is steepest at 0, and even there its
# slope is only 1/4. Tanh has a slope of 1 there. Far from 0 both are nearly flat: their slope is
# nearly 0. This is what the notes mean by "gradient of sigmoid becomes nearly zero". ReLU has the
# slope 1 for every positive sum, however large.
#
# One place is special: ReLU at $z = 0$. To the left the slope is 0, to the right it is 1. Exactly
# at 0 there is **no** slope. The slide's "otherwise" says 0. That is a convention: one could also
# choose 1. tinynet has the same convention as the slide.

# %%
zero = tn.Tensor(0.0, requires_grad=True)
tn.relu(zero).backward()  # tinynet computes the slope (how: lesson `backprop`)
left = (relu(0.0) - relu(-1e-5)) / 1e-5
right = (relu(1e-5) - relu(0.0)) / 1e-5
print(f"ReLU at 0, from the left: {left:g}, from the right: {right:g}")
print(f"tinynet uses {float(zero.grad):g}")

# %% [markdown]
# ## ReLU on a table of numbers
#
# An activation function works on each number by itself. So a table of numbers keeps its shape.
# The notes have a **feature map** as an example. This is a table of sums which a layer has
# computed from a picture (lesson `xo`).

# %%
before = np.array([[-1, 3, 2], [1, -2, 1], [-1, 1, 3]])
after = tn.relu(tn.Tensor(before)).numpy().astype(int)
for a, b in zip(before, after, strict=True):
    print(" ".join(f"{n:2d}" for n in a), "  ->  ", *b)
draw.feature_map(before, after)

# %% [markdown]
# ## Ten layers
#
# A **layer** is a group of neurons that all get the same inputs (lesson `dense`). We build three
# networks of ten layers with 32 neurons each. In the first network all these neurons have a
# sigmoid, in the second tanh, in the third ReLU. One more neuron at the end gives the answer: the
# sigmoid of its sum is between 0 ("no") and 1 ("yes"). The weights begin as random numbers. They
# are drawn so that the sums neither grow nor shrink much from layer to layer.
#
# The task is small: 200 points of the plane in two **moons**, one for "yes" and one for "no". A
# straight line separates most of the points, but not all.


# %%
def moons(count, rng):
    """Points (count, 2) with a little noise; and a 0 or 1 for the moon of each, (count, 1)"""
    which = np.arange(count) % 2
    angle = rng.uniform(0, np.pi, count)
    upper = np.array([np.cos(angle), np.sin(angle)]) - [[0.5], [0.25]]
    points = 2 * np.where(which, upper, -upper) + rng.normal(0, 0.2, (2, count))
    return np.float32(points.T), np.float32(which)[:, None]


def network(name, layers=LAYERS, seed=0):
    """Layers of 32 neurons with one activation function, and a last neuron without."""
    start = "he_normal" if name == "ReLU" else "glorot_normal"  # see the text below
    hidden = [tn.layers.Dense(32, name.lower(), kernel_initializer=start) for _ in range(layers)]
    rng = np.random.default_rng(seed)
    model = tn.Sequential([*hidden, tn.layers.Dense(1)], input_shape=(2,), rng=rng)
    for layer in hidden:
        layer.kernel.data *= GAIN if name == "sigmoid" else 1
    return model


x, yes = moons(200, np.random.default_rng(0))
networks = {name: network(name) for name in functions}

# %% [markdown]
# (Two recipes for random weights are used, each named after its author. **Glorot** is made for
# sigmoid and tanh. **He** is made for ReLU. It draws larger weights, since ReLU replaces about
# half of the sums by 0.)
#
# ## The vanishing gradient
#
# To learn, a network must know in which direction to change each weight. The **loss** is one
# number that says how wrong the answers are (lesson `loss`). The **gradient** of a layer says for
# each of its weights how much the loss changes when this weight grows a little, divided by how
# much it grows. A weight is then changed in proportion to its gradient. A tiny gradient means a
# tiny change.
#
# A weight of the first layer acts on the loss only through all later layers. Its gradient is
# found by going back from the last layer to the first (lesson `backprop`). One step back, through
# layer $l$, is
#
# $$\frac{\partial J}{\partial h_{l-1}} = \left( \frac{\partial J}{\partial h_l} \cdot g'(z_l)
# \right) W_l^T$$
#
# Here $J$ is the loss, $h_l$ are the outputs of layer $l$, $z_l$ its sums and $W_l$ its weights
# ($W_l^T$: rows and columns change places). The factor to look at is $g'(z_l)$. **Every layer
# multiplies the gradient by the slope of its activation function.** With sigmoids this factor is
# at most 1/4. From layer 10 to layer 1 there are nine such steps. (In the table, 7.7e-06 means
# 7.7 divided by a million.)


# %%
def gradient_sizes(model, x, yes):
    """Of each hidden layer: the root of the sum of its squared gradients."""
    tn.bce_with_logits(model(tn.Tensor(x)), tn.Tensor(yes)).backward()
    return np.array([np.linalg.norm(layer.kernel.grad) for layer in model.layers[:-1]])


sizes = {name: gradient_sizes(model, x, yes) for name, model in networks.items()}
relative = {name: values / values[-1] for name, values in sizes.items()}
print("Size of each layer's gradient, divided by that of the last layer")
table(
    ["layer", *relative],
    [[i + 1, *(f"{v[i]:.2g}" for v in relative.values())] for i in range(LAYERS)],
)
print(f"{LAYERS - 1} factors of 1/4 would leave {0.25 ** (LAYERS - 1):.1e}")
draw.vanishing(relative)

# %% [markdown]
# With sigmoids the gradient becomes smaller by a factor of about 4 in each layer. Little of it
# reaches the first layer. This is the **vanishing gradient**. With tanh and ReLU all layers get
# gradients of a similar size. Most sums are close to 0, and there tanh has a slope of nearly 1.
# ReLU has a slope of 1 for about half of the sums and of 0 for the others. Its larger weights
# make up for that.
#
# ## Training: does it learn?
#
# A small gradient does not yet prove that a network cannot learn. So we train all three, in the
# same way. In each step every weight is changed a little against its gradient, so that the loss
# falls (lesson `gradient_descent`; lesson `optimizers` tells what `momentum` does).


# %%
def train(model, x, yes):
    """Changes the model's weights in STEPS steps.  Returns the loss before each step."""
    optimizer = tn.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = tn.bce_with_logits(model(tn.Tensor(x)), tn.Tensor(yes))  # of the last sums
        losses.append(loss.item())
        loss.backward()  # the gradient of every weight
        optimizer.step()  # a small step against it
    return losses


losses = {name: train(model, x, yes) for name, model in networks.items()}

# %% [markdown]
# How good is a loss? A network that answers 1/2 to every point has the loss $\log 2 = 0.693$. And
# how good is a share of right answers? We ask about 1000 new points. "Yes" for all of them is
# right for half. The best line (by least squares) needs no network.

# %%
new_x, new_yes = moons(1000, np.random.default_rng(100))
line = (least_squares(x, yes[:, 0].astype(int), new_x) == new_yes[:, 0]).mean()
right = {}
rows = [["always 1/2", "50.0%", "0.693", "0.500"], ["best line", f"{line:.1%}", "", ""]]
for name, model in networks.items():
    answers = sigmoid(tn.predict(model, new_x).astype(float))
    right[name] = ((answers > 0.5) == new_yes).mean()
    span = f"{answers.min():.3f} to {answers.max():.3f}"
    rows.append([name, f"{right[name]:.1%}", f"{losses[name][-1]:.3f}", span])
table([f"after {STEPS} steps", "right for new points", "loss", "answers"], rows)
draw.training(losses, LAYERS)

# %% [markdown]
# The networks with tanh and ReLU learn to separate the moons, better than any straight line. The
# network with sigmoids has not learned: its loss is still that of "always 1/2", and all its
# answers are close to 1/2.
#
# ## Why did it not learn?
#
# There are two reasons, and both are the small slope of the sigmoid. We look at them layer by
# layer.
#
# **The first layers hardly change.** For each layer we compare its weights after training with
# those before: the size of the change, divided by the size of the weights.
#
# **The last layers cannot tell the points apart.** On the way forward the slope works as well:
# two sums that differ a little give two outputs whose difference is at most 1/4 of that. So from
# layer to layer the outputs for different points become more alike. As a measure we take the
# standard deviation of each neuron's outputs over all points (how far they typically are from
# their mean), before training. The last layers do get a gradient. But all points look the same to
# them.


# %%
def by_layer(name, trained, x):
    """Of each layer: how much training has changed it, and the spread of its outputs before."""
    h, changes, spreads = tn.Tensor(x), [], []
    for new, old in zip(trained.layers[:-1], network(name).layers[:-1], strict=True):
        h = old(h)
        spreads.append(float(h.numpy().std(axis=0).mean()))
        before, after = old.kernel.numpy(), new.kernel.numpy()
        changes.append(np.linalg.norm(after - before) / np.linalg.norm(before))
    return changes, spreads


changes, spreads = {}, {}
for name, model in networks.items():
    changes[name], spreads[name] = by_layer(name, model, x)
shown = [*changes.values(), *spreads.values()]
table(
    ["layer", "change: sigmoid", "tanh", "ReLU", "spread: sigmoid", "tanh", "ReLU"],
    [[i + 1, *(f"{v[i]:.1g}" for v in shown)] for i in sorted({0, LAYERS // 2, LAYERS - 1})],
)
draw.reasons(changes, spreads)

# %% [markdown]
# ## Is it the sigmoid, or the depth?
#
# A student may now think that the sigmoid is a bad function. But one layer of sigmoids loses only
# one factor of 1/4. We train sigmoid networks with fewer layers, in the same way.

# %%
by_depth = {n: train(network("sigmoid", n), x, yes) for n in DEPTHS}
by_depth[LAYERS] = losses["sigmoid"]
table(
    ["sigmoid layers", f"loss after {STEPS} steps"],
    [[n, f"{by_depth[n][-1]:.3f}"] for n in by_depth],
)
draw.depths(by_depth)

# %% [markdown]
# It is both: a small slope, many times. Each more layer makes the network slower. With one
# sigmoid layer it learns quickly. With five it does not learn in this time.
#
# What helps? ReLU or tanh, as here. Larger weights at the start (see Try). And a layer that
# brings the sums back to a good size, which is the topic of lesson `batch_norm`.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
first = {name: values[0] for name, values in relative.items()}
claim(
    "The slide's three slopes are the measured ones, within a millionth",
    max(off.values()) < 1e-6,
    f"difference at most {max(off.values()):.0e}",
)
claim(
    "ReLU turns the notes' table into 0 3 2, 1 0 1, 0 1 3",
    after.tolist() == [[0, 3, 2], [1, 0, 1], [0, 1, 3]],
)
claim(
    "Ten layers of sigmoids leave under 1/1000 of the gradient, tanh and ReLU leave over 1/20",
    first["sigmoid"] < 1e-3 and min(first["tanh"], first["ReLU"]) > 0.05,
    ", ".join(f"{name} {share:.2g}" for name, share in first.items()),
)
claim(
    "The loss of the ten sigmoid layers stays within 0.01 of that of always answering 1/2",
    abs(losses["sigmoid"][-1] - np.log(2)) < 0.01,
    f"{losses['sigmoid'][-1]:.3f} against {np.log(2):.3f}",
)
claim(
    "Ten layers with tanh and with ReLU are right for 4 of 100 points more than the best line",
    min(right["tanh"], right["ReLU"]) > line + 0.04,
    f"{right['tanh']:.1%} and {right['ReLU']:.1%} against {line:.1%}",
)
claim(
    "One layer of sigmoids learns: its loss falls below 0.45",
    by_depth[1][-1] < 0.45,
    f"{by_depth[1][-1]:.3f}",
)
