"""Dense: a whole layer of neurons is one matrix product.

Slides    002_cc530217572c2621.txt "x w + b" (the numbers) and "3 layer model" (the Keras code),
          001_2cc8296d8a649d23.txt "Multi Output Perceptron" to "Deep Neural Network" (formulas)
Question  What exactly does Dense(3) compute, and what do several of them in a row add?
Expect    why the slide's x w + b cannot be computed as printed, and [23, 28, 33] and [71, 82, 93]
          with its missing row; layers without activations that collapse into a single one
Try       write the bias as one more row of W. What must be appended to x?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot

from ..claim import at_least, at_most, equals

# The slide says (1, 4) (4 x 3) + (3,), and then prints a W of three rows.  The fourth is missing.
PRINTED_W = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
MISSING_ROW = [10, 11, 12]  # where the counting leads; printed nowhere
B = [1, 2, 3]
ONES, COUNTING = [1, 1, 1, 1], [1, 2, 3, 4]  # the second is drawn as a column, and must be a row


def restored_weights():
    """The slide's W with its fourth row.  (4, 3)"""
    return [*PRINTED_W, MISSING_ROW]


# %% A layer.   z_i = w_0i + x_1 w_1i + ... + x_m w_mi   for each neuron i
# Neuron i has its weights in column i of W, so all the sums at once are  z = x W + b.
def dense(x, w, b):
    """(N, D), (D, O), (O,) -> (N, O)"""
    return x @ tn.Tensor(w).to(x.device) + tn.Tensor(b).to(x.device)


def neuron(i, x, w, b):
    """z_i as the slide writes it, term by term."""
    return b[i] + sum(x[j] * w[j][i] for j in range(len(x)))


def slide_example(x, w=None, device="cpu"):
    """x W + b, with the restored W unless another is given.  list of D -> list of 3"""
    w = restored_weights() if w is None else w
    return dense(tn.Tensor([x]).to(device), w, B).numpy()[0].tolist()


def error_as_printed(device="cpu"):
    """What tinynet says to four inputs and the three rows that are printed."""
    try:
        return f"no error: {slide_example(ONES, PRINTED_W, device)}"
    except ValueError as error:
        return str(error)


# %% A deep network is that again and again, with an activation g between the layers:
#    z1 = x W1 + b1,   z2 = g(z1) W2 + b2,   z3 = g(z2) W3 + b3 ...
def network(x, layers, g=tn.relu):
    """(N, D) -> the z of each layer.  layers: pairs (w, b)"""
    zs = []
    for w, b in layers:
        zs.append(dense(x, w, b))
        x = g(zs[-1])
    return zs


# The slide draws three inputs, four hidden neurons and two outputs, without numbers.  These weights
# are small, so that one can follow them.
W1, B1 = [[1, -1, 2, 0], [0, 1, -1, 1], [2, 0, 1, -1]], [0, 1, -1, 2]
W2, B2 = [[1, 0], [-1, 2], [0, 1], [1, -1]], [0, 2]
LAYERS = [(W1, B1), (W2, B2)]
INPUT = [1, 2, -1]


def keras_example(seed, device="cpu"):
    """Dense(2), Dense(3), Dense(4) on ones (3, 3): each layer's shape, and all parameters."""
    rng = np.random.default_rng(seed)
    layers = [(rng.normal(size=shape), np.zeros(shape[1])) for shape in [(3, 2), (2, 3), (3, 4)]]
    zs = network(tn.Tensor(np.ones((3, 3))).to(device), layers)
    return [z.shape for z in zs], sum(w.size + b.size for w, b in layers)


# %% Without g, two layers are one:
#    (x W1 + b1) W2 + b2  =  x (W1 W2) + (b1 W2 + b2)
# As the slide says: linear activations give linear decisions "no matter the network size".
# Along a straight line through the inputs, that network's outputs are straight.  ReLU bends them.
def collapse(device):
    w = (tn.Tensor(W1).to(device) @ tn.Tensor(W2).to(device)).numpy()  # (3, 2)
    b = dense(tn.Tensor([B1]).to(device), W2, B2).numpy()[0]  # (2,)
    t = np.linspace(0, 1, 65, dtype=np.float32)[:, None]
    line = (1 - t) * np.float32([2, 1, 0]) + t * np.float32([-2, -1, -3])  # (65, 3)
    x = tn.Tensor(line).to(device)
    return {
        "t": t[:, 0],
        "as one layer": dense(x, w, b).numpy(),
        "without g": network(x, LAYERS, g=lambda z: z)[-1].numpy(),
        "with ReLU": network(x, LAYERS)[-1].numpy(),
    }


def bend(y):
    """How far the middle of a line is from the mean of its ends.  (T, O) -> number"""
    return float(abs(y[len(y) // 2] - (y[0] + y[-1]) / 2).max())


def main(seed=0, device="cpu", full=False):
    """Nothing is larger with full: this is arithmetic."""
    z, y = network(tn.Tensor([INPUT]).to(device), LAYERS)
    return {
        "error": error_as_printed(device),
        "three ones": slide_example([1, 1, 1], PRINTED_W, device),
        "ones": slide_example(ONES, device=device),
        "counting": slide_example(COUNTING, device=device),
        "network": [numbers.numpy()[0] for numbers in (z, tn.relu(z), y)],
        "collapse": collapse(device),
        "keras": keras_example(seed, device),
    }


def claims(results):
    z, h, y = results["network"]
    lines = results["collapse"]
    straight = lines["without g"]
    what_is_wrong = results["error"].split(". ")[0].split(": ")[-1]
    return [
        equals("W as printed", "x has 4 columns and w has 3 rows", what_is_wrong),
        equals("the printed W fits three ones only", [13, 17, 21], results["three ones"]),
        equals("W restored, x = [1, 1, 1, 1]", [23, 28, 33], results["ones"]),
        equals("W restored, x = [1, 2, 3, 4]", [71, 82, 93], results["counting"]),
        equals("z: each neuron's own sum", [neuron(i, INPUT, W1, B1) for i in range(4)], z),
        equals("y: the same of h", [neuron(i, h, W2, B2) for i in range(2)], y),
        at_most("without g: two layers - one", 1e-5, abs(straight - lines["as one layer"]).max()),
        at_most("without g: bend of the outputs", 1e-5, bend(straight)),
        at_least("with ReLU: bend of the outputs", 0.5, bend(lines["with ReLU"])),
        equals("Dense(2), Dense(3), Dense(4): y", [3, 4], results["keras"][0][-1]),
        equals("their parameters: 8 + 9 + 16", 33, results["keras"][1]),
    ]


# %% The figures.
def show(results):
    return {
        "arithmetic": draw_arithmetic(results),
        "network": draw_network(results["network"]),
        "collapse": draw_collapse(results["collapse"]),
    }


def draw_arithmetic(results):
    """The slide's product, with each term in its cell."""
    figure, places = plt.subplots(1, 3, figsize=(9, 4.6), layout="constrained")
    w = np.array(restored_weights())
    plot.matrix(places[0], w, "W: the slide lacks the last row")
    places[0].add_patch(plt.Rectangle((-0.5, 2.5), 3, 1, fill=False, edgecolor="C2", linewidth=4))
    for axes, x, z in zip(places[1:], (ONES, COUNTING), ("ones", "counting"), strict=True):
        terms = np.array(x)[:, None] * w
        plot.matrix(axes, np.vstack([terms, B, results[z]]), f"x = {x}")
        axes.set_yticks(range(6), ["$x_1 w_{1i}$", "$x_2 w_{2i}$", "$x_3 w_{3i}$", "$x_4 w_{4i}$",
                                   "$b_i$", "sum $z_i$"])  # fmt: skip
        axes.axhline(4.5, color="black", linewidth=3)
    title = "x W + b with the missing row.  To W as it is printed tinynet says:"
    figure.suptitle(f"{title}\n{results['error']}", fontsize=10)
    return figure


def draw_network(values):
    """The network as a drawing, and as the products that it is."""
    z, h, y = values
    figure, places = plt.subplot_mosaic(
        [["net", "x", "times W1", "plus b1", "= z"],
         ["net", "h = max(0, z)", "times W2", "plus b2", "= y"]],
        figsize=(13, 4.6), width_ratios=[9, 4, 4, 4, 4], layout="constrained",
    )  # fmt: skip
    tables = zip(list(places)[1:], ([INPUT], W1, [B1], [z], [h], W2, [B2], [y]), strict=True)
    for name, numbers in tables:
        plot.matrix(places[name], np.array(numbers), name)
    draw_neurons(places["net"], [INPUT, h, y], [W1, W2])
    figure.suptitle("A network with one hidden layer is two matrix products with a bend between")
    return figure


def draw_neurons(axes, layers, weights):
    heights = [np.linspace(1, -1, len(layer)) * len(layer) / 4 for layer in layers]
    for left, w in enumerate(weights):
        for (j, i), weight in np.ndenumerate(w):
            color = "C3" if weight > 0 else "C0" if weight < 0 else "0.85"
            ends = heights[left][j], heights[left + 1][i]
            axes.plot([left, left + 1], ends, color=color, linewidth=0.8 + 1.5 * abs(weight))
    circle = {"boxstyle": "circle,pad=0.6", "facecolor": "white"}
    for layer, name in enumerate(("x", "h = g(z)", "y")):
        for number, height in zip(layers[layer], heights[layer], strict=True):
            axes.text(layer, height, f"{number:2g}", ha="center", va="center", bbox=circle)
        axes.text(layer, 1.25, name, ha="center")
    axes.set(xlim=(-0.3, 2.3), ylim=(-1.25, 1.4))
    axes.set_title("red: weight > 0, blue: < 0, grey: 0; thick: 2", fontsize=10)
    axes.set_axis_off()


def draw_collapse(lines):
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    t = lines["t"]
    for k, color in enumerate(("C0", "C1")):
        for name, style in (("with ReLU", "-"), ("as one layer", "--"), ("without g", "o")):
            every = 8 if style == "o" else 1
            y = lines[name][::every, k]
            axes.plot(t[::every], y, style, color=color, label=f"y{k + 1}, {name}")
    axes.set(xlabel="from one input (0) to another (1), in a straight line", ylabel="output")
    axes.legend(fontsize=9)
    figure.suptitle("Without a bend between them, two layers (dots) are one (dashes)")
    return figure
