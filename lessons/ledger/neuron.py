"""The ledger's rows of the chapter neuron: one weighted sum, its bend, its loss, its gradient."""

from __future__ import annotations

import numpy as np

import tinynet as tn

from ..neuron import activations, backprop, dense, gradient_descent, loss, perceptron
from .row import computed, erratum, lost, reproduced, statement

# -- what the rows call, where a lesson has it not as one number -----------------------------------


def derivative_is_as_printed(name):
    operation, value, slope = activations.FUNCTIONS[name]
    z = np.linspace(-6, 6, 25)  # 0 is among them
    g, dg = activations.curve(operation, z)
    return np.allclose(g, value(z), atol=1e-6) and np.allclose(dg, slope(z, g), atol=1e-6)


def half_on_the_line():
    points = [[x1, perceptron.on_the_line(x1)] for x1 in (-4.0, 0.0, 2.5)]
    return np.allclose(perceptron.perceptron(tn.Tensor(points)).numpy(), 0.5, atol=1e-6)


def layer_is_its_neurons():
    z = dense.network(tn.Tensor([dense.INPUT]), dense.LAYERS)[0].numpy()[0]
    one_by_one = [dense.neuron(i, dense.INPUT, dense.W1, dense.B1) for i in range(len(z))]
    return np.array_equal(z, one_by_one)


def chain(*factors, of):
    """Whether the product of the slide's factors is the engine's derivative."""
    slopes = backprop.by_engine() | {"dy_hat/dw2": backprop.by_hand()["h"]}
    return bool(np.isclose(np.prod([slopes[f] for f in factors]), slopes[of], rtol=1e-12))


def labels_from_ticks():
    """A cross is a wrong prediction, a tick a right one; above 1/2 the prediction is 1."""
    said = np.array(loss.F) > 0.5
    return np.where(loss.TICKS_AS_LABELS, said, ~said).astype(int)


def under_the_second_brace():
    """(1 - y) log(1 - f): for the same actual y = 0, does it change with the predicted f?"""
    low, high = (tn.bce(tn.Tensor([f]), tn.Tensor([0.0])).item() for f in (0.1, 0.8))
    return "Predicted" if low != high else "Actual"


def code_of_the_formula():
    """Which function gives the printed formula's number."""
    softmax = loss.readings_of_printed_code()
    found = {"softmax": [softmax["column"], softmax["row"]], "sigmoid": [loss.bce_of_logits()]}
    right = loss.slide_bce(loss.LABELS)
    name = next(name for name, values in found.items() if np.isclose(values, right).any())
    return f"{name}_cross_entropy_with_logits"


def mean_of_single_losses():
    f, y = tn.Tensor(loss.F), tn.Tensor(loss.LABELS)
    single = tn.bce(f, y, reduction="none").numpy()
    return bool(np.isclose(loss.slide_bce(loss.LABELS), single.sum() / len(single)))


def steps(size, n=8, lr=0.1):
    """The first step of batches of `size`, over lr: by it, the gradient that was followed."""
    x, y, _, _ = gradient_descent.examples(n, 0, "cpu")
    path = gradient_descent.descend(
        gradient_descent.line, x, y, gradient_descent.START, lr, size, 1
    )
    single = gradient_descent.gradients(1, x, y, count=n)
    whole = gradient_descent.gradients(n, x, y, count=1)[0]
    return (path[0] - path[1]) / lr, single, whole


def step_is_the_gradient():
    step, _, whole = steps(size=8)
    return np.allclose(step, whole, rtol=1e-4)


def step_of_one_example():
    """Which gradient moved the weights: of example i, or of all?"""
    step, single, whole = steps(size=1)
    if np.allclose(step, whole, rtol=1e-4):
        return "dJ/dW"
    return "dJ_i/dW" if np.isclose(step, single, rtol=1e-4).all(axis=1).any() else "neither"


def batch_is_the_mean():
    _, single, whole = steps(size=8)
    return np.allclose(single.mean(axis=0), whole, rtol=1e-4)


def batch_is_less_noisy():
    x, y, _, _ = gradient_descent.examples(64, 0, "cpu")
    true = gradient_descent.gradients(64, x, y, count=1)[0]
    of_1, of_16 = (gradient_descent.gradients(size, x, y, count=64) for size in (1, 16))
    noise = [gradient_descent.distance(found, true).mean() for found in (of_1, of_16)]
    return bool(noise[1] < noise[0] / 3)


def rows_that_fit():
    """How many rows W must have, for an x of four numbers."""
    for rows in range(1, 9):
        try:
            dense.slide_example(dense.ONES, [[0, 0, 0]] * rows)
            return rows
        except ValueError:
            continue
    return None


def vanished(kind):
    norms = activations.gradient_norms(kind, 10, 64, 64, 0, "cpu")
    return bool(norms[0] < 1e-5 * norms[-1])


def classes_of(share):
    """Of how many classes each gets this share, if softmax is given equal logits."""
    shares = {k: tn.softmax(tn.Tensor(np.zeros(k))).numpy()[0] for k in range(1, 20)}
    return next(k for k, got in shares.items() if np.isclose(got, share))


def one_hot_is_the_label(target, label):
    z = tn.Tensor(np.random.default_rng(0).normal(size=(1, 10)))
    by_hand = -(tn.log_softmax(z) * np.float64([target])).sum().item()
    return bool(np.isclose(by_hand, tn.cross_entropy(z, [label]).item()))


# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    statement("B01a", "001:162", "sigmoid: its derivative, tried at 25 places",
              "g(z)(1 - g(z))", lambda: derivative_is_as_printed("sigmoid")),
    statement("B01b", "001:173", "tanh: its derivative", "1 - g(z)^2",
              lambda: derivative_is_as_printed("tanh")),
    statement("B01c", "001:184", "ReLU: its derivative, at z = 0 too", "1 if z > 0, else 0",
              lambda: derivative_is_as_printed("ReLU"),
              why="At z = 0 there is no derivative. The slide's 0 is a convention, and tinynet's."),
    computed("B01d", "001:162", "sigmoid: its steepest slope, at z = 0", 0.25,
             lambda: activations.curve(tn.sigmoid, np.array([0.0]))[1][0]),
    computed("B02a", "001:232", "the terms 1, 3 * -1 and -(2 * 2)", [1, -3, -4],
             lambda: perceptron.slide_example()["terms"]),
    reproduced("B02b", "001:232", "z = 1 + (3 * -1) - (2 * 2)", -6,
               lambda: perceptron.slide_example()["z"]),
    reproduced("B02c", "001:232", "g(-6)", 0.002, lambda: perceptron.slide_example()["y"], 3),
    statement("B02d", "001:219", "where the answer is 1/2", "1 + 3 x1 - 2 x2 = 0",
              half_on_the_line),
    statement("B03", "001:265", "each neuron of a layer has its own sum", "z_i = w_0i + sum x w",
              layer_is_its_neurons),
    lost("B04", "001:299", '"Will I pass this class?": what the network says, and what was right',
         None, "They stood in the drawing, of which no text is left."),
    statement("B05", "001:323", "empirical loss", "the mean of single losses",
              mean_of_single_losses),
    erratum(10, "B06a", "001:336", "y, for predictions of 0.1, 0.8 and 0.6", "cross cross tick",
            [1, 0, 1], labels_from_ticks,
            why="The lecture that the slide was taken from, MIT 6.S191, is outside the slides; "
            "it has 1, 0, 1 too."),
    computed("B06b", "001:341", "cross-entropy J with y = (1, 0, 1)", 1.4743,
             lambda: loss.slide_bce(loss.LABELS), 4),
    computed("B06c", "001:341", "J if cross, cross, tick were labels, (0, 0, 1)", 0.7419,
             lambda: loss.slide_bce(loss.TICKS_AS_LABELS), 4),
    erratum(11, "B06d", "001:341", "what stands under the second brace", "Actual", "Predicted",
            under_the_second_brace),
    erratum(12, "B06e", "001:347", "the function that gives the formula's J",
            "softmax_cross_entropy_with_logits", "sigmoid_cross_entropy_with_logits",
            code_of_the_formula, as_printed=lambda: loss.readings_of_printed_code()["column"],
            gives=0),
    computed("B06f", "001:347", "the printed code on three students in a row", 2.5791,
             lambda: loss.readings_of_printed_code()["row"], 4),
    computed("B06g", "001:347", "the printed code with two classes: loss of perfect predictions",
             0.3133, lambda: loss.readings_of_printed_code()["perfect"], 4),
    lost("B07a", "001:363", "mean squared error of the grades 30, 80, 85", None,
         "In the place of y are a cross, a cross and a tick, and no tick gives back a grade."),
    computed("B07b", "001:363", "the same grades with y = (90, 20, 95), which is from outside "
             "the slides: MIT 6.S191", 2433.33,
             lambda: loss.slide_mse(loss.GRADES_FROM_OUTSIDE), 2),
    statement("B08", "001:444", "a step of gradient descent", "W <- W - lr dJ/dW",
              step_is_the_gradient),
    statement("B09a", "001:467", "the chain rule for w2", "dJ/dy * dy/dw2",
              lambda: chain("dJ/dy_hat", "dy_hat/dw2", of="dJ/dw2")),
    statement("B09b", "001:485", "the chain rule for w1", "dJ/dy * dy/dz1 * dz1/dw1",
              lambda: chain("dJ/dy_hat", "dy_hat/dz1", "dz1/dw1", of="dJ/dw1")),
    erratum(13, "B10", "001:534", "the gradient that step 5 subtracts, for one example i",
            "dJ/dW", "dJ_i/dW", step_of_one_example),
    statement("B11a", "001:564", "the gradient of a batch", "1/B sum dJ_k/dW", batch_is_the_mean),
    statement("B11b", "001:583", "16 examples against one: how far from the true gradient",
              "much better estimate", batch_is_less_noisy),
    reproduced("C04", "002:121", "ReLU on -1 3 2 / 1 -2 1 / -1 1 3",
               [[0, 3, 2], [1, 0, 1], [0, 1, 3]],
               lambda: activations.relu_of(activations.RELU_INPUT)),
    computed("C08b", "002:240", "total error of cat 0.8, dog 0.2; that it is a cat is assumed, for "
             "no target is printed", 0.04, loss.total_error, 4),
    statement("C11", "002:334", "ten sigmoid layers: the first gets less than 1/100,000 of the "
              "last one's gradient", "nearly zero", lambda: vanished("sigmoid")),
    computed("C14a", "002:513", "y of Dense(2), Dense(3), Dense(4) on ones (3, 3)", (3, 4),
             lambda: dense.keras_example(0)[0][-1]),
    computed("C14b", "002:501", "parameters of these three layers, 8 + 9 + 16", 33,
             lambda: dense.keras_example(0)[1]),
    erratum(19, "C15a", "002:568", "rows of W, for an x of four numbers", 3, 4, rows_that_fit,
            as_printed=lambda: len(dense.PRINTED_W)),
    computed("C15b", "002:570", "x W + b for x = (1, 1, 1, 1), W with a row 10 11 12",
             [23, 28, 33], lambda: dense.slide_example(dense.ONES)),
    computed("C15c", "002:568", "x W + b for x = (1, 2, 3, 4), W with that row", [71, 82, 93],
             lambda: dense.slide_example(dense.COUNTING)),
    computed("C15d", "002:570", "W as it is printed, with three ones", [13, 17, 21],
             lambda: dense.slide_example([1, 1, 1], dense.PRINTED_W)),
    erratum(22, "D23a", "003:873", "classes with .1 each, when none is preferred", 13, 10,
            lambda: classes_of(0.1), as_printed=lambda: len(loss.PRINTED_OUTPUT)),
    computed("D23b", "003:874", "cross-entropy of an untrained network, ln 10", 2.302585,
             loss.untrained_loss, 6),
    statement("D23c", "003:874", "as a target for cross-entropy, 0 0 0 0 0 0 0 1 0 0 is",
              'digit "7"', lambda: one_hot_is_the_label([0, 0, 0, 0, 0, 0, 0, 1, 0, 0], 7)),
]  # fmt: skip
