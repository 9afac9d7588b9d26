# %% [markdown]
# # Dense: a layer of neurons is one matrix product
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Multi Output Perceptron",
# "Single Layer Neural Network", "Deep Neural Network", "Importance of Activation Functions";
# *Convolution NN* (handwritten notes, author not named): "x w + b", "Sequential API"
#
# **Question.** What does a layer like `Dense(3)` compute? And what do several layers in a row add
# to that?
#
# **You will see.** The notes' sum x W + b with its missing row: 23 28 33 and 71 82 93. The 33
# numbers of a network with three layers. Two networks of the same size, one without and one with
# an activation function. Only one of them can separate two spirals.
#
# **Try.** `python -m lessons dense --set "MISSING_ROW=[0, 0, 0]"`: the fourth input then counts
# for nothing, and (1, 1, 1, 1) gives 13 17 21. `python -m lessons dense --set TURNS=2`: each
# spiral goes around twice. Then even with ReLU few neurons are no better than a line, and the
# largest network still succeeds.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, fit, size, table
from lessons.shared.draw import dense as draw

PRINTED_W = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]  # the weights in the notes
MISSING_ROW = [10, 11, 12]  # our guess: 1 to 9 goes on
B = [1, 2, 3]  # the biases in the notes
TURNS = 1.25  # how often each spiral goes around
WIDTHS = [2, 4, 16]  # neurons in each hidden layer
EPOCHS = size(20, 60)  # an epoch is one pass through all the points

# %% [markdown]
# ## A layer is many neurons
#
# One neuron multiplies its inputs by weights, and adds the products and a bias (lesson
# `perceptron`). A **layer** is a group of neurons that all get the same inputs. Each neuron has
# its own weights and its own bias, so each gives its own sum. The sum of neuron $i$ is on the
# slide
#
# $$z_i = w_{0,i} + \sum_{j=1}^{m} x_j \, w_{j,i}$$
#
# Here $m$ is the number of inputs, $x_j$ is input number $j$, $w_{j,i}$ is its weight in neuron
# $i$, and $w_{0,i}$ is the bias of neuron $i$. Every input reaches every neuron. This is why the
# layer is called **dense**.
#
# Now write the weights into a table, a **matrix** $W$. It has a row for each input and a column
# for each neuron. Then all sums together are one product of matrices, plus the row of all biases:
#
# $$z = x W + b$$
#
# ## The row that is missing
#
# The notes compute one example. They say which **shapes** (rows, columns) the parts have: $x$ is
# (1, 4), $W$ is (4, 3), and $b$ has 3 numbers. So there are four inputs and three neurons. But
# the $W$ in the text has three rows:
#
# $$W = \begin{bmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \\ 7 & 8 & 9 \end{bmatrix}$$
#
# The biases are $b = (1, 2, 3)$. Four inputs need four rows. We try it as it is printed. The
# input is the row (1, 1, 1, 1).


# %%
def dense(x, w, b):
    """x W + b.  (N, D), (D, O), (O,) -> (N, O)"""
    return tn.Tensor(x) @ tn.Tensor(w) + tn.Tensor(b)


try:
    message = str(dense([[1, 1, 1, 1]], PRINTED_W, B).numpy())
except ValueError as error:
    message = str(error)
print(message.split(". ")[0])

# %% [markdown]
# The shapes (1, 4) and (3, 3) do not fit: the first matrix must have as many columns as the
# second has rows. A row got lost on the way to us. The printed rows count from 1 to 9, so the
# fourth is most probably 10, 11, 12. With it everything fits.
#
# We compute the sums twice: neuron by neuron as in the first equation, and as one product. (The
# notes also have the input 1, 2, 3, 4. They write it as a column. In $x W$ it must be a row.)


# %%
def neuron(i, x, w, b):
    """The sum of neuron i, one product after the other."""
    total = b[i]
    for j in range(len(x)):
        total += x[j] * w[j][i]
    return total


W = [*PRINTED_W, MISSING_ROW]
ones, counting = [1, 1, 1, 1], [1, 2, 3, 4]
sums = dense([ones, counting], W, B).numpy()  # two examples, one in each row
products = [" ".join(f"{z:g}" for z in row) for row in sums]
one_by_one = [" ".join(f"{neuron(i, x, W, B)}" for i in range(3)) for x in (ones, counting)]
table(
    ["x", "neuron by neuron", "x W + b"],
    [[str(ones), one_by_one[0], products[0]], [str(counting), one_by_one[1], products[1]]],
)
draw.arithmetic(W, B, {"ones": ones, "counting": counting}, sums)

# %% [markdown]
# Both ways give the same numbers. Note that the last product had **two rows** of inputs and gave
# two rows of sums. A layer works on many examples at once, one in each row. Such a group of
# examples is called a **batch**.
#
# (The bias can be seen as one more row of $W$. Its input is always 1.)
#
# ## Layers in a row
#
# The outputs of one layer can be the inputs of the next. That is a **deep** network. The notes
# build one in Keras: `Dense(2)`, `Dense(3)`, `Dense(4)`. The number is the count of neurons. In
# tinynet the layers have the same names. The input of the notes is a table of ones with three
# rows (three examples) and three columns (three inputs for each).
#
# How many numbers can be chosen in such a network? A layer with $D$ inputs and $O$ neurons has $D
# \cdot O$ weights and $O$ biases. All these numbers are called the **parameters** of the network.
# They begin as random numbers.

# %%
rng = np.random.default_rng(4)
layers = [tn.layers.Dense(units, rng=rng) for units in (2, 3, 4)]
x = tn.ones((3, 3))
rows, counts = [], []
for layer in layers:
    before = x.shape
    x = layer(x)
    counts.append(layer.kernel.size + layer.bias.size)
    parts = f"{layer.kernel.size} + {layer.bias.size}"
    rows.append([f"Dense({layer.units})", before, x.shape, parts, counts[-1]])
table(["layer", "inputs", "outputs", "weights + biases", "parameters"], rows)
print(f"parameters of all layers: {' + '.join(map(str, counts))} = {sum(counts)}")
draw.network([3, 2, 3, 4], [row[3] for row in rows])

# %% [markdown]
# ## Without activation functions, three layers are one
#
# In the network above each layer only multiplies and adds. Put the first layer into the second:
#
# $$(x W_1 + b_1) W_2 + b_2 = x \, (W_1 W_2) + (b_1 W_2 + b_2)$$
#
# On the right stands one single layer. Its weights are $W_1 W_2$, and its biases are $b_1 W_2 +
# b_2$. The same works for a third layer, and for a hundred. So layers that only multiply and add
# are no more than one layer.
#
# A function between the layers changes that. Behind each sum of the first two layers we put the
# activation function **ReLU**, $g(z) = \max(0, z)$ (lesson `activations`). It replaces negative
# sums by 0. With it the layers can no longer be put into one.

# %%
(w1, b1), (w2, b2), (w3, b3) = [(layer.kernel.numpy(), layer.bias.numpy()) for layer in layers]
one_layer = dense([[1, 1, 1]], w1 @ w2 @ w3, (b1 @ w2 + b2) @ w3 + b3)
hidden = tn.relu(tn.relu(tn.ones((1, 3)) @ w1 + b1) @ w2 + b2)
answers = {
    "three layers, 33 parameters": x,
    "as one layer, 3 * 4 + 4 = 16 parameters": one_layer,
    "three layers with ReLU between them": hidden @ w3 + b3,
}
rows = [[name, " ".join(f"{v:6.3f}" for v in y.numpy()[0])] for name, y in answers.items()]
table(["the network", "answer to (1, 1, 1)"], rows)

# %% [markdown]
# ## What an activation function is good for
#
# The slide says it in two sentences: "Linear activation functions produce linear decisions no
# matter the network size", and "Non-linearities allow us to approximate arbitrarily complex
# functions". (A **linear** activation function is $g(z) = z$, or no function at all.) Its plot
# shows points of two kinds. The points themselves did not reach us. We make our own: two
# **spirals**, one for "yes" and one for "no". No straight line separates them.
#
# The networks have three layers: two **hidden** ones (whose outputs nobody sees) and one neuron
# at the end. Its sum above 0 means "yes". Half of the networks have a ReLU behind each hidden
# layer. The other half have nothing there. They are **trained**: their parameters are changed a
# little, again and again, so that they answer better (how, is the topic of lessons `loss` and
# `gradient_descent`).


# %%
def spirals(count, rng):
    """Points (count, 2) with a little noise; and a 0 or 1 for the spiral of each, (count, 1)"""
    which = np.arange(count) % 2
    way = np.sqrt(rng.uniform(0.06, 1, count))  # 1: the outer end
    angle = 2 * np.pi * TURNS * way + np.pi * which
    points = 3 * way * np.array([np.cos(angle), np.sin(angle)]) + rng.normal(0, 0.15, (2, count))
    return np.float32(points.T), np.float32(which)[:, None]


def trained(width, activation, x, yes, seed=1):
    """A network with two hidden layers that has learned the points."""
    rng = np.random.default_rng(seed)
    layers = [tn.layers.Dense(units, activation) for units in (width, width)]
    model = tn.Sequential([*layers, tn.layers.Dense(1)], input_shape=(2,), rng=rng)
    batches = tn.data.batches(x, yes, size=50, rng=rng)
    adam = tn.optim.Adam(model.parameters(), 0.01)
    fit(f"{width}, {activation}", model, batches, "bce_with_logits", adam, epochs=EPOCHS)
    return model


x, yes = spirals(400, np.random.default_rng(1))
new_x, new_yes = spirals(2000, np.random.default_rng(101))  # never seen in training
without = {width: trained(width, None, x, yes) for width in WIDTHS}
with_relu = {width: trained(width, "relu", x, yes) for width in WIDTHS}

# %% [markdown]
# We judge them by 2000 new points. To compare, we also search for the best single straight line.
# We try lines in 72 directions, at 61 places each. The best is the one that puts most of the
# training points on the right side.


# %%
def best_line(x, yes):
    """Two weights and a bias: of 72 * 61 lines the one that is right most often."""
    angles = np.deg2rad(np.arange(0, 360, 5))
    weights, biases = np.array([np.cos(angles), np.sin(angles)]), np.linspace(-3, 3, 61)
    answers = (x @ weights)[:, :, None] + biases > 0  # (points, directions, places)
    right = (answers == yes[:, :, None]).mean(axis=0)
    direction, place = np.unravel_index(right.argmax(), right.shape)
    return weights[:, direction], biases[place]


def share_right(model, x, yes):
    return float(((tn.predict(model, x) > 0) == yes).mean())


w, b = best_line(x, yes)
line = float(((new_x @ w + b > 0) == new_yes[:, 0]).mean())
new = new_x, new_yes
shares = {n: [share_right(m[n], *new) for m in (without, with_relu)] for n in WIDTHS}
print(f'"Yes" for every point is right for {new_yes.mean():.1%} of the new points,')
print(f"the best straight line for {line:.1%}.")
table(
    ["neurons in a hidden layer", "without activation", "with ReLU"],
    [[n, *(f"{share:.1%}" for share in shares[n])] for n in WIDTHS],
)
largest = WIDTHS[-1]
pair = {"without activation": without[largest], "with ReLU": with_relu[largest]}
draw.planes(pair, dict(zip(pair, shares[largest], strict=True)), x, yes, largest)

# %% [markdown]
# Without activation function the border between "yes" and "no" is a straight line, however many
# neurons there are. These networks are even a little worse than the best line. The line was
# chosen by counting mistakes. Training makes a loss small, and that is not the same as the number
# of mistakes (lesson `loss`).
#
# With ReLU the border bends. Each ReLU neuron of the first layer has a line of its own, where its
# sum is 0. On one side of it the neuron gives 0, on the other it grows. At this line the border
# can turn. So few neurons give a border with few corners, and more neurons give a border that can
# follow the spirals.

# %%
draw.sizes(with_relu, {n: shares[n][1] for n in WIDTHS}, x, yes)

# %% [markdown]
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
linear = [share for share, _ in shares.values()]
bent = [share for _, share in shares.values()]
claim(
    "The error about W as printed names the shapes (1, 4) and (3, 3)",
    "(1, 4)" in message and "(3, 3)" in message,
    message.split(". ")[0],
)
claim(
    "With the row 10 11 12, x W + b is 23 28 33 for ones and 71 82 93 for 1 2 3 4",
    sums.tolist() == [[23, 28, 33], [71, 82, 93]],
    " and ".join(products),
)
claim(
    "Dense(2), Dense(3), Dense(4) with three inputs have 33 parameters",
    sum(counts) == 33,
    f"{sum(counts)}",
)
claim(
    "Without activation function no network is right for 3 of 100 points more than the best line",
    max(linear) < line + 0.03,
    f"at most {max(linear):.1%} against {line:.1%}",
)
claim(
    "With ReLU, the largest network is right for 20 of 100 points more than the best line",
    bent[-1] >= line + 0.2,
    f"{bent[-1]:.1%} against {line:.1%}",
)
claim(
    "With ReLU, the largest network is right for 15 of 100 points more than the smallest",
    bent[-1] >= bent[0] + 0.15,
    f"{bent[-1]:.1%} against {bent[0]:.1%}",
)
