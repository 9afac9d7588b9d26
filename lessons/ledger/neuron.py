"""The ledger's rows of the chapter neuron: one weighted sum, its bend, its loss, its gradient."""

from __future__ import annotations

import functools

import numpy as np

import tinynet as tn

from . import printed
from .row import computed, erratum, lost, misread, reproduced, statement

# -- the perceptron, activations, layers -----------------------------------------------------------

DERIVATIVES = {  # from z and g(z), as the slide prints them
    "sigmoid": lambda z, g: g * (1 - g),
    "tanh": lambda z, g: 1 - g**2,
    "relu": lambda z, g: np.where(z > 0, 1, 0),
}


def weighted_sum(x):
    """(N, 2) -> (N,)"""
    return printed.W0 + tn.Tensor(x) @ tn.Tensor(printed.W)


def half_on_the_line():
    points = [[x1, (1 + 3 * x1) / 2] for x1 in (-4.0, 0.0, 2.5)]  # there 1 + 3 x1 - 2 x2 = 0
    return np.allclose(tn.sigmoid(weighted_sum(points)).numpy(), 0.5, atol=1e-6)


def curve(name, z):
    """g(z) and g'(z) of an activation, the second by backward().  (N,) -> (N,), (N,)"""
    z = tn.Tensor(np.array(z, np.float64), requires_grad=True)
    g = getattr(tn, name)(z)
    g.sum().backward()
    return g.numpy(), z.grad


def derivative_is_as_printed(name):
    z = np.linspace(-6, 6, 25)  # 0 is among them
    g, slope = curve(name, z)
    return np.allclose(slope, DERIVATIVES[name](z, g))


def layer_is_its_neurons():
    """A layer at once, and neuron by neuron as the slide has it."""
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=3), rng.normal(size=(3, 4)), rng.normal(size=4)
    z = tn.linear(x[None], w, b).numpy()[0]
    return np.allclose(z, [b[i] + sum(x[j] * w[j, i] for j in range(3)) for i in range(4)])


def three_layers(activation=None):
    layers = [tn.layers.Dense(units, activation=activation) for units in (2, 3, 4)]
    return tn.Sequential(layers, input_shape=(3,), rng=np.random.default_rng(0))


def dense(x, w):
    """x W + b with the slide's b."""
    return tn.linear(np.float64([x]), np.float64(w), np.float64(printed.DENSE_B)).numpy()[0]


def rows_that_fit(x):
    """How many rows W must have for this x."""
    for rows in range(1, 9):
        try:
            dense(x, np.zeros((rows, 3)))
            return rows
        except ValueError:
            continue
    return None


WITH_FOURTH_ROW = [*printed.DENSE_W, [10, 11, 12]]  # where the counting leads


def first_w():
    """The matrix of the three copies that has the eight numbers of the first one, and is whole."""
    rest = np.concatenate(printed.DENSE_W_FIRST)
    return next(w for w in [printed.DENSE_W] if np.array_equal(np.ravel(w)[1:], rest))


@functools.cache
def first_gradient_over_last():
    """In ten sigmoid layers of 64 neurons, before training."""
    rng = np.random.default_rng(0)
    layers = [tn.layers.Dense(64, activation="sigmoid") for _ in range(10)]
    network = tn.Sequential(layers, input_shape=(64,), rng=rng)
    x, dy = rng.standard_normal((2, 64, 64), dtype=np.float32)
    network(tn.Tensor(x)).backward(tn.Tensor(dy))
    first, last = (np.linalg.norm(layers[i].kernel.grad) for i in (0, -1))
    return first / last


# -- losses ----------------------------------------------------------------------------------------

PASSED = [1, 0, 1]  # the labels that follow from the marks


def labels_from_marks():
    """A cross is a wrong prediction and a tick a right one; above 1/2 the network says 1."""
    says = np.array(printed.PREDICTIONS) > 0.5
    return np.where(np.array(printed.MARKS) == "tick", says, ~says).astype(int)


def bce(labels):
    return tn.bce(np.float64(printed.PREDICTIONS), np.float64(labels)).item()


def mean_of_single_losses():
    f, y = np.float64(printed.PREDICTIONS), np.float64(PASSED)
    single = tn.bce(f, y, reduction="none").numpy()
    return bool(np.isclose(bce(PASSED), single.sum() / len(single)))


def softmax_cross_entropy_with_logits(labels, predicted):
    return -(np.float64(labels) * tn.log_softmax(np.float64(predicted))).sum(axis=-1).mean().item()


def printed_code(shape):
    """The slide's line of code, of the students as a "row" or a "column"."""
    f, y = np.array(printed.PREDICTIONS), np.array(PASSED)
    if shape == "column":
        f, y = f[:, None], y[:, None]
    return softmax_cross_entropy_with_logits(y, f)


def printed_code_of_perfect_predictions():
    """With two columns, one for "fails" and one for "passes"."""
    y = np.float64([[1 - label, label] for label in PASSED])
    return softmax_cross_entropy_with_logits(y, y)


def code_of_the_formula():
    """Which function gives the number of the printed formula."""
    f = np.float64(printed.PREDICTIONS)
    of_sigmoid = tn.bce_with_logits(np.log(f / (1 - f)), np.float64(PASSED)).item()
    found = {"softmax": [printed_code("column"), printed_code("row")], "sigmoid": [of_sigmoid]}
    name = next(name for name, values in found.items() if np.isclose(values, bce(PASSED)).any())
    return f"{name}_cross_entropy_with_logits"


def softmax_is_as_printed():
    y = np.array([2.0, -1.0, 0.5])
    return np.allclose(tn.softmax(y).numpy(), np.exp(y) / np.exp(y).sum())


def change_of_softmax():
    y = np.array([2.0, -1.0, 0.5])
    return abs(tn.softmax(y + 100).numpy() - tn.softmax(y).numpy()).max()


def classes_of(share):
    """Of how many classes each gets this share, if softmax is given equal logits."""
    shares = {k: tn.softmax(np.zeros((1, k))).numpy()[0] for k in range(1, 20)}
    return next(k for k, got in shares.items() if np.allclose(got, share))


def one_hot_is_the_label():
    z = np.random.default_rng(0).normal(size=(1, 10))
    by_hand = -(tn.log_softmax(z) * np.float64([printed.SEVEN])).sum().item()
    return bool(np.isclose(by_hand, tn.cross_entropy(z, [7]).item()))


# -- gradients and steps ---------------------------------------------------------------------------


def slope(f, at):
    """The derivative of f, by backward()."""
    x = tn.Tensor(np.array(at), requires_grad=True)
    f(x).backward()
    return float(x.grad)


def chain_rule(weight):
    """The slide's network, z1 = w1 x, y_hat = w2 tanh(z1), J = (y_hat - 1)^2: the derivative of J
    in one piece, and as the slide's product.
    """
    x, w1, w2 = 1.5, 0.8, -0.5
    z1 = w1 * x
    y_hat = w2 * np.tanh(z1)
    by_y_hat = slope(lambda y_hat: (y_hat - 1) ** 2, y_hat)
    if weight == "w2":
        product = by_y_hat * slope(lambda w2: w2 * np.tanh(z1), w2)
        whole = slope(lambda w2: (w2 * np.tanh(z1) - 1) ** 2, w2)
    else:
        product = by_y_hat * slope(lambda z1: w2 * tn.tanh(z1), z1) * slope(lambda w1: w1 * x, w1)
        whole = slope(lambda w1: (w2 * tn.tanh(w1 * x) - 1) ** 2, w1)
    return bool(np.isclose(product, whole))


def line(count=64):
    """Noisy points of the line 1 + 2 x."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 2, count)
    return x, 1 + 2 * x + rng.normal(0, 0.5, count)


def loss_and_weights(chosen):
    """The squared error of some of these points, for a line that starts elsewhere."""
    x, y = (values[chosen] for values in line())
    w = tn.Tensor(np.array([-1.0, 4.0]), requires_grad=True)
    return ((w[0] + w[1] * x - y) ** 2).mean(), w


def gradient(chosen):
    loss, w = loss_and_weights(chosen)
    loss.backward()
    return w.grad


def step(chosen, eta=0.1):
    """How far one step of gradient descent moves the weights, over -eta."""
    loss, w = loss_and_weights(chosen)
    optimizer, before = tn.optim.SGD([w], eta), w.numpy().copy()
    loss.backward()
    optimizer.step()
    return (before - w.numpy()) / eta


ALL = np.arange(64)


def step_is_the_gradient():
    return np.allclose(step(ALL), gradient(ALL))


def gradient_of_one_example(i=3):
    """Which gradient moved the weights: that of example i, or that of all?"""
    moved = step(ALL[i : i + 1])
    if np.allclose(moved, gradient(ALL)):
        return "dJ/dW"
    return "dJ_i/dW" if np.allclose(moved, gradient(ALL[i : i + 1])) else "neither"


def batch_is_the_mean():
    return np.allclose(gradient(ALL), np.mean([gradient([k]) for k in ALL], axis=0))


def batch_is_less_noisy():
    """16 examples against one: the mean distance from the gradient of all."""
    rng, true = np.random.default_rng(0), gradient(ALL)
    off = {
        size: np.mean([
            np.linalg.norm(gradient(rng.choice(64, size, replace=False)) - true)
            for _ in range(100)
        ])
        for size in (1, 16)
    }  # fmt: skip
    return bool(off[16] < off[1] / 3)


def drawn_from_a_bell(sigma=0.3):
    w = tn.init.normal(sigma)((100, 100), np.random.default_rng(0))
    return bool(abs(np.mean(w)) < 0.01 and abs(np.std(w) - sigma) < 0.01)


# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    statement("B01a", "001:162", "derivative of the sigmoid, at 25 places",
              "g(z)(1 - g(z))", lambda: derivative_is_as_printed("sigmoid")),
    statement("B01b", "001:173", "derivative of tanh, at 25 places", "1 - g(z)^2",
              lambda: derivative_is_as_printed("tanh")),
    statement("B01c", "001:184", "derivative of ReLU, at 25 places, z = 0 among them",
              "1 if z > 0, else 0", lambda: derivative_is_as_printed("relu"),
              why="At z = 0 there is no derivative. The slide takes 0 there, and so does tinynet."),
    computed("B01d", "001:162", "steepest slope of the sigmoid, at z = 0", 0.25,
             lambda: curve("sigmoid", [0.0])[1][0]),
    computed("B02a", "001:230", "the three terms for x = (-1, 2)", [1, -3, -4],
             lambda: [printed.W0, *(tn.Tensor(printed.W) * tn.Tensor(printed.X)).numpy()],
             printed="w0 = 1, w = (3, -2), x = (-1, 2)"),
    reproduced("B02b", "001:232", "z = 1 + (3 * -1) - (2 * 2)", -6,
               lambda: weighted_sum([printed.X]).item()),
    reproduced("B02c", "001:232", "g(-6)", 0.002,
               lambda: tn.sigmoid(weighted_sum([printed.X])).item(), 3),
    statement("B02d", "001:219", "the line on which the answer is 1/2", "1 + 3 x1 - 2 x2 = 0",
              half_on_the_line),
    statement("B03", "001:265", "Each neuron of a layer has a weighted sum of its own.",
              "z_i = w_0i + sum x w", layer_is_its_neurons),
    lost("B04", "001:299", "what the network says, and what was right", None,
         "These numbers stood in the drawing, and no text of it is left."),
    statement("B05", "001:323", "The empirical loss is the mean of the single losses.",
              "1/n sum L(f(x), y)", mean_of_single_losses),
    misread("B06a", "001:336", "y, for predictions of 0.1, 0.8 and 0.6", "cross cross tick",
            [1, 0, 1], labels_from_marks,
            "Crosses and ticks are no labels. They say which predictions are wrong and which are "
            "right, and the labels follow from that. (The lecture that the slide was taken from, "
            "MIT 6.S191, is outside the slides; it has 1, 0, 1 too.)"),
    computed("B06b", "001:341", "cross-entropy J with y = (1, 0, 1)", 1.4743,
             lambda: bce(PASSED), 4, printed=printed.PREDICTIONS),
    computed("B06c", "001:341", "J if cross, cross, tick were the labels 0, 0, 1", 0.7419,
             lambda: bce([0, 0, 1]), 4, printed=printed.PREDICTIONS),
    erratum("B06d", "001:347", "the function that gives the J of the formula",
            "softmax_cross_entropy_with_logits", "sigmoid_cross_entropy_with_logits",
            code_of_the_formula,
            "The code beside the formula computes another loss. Softmax over one column is always "
            "1, so this loss is 0 whatever the network says.",
            as_printed=lambda: printed_code("column"), gives=0),
    computed("B06e", "001:347", "the printed code, of three students in a row", 2.5791,
             lambda: printed_code("row"), 4, printed=printed.PREDICTIONS),
    computed("B06f", "001:347", "the printed code with two classes, of perfect predictions",
             0.3133, printed_code_of_perfect_predictions, 4),
    lost("B06g", "001:331", "X, and what its two columns count", printed.STUDENTS,
         "The text does not say what is counted, and the weights that lead from X to f(x) are not "
         "printed."),
    lost("B07a", "001:363", "mean squared error of the grades", printed.GRADES,
         "In the place of y are a cross, a cross and a tick. No grade follows from a tick."),
    computed("B07b", "001:363", "the same with y = (90, 20, 95), which is from outside the slides: "
             "MIT 6.S191", 2433.33,
             lambda: tn.mse(np.float64(printed.GRADES), np.float64([90, 20, 95])).item(), 2,
             printed=printed.GRADES),
    statement("B08a", "001:444", "a step of gradient descent", "W <- W - eta dJ/dW",
              step_is_the_gradient),
    statement("B08b", "001:441", "tn.init.normal(sigma): mean and deviation of 10,000 weights",
              "N(0, sigma^2)", drawn_from_a_bell),
    statement("B09a", "001:467", "the chain rule for w2", "dJ/dy * dy/dw2",
              lambda: chain_rule("w2")),
    statement("B09b", "001:485", "the chain rule for w1", "dJ/dy * dy/dz1 * dz1/dw1",
              lambda: chain_rule("w1")),
    erratum("B10", "001:534", "the gradient that step 5 subtracts, for one example i",
            "dJ/dW", "dJ_i/dW", gradient_of_one_example,
            "Step 4 computes the gradient of example i. Step 5 subtracts one without the index. "
            '(The two slides with batches of B keep the title "Stochastic Gradient Descent".)'),
    statement("B11a", "001:564", "the gradient of a batch", "1/B sum dJ_k/dW", batch_is_the_mean),
    statement("B11b", "001:583", "With 16 examples the gradient is nearer to the true one than "
              "with one.", "much better estimate", batch_is_less_noisy),
    statement("B19a", "001:1115", "softmax of 2, -1 and 0.5", "e^y_i / sum e^y_j",
              softmax_is_as_printed),
    computed("B19b", "001:1115", "change of softmax if 100 is added to each number", 0,
             change_of_softmax, 12),
    reproduced("C04", "002:121", "ReLU on -1 3 2 / 1 -2 1 / -1 1 3",
               [[0, 3, 2], [1, 0, 1], [0, 1, 3]], lambda: tn.relu(tn.Tensor(printed.RELU)).numpy()),
    computed("C08b", "002:240", "total error, if the picture shows a cat; the slide has no target",
             0.04, lambda: tn.mse(np.float64(printed.CAT_AND_DOG), np.float64([1, 0]), "sum").item()
             / 2, 4, printed="cat 0.8, dog 0.2, sum 1/2 (t - o)^2"),
    statement("C11", "002:334", "Of ten sigmoid layers the first gets less than 1/100,000 of the "
              "gradient of the last.", "nearly zero", lambda: first_gradient_over_last() < 1e-5),
    computed("C14a", "002:513", "shape of y, for x = ones (3, 3)", (3, 4),
             lambda: three_layers()(np.ones((3, 3), np.float32)).shape,
             printed="Dense(2), Dense(3), Dense(4), x (3, 3)"),
    computed("C14b", "002:501", "parameters of these three layers, 8 + 9 + 16", 33,
             lambda: sum(p.size for p in three_layers().parameters()),
             printed="Dense(2), Dense(3), Dense(4)"),
    erratum("C15a", "002:568", "rows of W, for an x of four numbers", 3, 4,
            lambda: rows_that_fit(printed.DENSE_X[0]),
            "The slide says (1,4) (4 x 3), and prints W twice with three rows. So it is hardly the "
            "scan that lost the fourth. Counting on, that row is 10 11 12.",
            as_printed=lambda: len(printed.DENSE_W)),
    computed("C15b", "002:570", "x W + b, if W has a fourth row 10 11 12", [23, 28, 33],
             lambda: dense(printed.DENSE_X[1], WITH_FOURTH_ROW),
             printed="x = (1, 1, 1, 1), b = (1, 2, 3)"),
    computed("C15c", "002:568", "x W + b, if W has that row", [71, 82, 93],
             lambda: dense(printed.DENSE_X[0], WITH_FOURTH_ROW), printed="x = (1, 2, 3, 4)"),
    computed("C15d", "002:570", "W as it is printed, with three ones", [13, 17, 21],
             lambda: dense([1, 1, 1], printed.DENSE_W), printed=printed.DENSE_W),
    misread("C15e", "002:561", "the first W of the page", printed.DENSE_W_FIRST, printed.DENSE_W,
            first_w, "Its first number is missing. The same matrix stands whole below."),
    misread("C15f", "002:561", "the vector beside the first W", [1, 2, 3, 4, 5, 6], None, None,
            "Six numbers fit neither three rows nor four. The lines below have 1 2 3 4 in this "
            "place, so a bracket was probably read as part of another one."),
    misread("D23a", "003:873", "classes with .1 each, when none is preferred", 13, 10,
            lambda: classes_of(0.1),
            "Thirteen times .1 is 1.3, which is no distribution. The target beside it has ten "
            "numbers, and ten times .1 is 1.", as_printed=lambda: len(printed.UNTRAINED)),
    computed("D23b", "003:874", "cross-entropy of ten equal probabilities, ln 10", 2.302585,
             lambda: tn.cross_entropy(np.zeros((1, 10)), [7]).item(), 6,
             printed=".1 for each class"),
    statement("D23c", "003:874", "the target of the digit 7, in the cross-entropy",
              "0 0 0 0 0 0 0 1 0 0", one_hot_is_the_label),
    statement("D23d", "003:895", "the update of a weight", "w = w_i - eta dL/dW",
              step_is_the_gradient, "It is the step of gradient descent of B08a."),
]  # fmt: skip
