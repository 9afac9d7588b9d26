"""X or O: from three hand-made features to a network that finds its own.

Slides    003_05cde12013bfe355.txt "CNN simple example" (after Brandon Rohrer), and
          001_2cc8296d8a649d23.txt "X?" and "Filters to Detect Features"
Question  How can a machine tell an X from an O when the letter is moved, shrunk, turned and bent?
Expect    the slide's 48 numbers, digit by digit, and features made by hand that know a shifted
          letter but not a bent one (65%); a trained network knows at least 99% of 1,000 unseen
Try       epochs=1, or noise=1.0 in `main`. And before you look: which letters will it mistake?
"""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import tinynet as tn
from tinynet import plot

from ..claim import at_least, at_most, equals

# The slide's X, as printed: ten rows where nine are right, the middle one twice, and ten numbers in
# the first.  (Its second X, 10 x 10 with stray cells, is beyond repair.)  # is 1, . is -1.
SLIDE_X = [
    "..........", ".#.....#.", "..#...#..", "...#.#...", "....#....",
    "....#....", "...#.#...", "..#...#..", ".#.....#.", ".........",
]  # fmt: skip
X = np.float32([[1 if c == "#" else -1 for c in row[:9]] for row in SLIDE_X[:4] + SLIDE_X[5:]])
O = np.where(  # noqa: E741
    abs(np.hypot(*(np.mgrid[:9, :9] - 4)) - 3) < 0.5, 1, -1
).astype(np.float32)  # (9, 9): the slides show an O, and print no numbers of it
FEATURES = {
    "\\": np.array([[1, -1, -1], [-1, 1, -1], [-1, -1, 1]], np.float32),
    "x": np.array([[1, -1, 1], [-1, 1, -1], [1, -1, 1]], np.float32),
    "/": np.array([[-1, -1, 1], [-1, 1, -1], [1, -1, -1]], np.float32),
}
# The map of the first feature, as the slide prints it.  The first number, nan here, is lost there.
SLIDE = np.array(
    [[np.nan, -0.11, 0.11, 0.33, 0.55, -0.11, 0.33],
     [-0.11, 1.00, -0.11, 0.33, -0.11, 0.11, -0.11],
     [0.11, -0.11, 1.00, -0.33, 0.11, -0.11, 0.55],
     [0.33, 0.33, -0.33, 0.55, -0.33, 0.33, 0.33],
     [0.55, -0.11, 0.11, -0.33, 1.00, -0.11, 0.11],
     [-0.11, 0.11, -0.11, 0.33, -0.11, 1.00, -0.11],
     [0.33, -0.11, 0.55, 0.33, 0.11, -0.11, 0.77]]
)  # fmt: skip


def truncated(numbers):
    """To two decimals, as the slide prints: 7/9 is 0.77, not 0.78."""
    return np.trunc(np.round(np.asarray(numbers, np.float64) * 100, 4)) / 100 + 0.0


# %% By hand: lay each feature on each place, multiply, add, divide by 9.  1 is a perfect match.
def match(letters, device):
    """(N, 9, 9) -> each step of the slide, with a channel for each feature"""
    kernels = np.stack(list(FEATURES.values()), axis=-1)[:, :, None]  # (3, 3, 1, 3)
    x = tn.Tensor(np.stack(letters)[..., None]).to(device)  # (N, 9, 9, 1)
    matches = tn.conv2d(x, tn.Tensor(kernels).to(device)) / 9  # (N, 7, 7, 3)
    positive = tn.relu(matches)
    pooled = tn.max_pool2d(positive, 2, ceil_mode=True)  # 7 to 4: the last window reaches out
    again = tn.max_pool2d(pooled, 2)  # stacked once more: (N, 2, 2, 3)
    return [step.numpy() for step in (matches, positive, pooled, again)]


def vote(letters, device):
    """Above 0 for X.  The slide's weights are lost; here each value votes for the letter in which
    it is larger, by as much as it is larger.  (N, 9, 9) -> (N,)"""
    x, o = match([X, O], device)[-1].reshape(2, 12)
    return (match(letters, device)[-1].reshape(-1, 12) - (x + o) / 2) @ (x - o)


def by_hand(seed, device):
    shifts = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    shifted = [np.roll(letter, shift, (0, 1)) for letter in (X, O) for shift in shifts]
    bent, truth = tn.data.xo(1000, np.random.default_rng(seed), size=9, noise=0)
    return {
        "steps": match([X], device),
        "shifted": (vote(shifted, device) > 0) == np.repeat([True, False], 9),
        "bent": float(((vote(bent[..., 0], device) > 0) == (truth == 0)).mean()),
    }


# %% Learnt: the same steps, but the features and the votes start as noise and are trained.
def network(x, parameters):
    """(N, 16, 16, 1) -> logits (N, 2), and the feature maps on the way."""
    w1, b1, w2, b2, w3, b3 = parameters
    maps = tn.relu(tn.conv2d(x, w1, b1, padding="same"))  # (N, 16, 16, 6)
    h = tn.max_pool2d(maps)  # (N, 8, 8, 6)
    h = tn.relu(tn.conv2d(h, w2, b2, padding="same"))  # (N, 8, 8, 12)
    h = tn.max_pool2d(h)  # (N, 4, 4, 12)
    return h.reshape(len(h), -1) @ w3 + b3, maps


def initial(rng, device):
    """Weights of He's scale, sqrt(2 / inputs), which keeps the signal alive through relu."""
    parameters = []
    for shape in ((3, 3, 1, 6), (3, 3, 6, 12), (4 * 4 * 12, 2)):
        w = rng.standard_normal(shape, dtype=np.float32) * math.sqrt(2 / math.prod(shape[:-1]))
        for start in (w, np.zeros(shape[-1], np.float32)):
            parameters.append(tn.Tensor(start, requires_grad=True, device=device))
    return parameters


def train(count, epochs, lr, noise, seed, device):
    rng = np.random.default_rng(seed)
    pictures, labels = tn.data.xo(count, rng, noise=noise)
    parameters = initial(rng, device)
    optimizer = tn.optim.SGD(parameters, lr, momentum=0.9)
    losses = []
    for _ in tqdm(range(epochs), desc="X or O", unit="epoch", disable=None, leave=False):
        for x, y in tn.data.batches(pictures, labels, size=32, rng=rng, device=device):
            optimizer.zero_grad()
            loss = tn.cross_entropy(network(x, parameters)[0], y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

    unseen, truth = tn.data.xo(1000, rng, noise=noise)
    with tn.no_grad():
        logits, maps = network(tn.Tensor(unseen).to(device), parameters)
    return {
        "losses": losses,
        "kernels": parameters[0].numpy(),
        "pictures": unseen,
        "truth": truth,
        "p_of_o": tn.softmax(logits).numpy()[:, 1],
        "maps": maps.numpy()[[np.argmax(truth == 0), np.argmax(truth == 1)]],
        "accuracy": float((logits.numpy().argmax(axis=1) == truth).mean()),
    }


def main(count=3000, epochs=6, lr=0.02, noise=0.5, seed=0, device="cpu", full=False):
    """full: ten times as many pictures to learn from."""
    results = train(count * (10 if full else 1), epochs, lr, noise, seed, device)
    return results | {"hand": by_hand(seed, device)}


def claims(results):
    hand = results["hand"]
    first, pool = (truncated(hand["steps"][i][0, :, :, 0]) for i in (0, 2))
    pooled = [[1, 0.33, 0.55, 0.33], [0.33, 1, 0.33, 0.55],
              [0.55, 0.33, 1, 0.11], [0.33, 0.55, 0.11, 0.77]]  # fmt: skip
    return [
        equals("rows of the slide's X, the middle one twice: 9 are right", 10, len(SLIDE_X)),
        equals("the same without: an X is its own mirror image", X, X[:, ::-1]),
        equals("the map's 48 printed numbers", SLIDE.ravel()[1:], first.ravel()[1:]),
        equals("its first number, lost on the slide", 0.77, first[0, 0]),
        equals("relu, max pool to 4 x 4 (computed, on no slide)", pooled, pool),
        equals("hand-made vote: right of 18 letters shifted by a pixel", 18, hand["shifted"].sum()),
        at_most("hand-made vote: share right of 1,000 bent letters", 0.8, hand["bent"]),
        at_least("trained network: share right of 1,000 unseen", 0.99, results["accuracy"]),
    ]


# %% The figures.
def show(results):
    return {
        "by_hand": draw_by_hand(results["hand"]),
        "kernels": draw_kernels(results),
        "mistakes": draw_mistakes(results),
    }


def draw_by_hand(hand):
    images, titles = [], []
    for k, (name, feature) in enumerate(FEATURES.items()):
        maps = [step[0, :, :, k] for step in hand["steps"]]
        images += [X, feature, *map(truncated, maps)]
        titles += ["X", f"feature {name}", "match / 9", "relu", "max pool", "max pool again"]
    title = "An X through three hand-made features (cut to two decimals, as the slide does)"
    return plot.grid(images, titles, title, columns=6, width=2.4, draw=plot.matrix)


def draw_kernels(results):
    kernels = [results["kernels"][:, :, 0, k] for k in range(6)]
    shown = [results["pictures"][np.argmax(results["truth"] == letter)] for letter in (0, 1)]
    figure, axes = plt.subplots(3, 7, figsize=(11, 5), layout="constrained")
    axes[0, 0].set_axis_off()
    for k in range(6):
        plot.matrix(axes[0, k + 1], kernels[k].round(1) + 0.0, f"kernel {k + 1}")
        for row in (0, 1):
            plot.picture(axes[row + 1, k + 1], results["maps"][row, :, :, k], f"map {k + 1}")
    for row, name in enumerate("XO"):
        plot.picture(axes[row + 1, 0], shown[row], f"an {name}")
    figure.suptitle("The six kernels that the network found, and what they see")
    return figure


def draw_mistakes(results):
    p, truth = results["p_of_o"], results["truth"]
    right = np.where(truth == 1, p, 1 - p)  # the probability that the network gives the truth
    wrong = int((right < 0.5).sum())
    worst = np.argsort(right)[: max(wrong, 10)]  # every mistake, and what was nearly one
    titles = [f"{'XO'[truth[i]]}: {right[i]:.1%}" for i in worst]
    title = f"Mistakes in 1,000 unseen pictures: {wrong}.  Shown with p(true letter), lowest first"
    return plot.grid(results["pictures"][worst], titles, title, columns=10)
