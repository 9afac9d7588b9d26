"""Keras: one network built in three ways, and a graph that no stack of layers can be.

Slides    002_cc530217572c2621.txt "These are keras modules" to "Weights can be accessed from
          layers", with "DAG ex." and "Default Batch Size in Keras = 32"
Question  What is the difference between Sequential, the functional API and a class of one's own?
Expect    none in the numbers: with the same weights they agree to the last bit, before a training
          and after it.  And a graph of two inputs and three outputs that reads two digits with one
          set of weights: 88% right (MNIST) after three epochs of 3,000 pairs
Try       a layer each for `one` and `two` in `graph`, in the place of the shared `read`
"""

from __future__ import annotations

import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import Concatenate, Dense

from .. import pictures
from ..claim import at_least, at_most, equals


# %% First way: a stack.  The slide leaves the activations open.  The hidden ones are tanh here: so
#    few relu neurons might give nothing but zeros, and zeros agree too easily.
def sequential(rng):
    layer1 = Dense(2, activation="tanh", name="layer1")
    layer2 = Dense(3, activation="tanh", name="layer2")
    return tn.Sequential([layer1, layer2, Dense(4, name="layer3")], input_shape=(3,), rng=rng)


# %% Second way: a graph.  A layer that is called with a value without numbers, of which only the
#    shape is known, gives the next such value.  The slide's keras.layers.Layer3(layer2(...)) does
#    not exist: one calls the layers that one has made, layer3(layer2(layer1(x))).
def functional(rng):
    layer1 = Dense(2, activation="tanh", name="layer1")
    layer2 = Dense(3, activation="tanh", name="layer2")
    layer3 = Dense(4, name="layer3")
    x = tn.Input((3,))
    return tn.Model(x, layer3(layer2(layer1(x))), rng=rng)


# %% Third way: a class.  Its layers are attributes, and forward (in Keras: call) says in plain
#    Python how they follow each other, with if, for and print where one likes.
class Subclass(tn.Module):
    def __init__(self):
        self.layer1 = Dense(2, activation="tanh")
        self.layer2 = Dense(3, activation="tanh")
        self.layer3 = Dense(4)

    def forward(self, x):
        return self.layer3(self.layer2(self.layer1(x)))


def three_ways(seed, device):
    rng = np.random.default_rng(seed)
    stack, network, module = sequential(rng), functional(rng), Subclass().build((3,), rng)
    ways = {"Sequential": stack, "functional": network, "subclass": module}
    start = stack.state_dict()
    x = tn.Tensor(rng.normal(size=(3, 3)).astype(np.float32)).to(device)
    target = tn.Tensor(np.eye(3, 4, dtype=np.float32)).to(device)
    results = {"parameters": [], "before": [], "after": []}
    for way, model in ways.items():
        model.load_state_dict(start)  # each had drawn its own
        model.to(device)
        results["before"].append(model(x).numpy())
        tn.fit(model, [(x, target)] * 20, tn.mse, tn.optim.Adam(model.parameters()), 1,
               progress=False)  # fmt: skip
        results["after"].append(model(x).numpy())
        results["parameters"].append([row.parameters for row in model.rows() if row.parameters])
        print(f"\n{way}:")
        model.summary()
    return results | {"functional": network}


# %% layers, add and pop: a model is a stack of plates.  The weights of a layer are layer.weights in
#    Keras, and layer.weights() here (the slide's Layer.layers.weights does not exist).  A layer
#    that has not seen an input has none: it cannot know the height of its matrix.
def stack(seed, device):
    model = sequential(np.random.default_rng(seed)).to(device)
    zeros, ones = np.zeros((3, 3), np.float32), np.ones((3, 3), np.float32)
    y = [model(tn.Tensor(x).to(device)).numpy() for x in (zeros, ones)]
    heights = [len(model.layers)]
    model.add(Dense(10))
    heights.append(len(model.layers))
    model.pop()
    heights.append(len(model.layers))
    weights = [w.shape for w in model.layers[2].weights().values()]
    return {"zeros": y[0], "ones": y[1], "heights": heights, "weights": weights}


# %% "DAG ex.", of which only "784 dim. vector" is left.  Two pictures go in as bytes: preprocessing
#    can be part of a model.  The same layer reads both.  A branch joins what it has read.
class Rescale(tn.Module):
    def forward(self, x):
        return x * (1 / 255)  # (N, D)


def graph(rng):
    """[(N, 784), (N, 784)] -> logits [(N, 10), (N, 10), (N, 1)]: digit, digit, first larger?"""
    one, two = tn.Input((784,), name="one"), tn.Input((784,), name="two")
    rescale, read, digit = Rescale(), Dense(64, "relu", name="read"), Dense(10, name="digit")
    a, b = read(rescale(one)), read(rescale(two))
    first = digit(a)
    larger = Dense(1, name="larger")(Dense(32, "relu")(Concatenate()([a, b])))
    return tn.Model([one, two], [first, digit(b), larger], rng=rng)


def three_losses(outputs, labels):  # labels (N, 2)
    one, two, larger = outputs
    is_larger = tn.Tensor((labels.data[:, :1] > labels.data[:, 1:]).astype(np.float32))
    read = tn.cross_entropy(one, labels[:, 0]) + tn.cross_entropy(two, labels[:, 1])
    return read + tn.bce_with_logits(larger, is_larger)


def first_digit(outputs, labels):
    return tn.metrics.accuracy(outputs[0], labels[:, 0])


# %% The gradient of a shared weight is the sum of what its uses ask for.
def shared_gradients(network, x):
    """d loss / d read.kernel, where the loss is of both digits; of the first; of the second."""
    gradients, kernel = [], network.weights()["read.kernel"]
    for chosen in ([0, 1], [0], [1]):
        kernel.grad, outputs = None, network(x)
        sum((outputs[i] ** 2).mean() for i in chosen).backward()
        gradients.append(tn.Tensor(kernel.grad).numpy())
    return gradients


# %% The losses of the slide: binary cross-entropy, MSE, "Hung.", which is hinge, and CTC.  Hinge is
#    one line, and CTC, for sequences of unknown timing such as speech, is not here.
#    hinge = mean max(0, 1 - t s)   for targets t of -1 and 1, and scores s
def losses():
    s, y = tn.Tensor([[0.6, 0.4], [0.4, 0.6]]), tn.Tensor([[0.0, 1.0], [0.0, 0.0]])
    hinge = tn.maximum(0, 1 - (2 * y - 1) * s).mean()
    return [round(loss.item(), 4) for loss in (tn.bce(s, y), tn.mse(s, y), hinge)]


def pairs(digits, labels):
    """Each picture, in bytes, and the one before it.  -> (N, 784), (N, 784), (N, 2)"""
    x = np.round(digits * 255).reshape(-1, 784)
    return x, np.roll(x, 1, axis=0), np.stack([labels, np.roll(labels, 1)], axis=1)


def main(count=3000, test=1000, epochs=3, seed=0, device="cpu", full=False):
    """full: all digits, and five epochs."""
    count, test, epochs = (None, None, 5) if full else (count, test, epochs)
    data, rng = pictures.mnist(count, test, seed), np.random.default_rng(seed)
    network = graph(rng).to(device)
    train = tn.data.batches(*pairs(data.train, data.train_labels), rng=rng, device=device)
    history = tn.fit(
        network, train, three_losses, tn.optim.Adam(network.parameters()), epochs,
        validation=pairs(data.test, data.test_labels), metrics=[first_digit],
    )  # fmt: skip
    return {
        "source": data.source,
        "ways": three_ways(seed, device),
        "stack": stack(seed, device),
        "losses": losses(),
        "default size": tn.data.batches(np.zeros(60_000)).size,
        "graph": network,
        "history": history,
        "gradients": shared_gradients(network, next(iter(train))[:2]),
    }


def claims(results):
    ways, plates, history = results["ways"], results["stack"], results["history"]
    both, first, second = results["gradients"]
    counted = [row.parameters for row in results["graph"].rows() if row.parameters]
    return [
        equals("parameters of the layers, each way", [[8, 9, 16]] * 3, ways["parameters"]),
        equals("in all", [33] * 3, np.sum(ways["parameters"], axis=1)),
        equals("y, three ways alike", [ways["before"][0]] * 3, ways["before"]),
        equals("after 20 steps of training", [ways["after"][0]] * 3, ways["after"]),
        equals("y of x = zeros (3, 3): shape", (3, 4), plates["zeros"].shape),
        equals("its largest number: biases begin at 0", 0, abs(plates["zeros"]).max()),
        equals("y of x = ones (3, 3): different rows", 1, len(np.unique(plates["ones"], axis=0))),
        equals("layers: at first, after add, after pop", [3, 4, 3], plates["heights"]),
        equals("weights of layer3", "(3, 4) (4,)", " ".join(map(str, plates["weights"]))),
        equals("default batch size", 32, results["default size"]),
        equals("losses: BCE, MSE, hinge", [0.8149, 0.31, 1.3], results["losses"]),
        equals("graph: parameters, shared ones once", [50240, 650, 4128, 33], counted),
        at_most("shared gradient less its two parts", 1e-5, abs(both - first - second).max()),
        at_least("which digit: test accuracy", 0.8, history["validation first_digit"][-1]),
    ]


# %% The figures.
def show(results):
    source = results["source"]
    return {
        "stack": plot.graph(results["ways"]["functional"], "A stack, as a graph"),
        "graph": plot.graph(results["graph"], "Two inputs, shared layers, a branch, three outputs"),
        "training": results["history"].plot(f"One graph, three answers: pairs of {source}"),
    }
