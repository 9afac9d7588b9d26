# %% [markdown]
# # Backpropagation: the chain rule, one factor for each step
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Computing Gradients:
# Backpropagation"; *Convolution NN* (handwritten notes, author not named): "Training Using
# Backpropagation"
#
# **Question.** The slide asks: how does a small change in one weight affect the final loss?
#
# **You will see.** The slide's network with numbers. Its purple, red and blue bars as three
# numbers, whose product is the answer. How this answer improves the weights. Why nobody finds it
# by trying out.
#
# **Try.** `python -m lessons backprop --set W1=4`: the first weight is five times as large. One
# of the three factors becomes about 70 times smaller, and so does their product. Which one?
# `python -m lessons backprop --set X=0`: one factor becomes 0, and the first weight is never
# changed.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, table
from lessons.shared.draw import backprop as draw

X = 1.5  # the input
Y = 1.0  # the target
W1 = 0.8  # the weight before the hidden neuron
W2 = -0.5  # the weight behind it
LR = 0.5  # the learning rate
STEPS = 30

# %% [markdown]
# ## The slide's network, with numbers
#
# A **weight** is a number in a network that can be chosen. The slide's network has two of them.
# It computes its answer in steps. First it multiplies the **input** $x$ by the weight $w_1$. The
# product $z_1$ goes through a **sigmoid**, the function $g(z) = 1 / (1 + e^{-z})$, whose values
# lie between 0 and 1 (see the lesson `perceptron`). What comes out is multiplied by $w_2$. That
# is the network's answer $\hat{y}$. The wanted answer is called the **target** $y$. The **loss**
# $J$ says in one number how wrong the answer is:
#
# $$z_1 = w_1 x \qquad \hat{y} = w_2\, g(z_1) \qquad J = \frac{1}{2} (\hat{y} - y)^2$$
#
# The neuron that computes $z_1$ and $g(z_1)$ stands between input and answer. It is called a
# **hidden neuron**.
#
# We take $x = 1.5$, $y = 1$, $w_1 = 0.8$ and $w_2 = -0.5$.
#
# The slide draws the boxes $x$, $z_1$, $\hat{y}$ and $J$, and prints no formulas for them. The
# sigmoid is our choice. The loss is the one of the handwritten notes, for a single output.
# Computing all this from left to right is called the **forward pass**.


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(x, y, w1, w2):
    """-> z1, y_hat and the loss J"""
    z1 = w1 * x
    y_hat = w2 * sigmoid(z1)
    return z1, y_hat, (y_hat - y) ** 2 / 2


z1, y_hat, loss = forward(X, Y, W1, W2)
print(f"z1    = {W1:g} * {X:g} = {z1:.4g}")
print(f"y_hat = {W2:g} * g({z1:.4g}) = {W2:g} * {sigmoid(z1):.4f} = {y_hat:.4f}")
print(f"J     = ({y_hat:.4f} - {Y:g})^2 / 2 = {loss:.4f}")

# %% [markdown]
# ## Three local factors
#
# How does $J$ change when $w_1$ changes a little? The slide answers one step at a time. The
# **derivative** of a step says by how much its result changes, per change of its input. With a
# derivative of 3, a change of 0.001 at the input gives a change of about 0.003 at the result. It
# is written $\partial\,\text{result} / \partial\,\text{input}$. We call the derivative of a
# single step a **local factor**. Three steps lead from $w_1$ to $J$, so there are three local
# factors. The slide marks them with bars in three colors. Here are the bars with their formulas.
# The red bar stands for two operations, the sigmoid and the product with $w_2$, so it is a
# product itself. The sigmoid's own derivative is $g'(z) = g(z) (1 - g(z))$ (lesson
# `activations`). All other numbers are held fixed; that is what $\partial$ says.
#
# $$\frac{\partial J}{\partial \hat{y}} = \hat{y} - y \quad \text{(purple)}$$
#
# $$\frac{\partial \hat{y}}{\partial z_1} = w_2\, g(z_1)\, (1 - g(z_1)) \quad \text{(red)}$$
#
# $$\frac{\partial z_1}{\partial w_1} = x \quad \text{(blue)}$$
#
# Each local factor needs only numbers of its own step. The forward pass has computed them all.
# The blue factor is the input itself. If the input is 0, a change of $w_1$ changes nothing. The
# red factor is nearly 0 where $g(z_1)$ is nearly 0 or nearly 1: there the sigmoid hardly changes.


# %%
def local_factors(x, y, w1, w2):
    """-> the slide's purple, red and blue bar"""
    z1, y_hat, _ = forward(x, y, w1, w2)
    purple = y_hat - y
    red = w2 * sigmoid(z1) * (1 - sigmoid(z1))
    blue = x
    return purple, red, blue


purple, red, blue = local_factors(X, Y, W1, W2)
print(f"purple: dJ/dy_hat  = {y_hat:.4f} - {Y:g} = {purple:.4f}")
print(f"red:    dy_hat/dz1 = {W2:g} * {sigmoid(z1):.4f} * {1 - sigmoid(z1):.4f} = {red:.4f}")
print(f"blue:   dz1/dw1    = {X:g}")

# %% [markdown]
# ## A small change passes through the network
#
# Now we change $w_1$ by 0.001 and follow the change through all three steps. In the last column
# each change is computed from the one above it, times the local factor of the step.

# %%
small = 0.001
after = forward(X, Y, W1 + small, W2)
dz1, dy_hat, dloss = np.array(after) - forward(X, Y, W1, W2)  # the changes
table(
    ["value", "changes by", "local factor", "change above times factor"],
    [
        ["w1", f"{small:+.7f}", "", ""],
        ["z1", f"{dz1:+.7f}", f"{blue:+.4f} (blue)", f"{blue * small:+.7f}"],
        ["y_hat", f"{dy_hat:+.7f}", f"{red:+.4f} (red)", f"{red * dz1:+.7f}"],
        ["J", f"{dloss:+.7f}", f"{purple:+.4f} (purple)", f"{purple * dy_hat:+.7f}"],
    ],
)
print(f"change of J / change of w1 = {dloss / small:.4f}")
print(f"purple * red * blue        = {purple * red * blue:.4f}")

# %% [markdown]
# The last two printed numbers differ a little, because 0.001 is small, but not infinitely small.
# Each step multiplies the change by its local factor. So the factors of all steps are multiplied.
# This is the **chain rule**:
#
# $$\frac{\partial J}{\partial w_1} = \frac{\partial J}{\partial \hat{y}} \cdot
# \frac{\partial \hat{y}}{\partial z_1} \cdot \frac{\partial z_1}{\partial w_1}$$
#
# ## From the right to the left
#
# The other weight has its own chain, of two factors. The second one is $\partial \hat{y} /
# \partial w_2 = g(z_1)$:
#
# $$\frac{\partial J}{\partial w_2} = \frac{\partial J}{\partial \hat{y}} \cdot
# \frac{\partial \hat{y}}{\partial w_2}$$
#
# Both chains begin with the purple factor. So we compute it once. We begin at $J$ and multiply
# from the right to the left, one local factor after another. On the way every value gets its
# product: the derivative of $J$ by this value. It is called the value's **gradient**. An earlier
# value's gradient is made from that of a later one. This is what the slide means by "using
# gradients from later layers", and why the method is called **backpropagation**.


# %%
def gradients(x, y, w1, w2):
    """-> the derivative of J by y_hat, z1, w1 and w2: one walk from the right to the left"""
    purple, red, blue = local_factors(x, y, w1, w2)
    of_y_hat = purple
    of_w2 = of_y_hat * sigmoid(w1 * x)
    of_z1 = of_y_hat * red
    of_w1 = of_z1 * blue
    return of_y_hat, of_z1, of_w1, of_w2


of_y_hat, of_z1, of_w1, of_w2 = gradients(X, Y, W1, W2)
print(f"dJ/dz1 = {of_y_hat:.4f} * {red:.4f} = {of_z1:.4f}")
print(f"dJ/dw1 = {of_z1:.4f} * {blue:.4f} = {of_w1:.4f}")
print(f"dJ/dw2 = {of_y_hat:.4f} * {sigmoid(z1):.4f} = {of_w2:.4f}")
draw.graph(
    {"x": X, "y": Y, "w1": W1, "w2": W2, "z1": z1, "y_hat": y_hat, "J": loss},
    {"J": 1, "y_hat": of_y_hat, "z1": of_z1, "w1": of_w1, "w2": of_w2},
    {"purple": purple, "red": red, "blue": blue, "g(z1)": sigmoid(z1)},
)

# %% [markdown]
# ## Three ways to the same number
#
# The first way is the one by hand. The second way is tinynet, the framework of these lessons: it
# does this walk for any network. We mark the weights with `requires_grad=True` and compute the
# loss. Then `backward()` multiplies the local factors and leaves a gradient in each weight.
#
# The third way is to try out. We make the weight a little larger, by $h$, and a little smaller,
# and compute the loss both times:
#
# $$\frac{\partial J}{\partial w} \approx \frac{J(w + h) - J(w - h)}{2h}$$
#
# This is called a **finite difference**. Here $h$ is 0.00001.


# %%
def network_loss(weights, x=X, y=Y):
    """Weights (2, n): those of n hidden neurons.  -> the loss J"""
    y_hat = (weights[1] * tn.sigmoid(weights[0] * x)).sum()
    return (y_hat - y) ** 2 / 2


def try_out(loss, weights, h=1e-5):
    """The finite difference for each weight, one after the other"""
    found = np.zeros_like(weights)
    for place in np.ndindex(weights.shape):
        change = np.zeros_like(weights)
        change[place] = h
        found[place] = (loss(weights + change) - loss(weights - change)) / (2 * h)
    return found


weights = tn.Tensor(np.array([[W1], [W2]]), requires_grad=True)  # one hidden neuron
network_loss(weights).backward()
by_engine = weights.grad.ravel()
by_trying = try_out(lambda w: network_loss(tn.Tensor(w)).item(), weights.numpy()).ravel()
table(
    ["gradient of", "chain rule by hand", "tinynet", "tried out"],
    [
        [name, *(f"{value:.8f}" for value in row)]
        for name, *row in zip(["w1", "w2"], [of_w1, of_w2], by_engine, by_trying, strict=True)
    ],
)

# %% [markdown]
# ## What the gradient is for
#
# A positive gradient says: a larger weight gives a larger loss. So the weight must become
# smaller. With a negative gradient it must become larger. **Gradient descent** changes each
# weight against its gradient. The **learning rate** $\eta$ says how far. Here it is 0.5:
#
# $$w \leftarrow w - \eta \frac{\partial J}{\partial w}$$
#
# The handwritten notes describe the same as five steps of training. (1) Choose the weights at
# random. (2) Compute the output for an image. (3) Compute the total error. (4) Use
# backpropagation to find the gradient of each weight, and change the weights "in proportion to
# their contribution to the total error". (5) Repeat steps 2 to 4 for all images. When the image
# is put in again and the output is nearly the target, "the network learns to classify this
# particular image correctly".
#
# Our network has one example, $x$ with its target $y$. We repeat steps 2 to 4 with it. The
# gradients are those by hand.

# %%
path = []
w1, w2 = W1, W2
for _ in range(STEPS + 1):
    path.append((w1, w2, *forward(X, Y, w1, w2)[1:]))
    _, _, of_w1_now, of_w2_now = gradients(X, Y, w1, w2)
    w1, w2 = w1 - LR * of_w1_now, w2 - LR * of_w2_now

shown = [step for step in (0, 1, 2, 5, 10, 20, STEPS) if step <= STEPS]
table(
    ["step", "w1", "w2", f"answer (target {Y:g})", "loss J"],
    [
        [step, *(f"{number:.4f}" for number in path[step][:3]), f"{path[step][3]:.1e}"]
        for step in shown
    ],
)
draw.descent(np.array(path), Y)

# %% [markdown]
# The weight $w_2$ has the larger gradient at the start, and moves most. Look at $w_1$: it moves
# to one side first and to the other side later. Its red factor contains $w_2$. When $w_2$ becomes
# positive, the gradient of $w_1$ changes its sign.
#
# For several outputs, the notes add up one such term for each class. This is their **total
# error**:
#
# $$E = \sum \frac{1}{2} (\text{target} - \text{output})^2$$
#
# Their example is an image with the outputs 0.8 for cat and 0.2 for dog. If it shows a cat, the
# targets are 1 and 0. The derivative by each output is output minus target, as for our purple
# bar.

# %%
outputs = tn.Tensor([0.8, 0.2], requires_grad=True)
total_error = ((np.array([1, 0]) - outputs) ** 2 / 2).sum()
total_error.backward()
cat, dog = outputs.grad
print(f"The total error is {total_error.item():.2f}.")
print(f"Its derivative is {cat:.1f} by the output for cat, which must become larger,")
print(f"and {dog:.1f} by the output for dog, which must become smaller.")

# %% [markdown]
# ## Why not simply try out?
#
# Finite differences need no chain rule. There are two reasons against them.
#
# **They are not exact** for every $h$, though the table above shows eight equal digits. The loss
# is a curve. With a large $h$ it bends between the two points, and the difference is not the
# slope at our weight. With a very small $h$ two losses are subtracted that are equal but for
# their last digits. A computer keeps about 16 digits. What remains is the rounding of these
# digits, and it is divided by a very small number. So there is a best $h$ in between. The figure
# shows two ways of trying out: on both sides as above, and on one side only, $(J(w + h) - J(w)) /
# h$.

# %%
h = np.logspace(-13, 0, 131)
both_sides = (forward(X, Y, W1 + h, W2)[2] - forward(X, Y, W1 - h, W2)[2]) / (2 * h)
one_side = (forward(X, Y, W1 + h, W2)[2] - loss) / h
errors = {"one side": abs(one_side - of_w1), "both sides": abs(both_sides - of_w1)}
draw.differences(h, errors)

# %% [markdown]
# **They are expensive.** To try out both sides of one weight takes two forward passes. A network
# with a million weights needs two million. Backpropagation needs one forward pass and one walk
# back, for all weights together. The walk back visits each step once. (The next lesson,
# `autograd`, counts its work.)
#
# We give the network more hidden neurons, each with two weights, and count how often the loss is
# computed.


# %%
def count_passes(hidden, seed=0):
    """-> number of weights, forward passes of both ways, largest difference of the gradients"""
    calls = []

    def counted_loss(weights):
        calls.append("forward pass")
        return network_loss(weights)

    start = np.random.default_rng(seed).normal(size=(2, hidden)) / np.sqrt(hidden)
    weights = tn.Tensor(start, requires_grad=True)
    counted_loss(weights).backward()
    once = len(calls)
    by_trying = try_out(lambda w: counted_loss(tn.Tensor(w)).item(), start)
    return start.size, len(calls) - once, once, abs(by_trying - weights.grad).max()


counts = [count_passes(hidden) for hidden in (1, 10, 100, 1000)]
table(
    ["weights", "forward passes: trying out", "backpropagation", "largest difference"],
    [[n, trying, f"{once} and a walk back", f"{off:.0e}"] for n, trying, once, off in counts],
)

# %% [markdown]
# Trying out is still useful: as a check. Whoever writes a new step by hand compares its gradient
# with finite differences. In tinynet `tn.gradcheck` does that.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
ratio = path[-1][3] / path[0][3]
apart = max(abs(purple * red * blue - by_engine[0]), abs(of_w2 - by_engine[1]))
small_h, middle_h, large_h = (np.median(errors["both sides"][i : i + 10]) for i in (0, 75, 121))
n, trying, once, off = counts[-1]
claim(
    "The products of the local factors, three for w1 and two for w2, are tinynet's gradients",
    apart < 1e-12,
    f"at most {apart:.0e} apart",
)
claim(
    "A change of w1 by 0.001 changes J by 0.001 times the product, within 1%",
    abs(dloss - small * of_w1) < 0.01 * abs(small * of_w1),
    f"{dloss:.7f} and {small * of_w1:.7f}",
)
claim(
    f"After {STEPS} steps of gradient descent the loss is at most a thousandth of the first one",
    ratio < 1e-3,
    f"{ratio:.0e} of it",
)
claim(
    "A finite difference with h near 1e-5 errs at most a thousandth as much as near 1e-13 or 1",
    middle_h < 1e-3 * min(small_h, large_h),
    f"{middle_h:.0e}, against {small_h:.0e} and {large_h:.0e}",
)
claim(
    f"For {n:,} weights backpropagation takes one forward pass, and trying out {2 * n:,}",
    (trying, once) == (2 * n, 1) and off < 5e-7,
    f"{once} and {trying:,}, the gradients at most {off:.0e} apart",
)

# %% [markdown]
# ## Quiz
#
# 1. Which three local factors make up $\partial J / \partial w_1$? *$\partial J / \partial
#    \hat{y}$ (purple), $\partial \hat{y} / \partial z_1$ (red) and $\partial z_1 / \partial w_1$
#    (blue).*
# 2. Why are they multiplied, and not added? *Each step multiplies the small change that reaches
#    it by its own factor.*
# 3. The three factors are -1, 0.1 and 2. What is $\partial J / \partial w_1$? *-0.2.*
# 4. With that gradient, $w_1$ grows by 0.01. How does $J$ change? *It falls by about 0.002.*
# 5. With that gradient, does gradient descent make $w_1$ larger or smaller? *Larger: it moves
#    against the gradient, which is negative.*
# 6. Which factor do the chains of $w_1$ and $w_2$ share? *The purple one, $\partial J / \partial
#    \hat{y}$. It is computed once.*
# 7. The input $x$ is 0. What is the gradient of $w_1$? *0: the blue factor is $x$. This example
#    does not change the weight.*
# 8. $z_1$ is 6, so $g(z_1)$ is nearly 1. Which factor is nearly 0? *The red one: it contains $1 -
#    g(z_1)$.*
# 9. A network has a million weights. How many forward passes do finite differences on both sides
#    take, and how many does backpropagation? *Two million; one, and a walk back.*
# 10. An image of a cat gives 0.6 for cat and 0.4 for dog. What is the notes' total error? *0.16:
#     0.08 for each class.*
