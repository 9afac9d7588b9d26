# %% [markdown]
# # Perceptron: one neuron draws one line
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "The Perceptron: Forward
# Propagation", "The Perceptron: Example"
#
# **Question.** The smallest neural network has one neuron. It gets a point of the plane and
# answers with a number between 0 ("no") and 1 ("yes"). Which points can it tell apart?
#
# **You will see.** The slide's numbers, z = -6 and y = 0.002. The straight line that one neuron
# draws through the plane. What each of its three numbers does to that line.
#
# **Try.** `python -m lessons perceptron --set W0=10 --set "W=[30, -20]"`: the neuron's three
# numbers, ten times as large. The line stays where it is. The strip of answers between 0.1 and
# 0.9 becomes ten times narrower.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, table
from lessons.shared.draw import perceptron as draw

W0 = 1.0  # the bias
W = [3.0, -2.0]  # a weight for each input
X = [-1.0, 2.0]  # the slide's point

# %% [markdown]
# ## A weighted sum
#
# A **neuron** is a small formula with numbers that can be chosen. Its **inputs** are here the two
# coordinates $x_1$ and $x_2$ of a point. The neuron multiplies each input by a **weight** ($w_1$,
# $w_2$) and adds the products. Then it adds one more number, the **bias** $w_0$:
#
# $$z = w_0 + w_1 x_1 + w_2 x_2$$
#
# The slide calls such a neuron a **perceptron**. Computing its answer from its inputs is called
# **forward propagation**. The slide's perceptron has $w_0 = 1$, $w_1 = 3$ and $w_2 = -2$, and its
# point is $x = (-1, 2)$.


# %%
def weighted_sum(x, w0=W0, w=tuple(W)):
    """A table of points, one in each row (N, 2), -> their sums (N,)"""
    return w0 + x @ tn.Tensor(w)


points = tn.Tensor([X])  # a table with one row
z = weighted_sum(points).item()
print(f"z = {W0:g} + {W[0]:g} * ({X[0]:g}) + ({W[1]:g}) * {X[1]:g} = {z:g}")

# %% [markdown]
# ## From any number to a number between 0 and 1
#
# The sum can be any number. An answer between 0 and 1 is easier to read. So the sum goes through
# a function that maps every number to one between 0 and 1, the **sigmoid** $g$ ($e$ is 2.718...):
#
# $$y = g(z) = \frac{1}{1 + e^{-z}}$$
#
# A large positive sum gives nearly 1: "yes". A large negative sum gives nearly 0: "no". A sum of
# 0 gives exactly 1/2: neither. A larger sum always gives a larger answer. A function that is
# applied to a neuron's sum, as $g$ here, is called its **activation function**.


# %%
def perceptron(x, w0=W0, w=tuple(W)):
    """(N, 2) -> answers (N,), each between 0 and 1"""
    return tn.sigmoid(weighted_sum(x, w0, w))


y = perceptron(points).item()
print(f"y = g({z:g}) = {y:.4g}, rounded {y:.3f}")

# %% [markdown]
# ## The line between yes and no
#
# Where is the answer exactly 1/2? Where the sum is 0:
#
# $$w_0 + w_1 x_1 + w_2 x_2 = 0$$
#
# For the slide's weights this is $1 + 3 x_1 - 2 x_2 = 0$. It is the equation of a straight line.
# On one side of it every sum is positive and every answer is above 1/2. On the other side every
# sum is negative and every answer is below 1/2. So one neuron divides the plane by **one straight
# line**. It cannot draw a curve, a corner or a circle.
#
# To see it, we ask the neuron about many points: a grid from -4 to 4 in steps of 1/16.

# %%
side = np.linspace(-4, 4, 129, dtype=np.float32)
grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)  # (16641, 2)
sums = weighted_sum(tn.Tensor(grid)).numpy()
answers = perceptron(tn.Tensor(grid)).numpy()

print(f"Of {len(grid):,} points, {(sums > 0).sum():,} have a positive sum,")
print(f"{(sums < 0).sum():,} a negative one, and {(sums == 0).sum()} lie exactly on the line.")
draw.plane(grid, sums, answers, X, W)

# %% [markdown]
# ## Which way leads to yes?
#
# In which direction must a point move so that its sum grows fastest? We try it: from the slide's
# point we take a step of length 1 in each of 360 directions, one for each degree.
#
# The best step is the one in the direction of the arrow $(w_1, w_2)$. This arrow stands at a
# right angle to the line and points to the side of "yes". A step of length 1 in its direction
# raises the sum by the arrow's length:
#
# $$|w| = \sqrt{w_1^2 + w_2^2}$$
#
# The point's sum is -6. To reach the line it must become 0. Each step of length 1 adds $|w|$. So
# the distance from the point to the line is $6 / |w|$.

# %%
angles = np.deg2rad(np.arange(360))
steps = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)  # (360, 2)
rises = weighted_sum(tn.Tensor(np.float32(X) + steps)).numpy() - z
best = int(rises.argmax())  # degrees, counted from the direction of x1

length = np.hypot(*W)
arrow = np.array(W) / length  # of length 1
arrow_angle = np.rad2deg(np.arctan2(*arrow[::-1])) % 360
distance = -z / length
table(
    ["direction of the step", "angle to the x1 axis", "raises the sum by"],
    [
        ["the best of 360", f"{best - 360 * (best > 180)} degrees", f"{rises[best]:.3f}"],
        [
            "the arrow (w1, w2)",
            f"{arrow_angle - 360 * (arrow_angle > 180):.1f} degrees",
            f"{length:.3f}",
        ],
    ],
)
print(f"distance to the line: {abs(z):g} / {length:.3f} = {abs(distance):.3f}")

# %% [markdown]
# ## Over the line
#
# Now we walk from the slide's point straight over the line, as far beyond it as we started before
# it. The sum grows evenly on this walk, from -6 over 0 to 6. The answer does not grow evenly. Far
# from the line it hardly changes. Near the line it changes most.

# %%
way = np.linspace(0, 2 * distance, 101)  # how far we have walked
places = (np.array(X) + way[:, None] * arrow).astype(np.float32)  # (101, 2)
on_the_way = perceptron(tn.Tensor(places)).numpy()

first, middle, last = on_the_way[[0, 50, 100]]
print(f"y at the start: {first:.4f}, on the line: {middle:.4f}, at the end: {last:.4f}")
draw.walk(way, weighted_sum(tn.Tensor(places)).numpy(), on_the_way, places)

# %% [markdown]
# ## What each number does
#
# We change the numbers of the slide's neuron, one after the other.
#
# - **Another bias.** The line moves and keeps its direction. With a bias of 0 it goes through the
#   point $(0, 0)$. With the same weights, a bias farther from 0 moves it farther from there.
# - **Another weight.** The line turns, because the arrow $(w_1, w_2)$ turns.
# - **All three numbers times 10.** The line stays: where the sum was 0, ten times the sum is 0 as
#   well. Everywhere else the sum is ten times as large, so the answers are closer to 0 and 1.
# - **All three numbers times -1.** The line stays. Every sum changes its sign, so yes and no
#   change places: an answer of $y$ becomes $1 - y$.
#
# The table counts the points whose answer lies between 0.1 and 0.9. They form the pale strip
# along the line in the figure.

# %%
neurons = {
    "as above": (W0, W),
    "the bias is 0": (0.0, W),
    "w1 is a third": (W0, [W[0] / 3, W[1]]),
    "all times 10": (10 * W0, [10 * W[0], 10 * W[1]]),
    "all times -1": (-W0, [-W[0], -W[1]]),
}
of_all = {name: perceptron(tn.Tensor(grid), w0, w).numpy() for name, (w0, w) in neurons.items()}
between = {name: ((y > 0.1) & (y < 0.9)).mean() for name, y in of_all.items()}
table(
    ["neuron", "w0", "w1", "w2", "points between 0.1 and 0.9"],
    [[n, f"{w0:g}", *(f"{v:g}" for v in w), f"{between[n]:.1%}"] for n, (w0, w) in neurons.items()],
)
draw.variants(grid, of_all)

# %% [markdown]
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
swapped = abs(of_all["all times -1"] - (1 - answers)).max()
claim("The slide's sum is z = -6", z == -6, f"{z:g}")
claim(
    "The slide's answer, rounded to three decimals, is y = 0.002", round(y, 3) == 0.002, f"{y:.5f}"
)
claim(
    "The best of 360 directions is at most half a degree from the arrow of the weights",
    abs(best - arrow_angle) <= 0.5,
    f"{abs(best - arrow_angle):.2f} degrees",
)
claim("At the computed distance the answer is 1/2", abs(middle - 0.5) < 1e-4, f"{middle:.5f}")
claim("As far beyond the line, the answer is 0.998", round(float(last), 3) == 0.998, f"{last:.5f}")
claim(
    "With all numbers times 10, at most a fifth as many answers lie between 0.1 and 0.9",
    between["all times 10"] < between["as above"] / 5,
    f"{between['all times 10']:.1%} and {between['as above']:.1%} of the points",
)
claim(
    "With all numbers times -1, an answer of y becomes 1 - y",
    swapped < 1e-6,
    f"within {swapped:.0e}",
)

# %% [markdown]
# ## Quiz
#
# 1. What is $z$ for the point $(1, 2)$, with the slide's weights? *1 + 3 - 4 = 0.*
# 2. What is $y$ there, without a calculator? *1/2, because $z = 0$.*
# 3. Which point is on the "yes" side: $(2, 0)$ or $(0, 2)$? *$(2, 0)$: its sum is 7. The sum of
#    $(0, 2)$ is -3.*
# 4. What is the bias good for? *It moves the line. Without it the line always goes through $(0,
#    0)$.*
# 5. All weights and the bias are multiplied by 10. What happens to the line? *Nothing: where the
#    sum was 0, ten times the sum is 0 too.*
# 6. And what happens to the answers? *They come closer to 0 and 1.*
# 7. All weights and the bias change their sign. What happens? *The line stays. Yes and no change
#    places.*
# 8. In which direction does the answer rise fastest? *In the direction of the weights, here $(3,
#    -2)$.*
# 9. How far is the point $(-1, 2)$ from the line? *$6 / \sqrt{13} = 1.664$.*
# 10. Can one neuron say yes inside a circle and no outside of it? *No. It can only divide the
#     plane by one straight line.*
