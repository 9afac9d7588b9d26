# %% [markdown]
# # Cycle GAN: a translation that can be undone, right or wrong
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Cycle GANs", "GANs vs
# Cycle GANs"
#
# **Question.** "CycleGAN learns transformations across domains with unpaired data", says the
# slide. So nobody shows a sentence together with its translation. How can one learn to translate
# from that? And who says that the translation is right?
#
# **You will see.** Two networks that translate six clusters into six others and back. What goes
# wrong if they do not have to agree. Three runs with three different dictionaries. Clothes that
# get new colors, where the right answer is known.
#
# **Try.** `python -m lessons cycle_gan --set CYCLE=0.5`: the way back counts a tenth as much. For
# the points it is then at least ten times as far off.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, data, size, table
from lessons.shared.draw import cycle_gan as draw
from tinynet.layers import Dense, Flatten

SEEDS = size([0], [0, 1, 2], [0, 1, 2, 3, 4, 5])  # a run of each experiment for each
CYCLE = 5.0  # how much the way back counts, lambda
RATE = 0.002  # the learning rate at the start
STEPS = size(200, 1500)  # of a run with points
PICTURE_STEPS = size(60, 400)  # of a run with pictures
CLOTHES = size(2000, 6000)  # pictures that are loaded, of all ten classes

# %% [markdown]
# ## From one set of data to another
#
# **A GAN turns noise into data. A cycle GAN turns data into other data**: photographs of horses
# become zebras, and a summer becomes a winter. The slide writes "Gaussian noise → target data
# manifold" for the first, and "data manifold X → data manifold Y" for the second. (**Manifold**
# means here: the places where the data lie.)
#
# If someone gave us pairs, each horse beside the same animal as a zebra, this would be ordinary
# supervised learning. Such pairs do not exist. There is a heap of examples $x$ and another heap
# of examples $y$. They are **unpaired**: nobody says which $x$ belongs to which $y$.
#
# Our first two heaps are points. $X$ is a ring of six small clusters. $Y$ has six clusters on a
# line. Each cluster is a round bell with the standard deviation $\sigma = 0.12$. We number the
# clusters from 0 to 5, in the order in which they stand, but the networks do not get the numbers.

# %%
line = np.stack([np.arange(6) - 2.5, np.zeros(6)], axis=1)  # the middles of Y's clusters


def ring_points(count, rng):
    return tn.data.rings(count, rng, clusters=6, spread=0.12)  # points (N, 2), clusters (N,)


def line_points(count, rng):
    middle = line[rng.integers(6, size=count)]
    return np.float32(middle + 0.12 * rng.standard_normal((count, 2)))


rng = np.random.default_rng(99)  # for what is measured; each run has a generator of its own
x, cluster = ring_points(1200, rng)
y = line_points(1200, rng)
assert CYCLE > 0, f"CYCLE is {CYCLE:g}. Give more than 0: runs without the cycle come anyway."
assert STEPS >= 1, f"STEPS is {STEPS}. Give at least 1."
assert PICTURE_STEPS >= 1, f"PICTURE_STEPS is {PICTURE_STEPS}. Give at least 1."
assert CLOTHES >= 600, f"CLOTHES is {CLOTHES}. Give at least 600: only two of ten kinds are used."

# %% [markdown]
# ## Two translators, and two that judge them
#
# The slide shows no formula. This is how Zhu and others, who invented it in 2017, do it. There
# are four networks:
#
# - the generator $G$ translates from $X$ to $Y$, and the generator $F$ from $Y$ to $X$;
# - the discriminator $D_Y$ gets points of $Y$ and translations $G(x)$. It says how probable it is
#   that a point is **fake**, a translation. $D_X$ does the same on the other side.
#
# Generators and discriminators have the same contests as in the lesson `gan`, with the same
# losses. $D$ ends with a number $s$, its logit, and $-\log D$ is the softplus $\log(1 + e^{-s})$.
# $G$ makes $-\log(1 - D_Y(G(x)))$ small, and $F$ makes $-\log(1 - D_X(F(y)))$ small.
#
# So far $G$ only learns to hit the heap $Y$. It could translate a horse into any zebra. The new
# idea is a **cycle**: translate there and back again, and you must be where you began.
#
# $$L_{\text{cycle}} = \text{mean}\,|F(G(x)) - x| + \text{mean}\,|G(F(y)) - y|$$
#
# $|\cdot|$ is the absolute value, of each coordinate. $G$ and $F$ together make their two losses
# of the contest small, plus $\lambda$ times $L_{\text{cycle}}$. We take $\lambda = 5$, and for
# comparison $\lambda = 0$: no cycle.


# %%
def discriminator_loss(of_fake, of_real):
    """-log D of fakes - log(1 - D) of real samples, from D's logits"""
    return tn.softplus(-of_fake).mean() + tn.softplus(of_real).mean()


def generator_loss(of_fake):
    return tn.softplus(of_fake).mean()  # -log(1 - D)


def contest(G, F, D_X, D_Y, weight, steps, batches, rate=RATE):
    """Let the four learn.  weight: lambda.  batches: yields x and y.  rate: of G and F"""
    rates = [tn.schedules.Cosine(first, steps) for first in (rate, RATE)]
    translators = tn.optim.Adam(G.parameters() + F.parameters(), rates[0], beta_1=0.5)
    judges = tn.optim.Adam(D_X.parameters() + D_Y.parameters(), rates[1], beta_1=0.5)
    for _, (real_x, real_y) in zip(range(steps), batches, strict=False):
        fake_y, fake_x = G(real_x), F(real_y)

        judges.zero_grad()
        loss_x = discriminator_loss(D_X(fake_x.detach()), D_X(real_x))
        loss_y = discriminator_loss(D_Y(fake_y.detach()), D_Y(real_y))
        (loss_x + loss_y).backward()
        judges.step()

        translators.zero_grad()
        loss = generator_loss(D_Y(fake_y)) + generator_loss(D_X(fake_x))
        if weight:
            loss = loss + weight * (tn.mae(F(fake_y), real_x) + tn.mae(G(fake_x), real_y))
        loss.backward()
        translators.step()


# %% [markdown]
# Each of the four networks has two hidden layers of 48 neurons. We run the contest without and
# with the cycle, for three seeds. Then we translate 1,200 new points and measure:
#
# - **way back:** the mean distance from $F(G(x))$ to $x$;
# - **within 3 sigma:** the share of the translations $G(x)$ that lie within $3 \sigma = 0.36$ of
#   the middle of a cluster of $Y$ (these middles are 1 apart);
# - **reached:** how many clusters of $Y$ are the nearest one for at least 4% of the translations
#   (a fair share would be 16.7%);
# - **dictionary:** for the clusters 0 to 5 of $X$, one after the other, the cluster of $Y$ to
#   which most of their points go;
# - **right:** how many of these six words are right, if cluster 0 of $X$ means cluster 0 of $Y$,
#   cluster 1 means cluster 1, and so on. Nobody tells this to the networks. Whoever guesses has
#   one right word, on average.
#
# The last row, with the word "none", is the simplest translation, without a network. It shifts
# and scales each coordinate, so that the points of $X$ get the mean and the standard deviation of
# $Y$.


# %%
def match(a, b, axis):
    """a with the mean and the standard deviation of b"""
    return (a - a.mean(axis=axis)) / a.std(axis=axis) * b.std(axis=axis) + b.mean(axis=axis)


def measures(there, back):
    """What the tables say about G(x) and F(G(x))."""
    distance = np.linalg.norm(there[:, None] - line, axis=2)  # (N, 6)
    nearest = distance.argmin(axis=1)
    words = [int(np.bincount(nearest[cluster == k]).argmax()) for k in range(6)]
    reached = int((np.bincount(nearest, minlength=6) >= 0.04 * len(there)).sum())
    way_back = np.linalg.norm(back - x, axis=1).mean()
    right = sum(word == k for k, word in enumerate(words))
    return way_back, (distance.min(axis=1) < 0.36).mean(), reached, words, right


def network(shape, neurons, rng, flatten=False):
    parts = [Dense(number, activation="relu") for number in neurons[:-1]]
    parts = [Flatten()] * flatten + parts + [Dense(neurons[-1])]
    return tn.Sequential(parts, input_shape=shape, rng=rng)


def point_batches(rng):
    while True:
        yield ring_points(96, rng)[0], line_points(96, rng)


points, results = {}, {}
for weight in (0, CYCLE):
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        G, F, D_X, D_Y = (network((2,), (48, 48, outputs), rng) for outputs in (2, 2, 1, 1))
        contest(G, F, D_X, D_Y, weight, STEPS, point_batches(rng))
        there = tn.predict(G, x)
        points[weight, seed] = there, tn.predict(F, there)
        results[weight, seed] = measures(*points[weight, seed])

runs = [(f"{weight:g}", seed, found) for (weight, seed), found in results.items()]
rows = []
for name, seed, found in [*runs, ("none", "", measures(match(x, y, 0), x))]:
    back, near, reached, words, right = found
    numbers = f"{back:.3f}", f"{near:.0%}", reached, " ".join(map(str, words)), right
    rows.append([name, seed, *numbers])
table(["lambda", "seed", "way back", "within 3 sigma", "reached", "dictionary", "right"], rows)
far = np.linalg.norm(x - np.random.default_rng(0).permutation(x), axis=1).mean()
real = (np.linalg.norm(y[:, None] - line, axis=2).min(axis=1) < 0.36).mean()
print(f"Two random points of X are {far:.2f} apart on average.")
print(f"Of real points of Y {real:.0%} lie within 3 sigma.")
draw.cycles(x, cluster, y, points, line, [(w, s) for w in (0, CYCLE) for s in SEEDS[:3:2]])

# %% [markdown]
# In the figure, each column is a run. Threads lead from points $x$ at the top to $G(x)$ in the
# middle, and on to $F(G(x))$ at the bottom. The colors are the clusters of $X$ from which the
# points come. The pale dots behind $G(x)$ are real points of $Y$, with the numbers of their
# clusters. The colored numbers at the bottom show where each cluster began.
#
# - **Without the cycle** most translations lie in clusters of $Y$, but as thin strokes, not as
#   round bells. $F$ and $G$ use different dictionaries. So $F(G(x))$ is about as far from $x$ as
#   a random point of $X$: 2.4 to 3.1, against 2.56. At the bottom of the figure most colors have
#   changed their places.
# - **With the cycle** $G$ and $F$ use the same dictionary. $F(G(x))$ is nearly $x$: the colors
#   return to their places.
# - **For these points fewer translations hit a cluster with the cycle:** 76% instead of 94%.
#   Shifting and scaling has 72%. More strokes reach between the clusters. And the clusters of $X$
#   are kept apart without the cycle as well: the dictionaries without it have six different words
#   each. (Nothing in the loss asks for this.)
# - **Shifting and scaling** can be undone, too. But the clusters 1 and 5 of $X$ land on the same
#   cluster of $Y$, and so do 2 and 4. The clusters 2 and 3 in the middle get few points. (One of
#   them counts as reached, because at least 4% of the points are nearest to it.)
#
# ## Reversible is not right
#
# Look at the dictionaries with the cycle. Each seed has a different one, and most of the words
# are wrong. Still, every run with the cycle comes back. There are $6! = 720$ ways to pair six
# clusters with six others. Every exact pairing would hit the heap $Y$, and every one can be
# undone. So the loss has no reason to prefer one of them. (Seed 2 is no pairing, as the last
# column of the figure shows: most points of the clusters 2 and 3 of $X$ go to cluster 5, and no
# cluster of $X$ has the word 4. Cluster 4 only gets smaller parts. It can still be undone.)
#
# Imagine two languages of which we only have books, and no translated book. A dictionary in which
# all words are exchanged at random brings us back to our first sentence, too.
#
# ## Clothes in other colors
#
# So how can a horse become the right zebra? A picture has a shape, and the shape can say what is
# what. To test this we need a translation whose right answer is known. We take T-shirts and
# sneakers of Fashion-MNIST, shrink them to 14 x 14 pixels, and color them ourselves:
#
# - In $X$, T-shirts are red and sneakers are blue.
# - In $Y$, T-shirts are green (a bluish one) and sneakers are orange.
#
# The pictures of $Y$ are other clothes than those of $X$, so nothing is paired. But we know the
# right translation of each picture: the same piece of clothing in the colors of $Y$.
#
# The translators look at **one pixel at a time**: a network with 3 inputs (red, green, blue), 32
# hidden neurons and 3 outputs. They can change a color, but no shape. (Real CycleGANs use
# convolutions, which can also change textures.) The discriminators see whole pictures. Here we
# train for 400 steps. $G$ and $F$ get twice the learning rate that they had for the points.
# Otherwise some runs would not be finished.
#
# Then we do it again with one difference: **a coin** decides about the color of each piece. The
# shape says nothing now. Red may become green and blue orange, or the other way round. We still
# call red to green and blue to orange "right", to have a name for it.


# %%
clothes = data.fashion_mnist(CLOTHES, CLOTHES // 6)
colors_x = np.float32([[0.9, 0.2, 0.2], [0.2, 0.3, 0.9]])  # red, blue
colors_y = np.float32([[0.1, 0.65, 0.48], [0.95, 0.6, 0.1]])  # bluish green, orange


def two_kinds(pictures, labels):
    """T-shirts and sneakers of 14 x 14 pixels, and 1 for each sneaker, 0 for each shirt."""
    some = (labels == 0) | (labels == 7)
    small = pictures[some].reshape(-1, 14, 2, 14, 2, 1).mean(axis=(2, 4))
    return small, (labels[some] == 7).astype(int)


def colored(gray, which, colors):
    """(N, 14, 14, 1), (N,) -> (N, 14, 14, 3)"""
    return gray * colors[which][:, None, None]


def picture_batches(gray, which, rng):
    """The first half of the pictures is X, the second half Y."""
    half = len(gray) // 2
    real_x = colored(gray[:half], which[:half], colors_x)
    real_y = colored(gray[half:], which[half:], colors_y)
    while True:
        yield real_x[rng.integers(half, size=32)], real_y[rng.integers(half, size=32)]


def error(a, b):
    return abs(a - b).mean()


gray, sneaker = two_kinds(clothes.train, clothes.train_labels)
test_gray, test_sneaker = two_kinds(clothes.test, clothes.test_labels)
coin = np.random.default_rng(98)
rules = {
    "kind": (sneaker, test_sneaker),
    "coin": (coin.integers(2, size=len(gray)), coin.integers(2, size=len(test_gray))),
}
shown, errors = {}, {}
for rule, weight in (("kind", 0), ("kind", CYCLE), ("coin", CYCLE)):
    which, test_which = rules[rule]
    given = colored(test_gray, test_which, colors_x)
    right, exchanged = (colored(test_gray, w, colors_y) for w in (test_which, 1 - test_which))
    shown[rule] = {"given": given, "right": right}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        G, F = (network((14, 14, 3), (32, 3), rng) for _ in range(2))
        D_X, D_Y = (network((14, 14, 3), (64, 1), rng, flatten=True) for _ in range(2))
        batches = picture_batches(gray, which, rng)
        contest(G, F, D_X, D_Y, weight, PICTURE_STEPS, batches, rate=2 * RATE)
        shown[rule][f"seed {seed}"] = there = tn.predict(G, given)
        back = error(tn.predict(F, there), given)
        errors[rule, weight, seed] = error(there, right), error(there, exchanged), back

given, right, *_ = shown["kind"].values()
leave, matched = error(given, right), error(match(given, right, (0, 1, 2)), right)
rows = [[r, f"{w:g}", s, *(f"{e:.4f}" for e in found)] for (r, w, s), found in errors.items()]
table(["colors by", "lambda", "seed", "error", "to exchanged colors", "way back"], rows)
print(f"No network, by kind: error {leave:.4f} if left alone, {matched:.4f} if shifted and scaled")
draw.clothes(shown, test_sneaker, clothes.source)

# %% [markdown]
# "Error" is the mean absolute difference from the right colors, which are numbers from 0 to 1.
# "To exchanged colors" is the mean absolute difference from pictures in which green and orange
# are exchanged. The line below the table has two ways without a network: the picture is left as
# it is, or each of its three colors is shifted and scaled, as the points above.
#
# - **Colors by kind:** each run finds the right colors. Its error is far below those of the two
#   simple ways. Orange T-shirts do not occur in $Y$, and $D_Y$ sees it by the shape. So here the
#   loss does prefer the right translation. It does so even without the cycle, with larger errors.
# - **Colors by coin:** each run finds a clean translation that can be undone. Either its error is
#   small, or its difference from the exchanged colors is. Which of the two it will be depends on
#   the seed alone. With the seeds 0 to 8 we saw six right ones and three exchanged ones. (This is
#   not certain. With a purer green, 0.1, 0.65, 0.2, seed 1 exchanged the colors, and $F$ did not
#   undo it.)
#
# **The cycle makes a translation reversible. It does not make it right.** For this, the loss
# needs a reason to prefer the right one. Here it is the shape. The translators cannot change it,
# and it goes together with the color in both heaps. With the coin the shape is still there, but
# it says nothing about the color.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
without = min(results[0, seed][0] for seed in SEEDS)
there_and_back = max(results[CYCLE, seed][0] for seed in SEEDS)
claim(
    "With the cycle F(G(x)) is on average at most 0.1 away from x, without it at least 1",
    there_and_back <= 0.1 and without >= 1,
    f"at most {there_and_back:.3f}, at least {without:.3f}",
)
fewest, least = min(result[2] for result in results.values()), size(6, 6, 5)
sentence = f"Each run reaches at least {least} of Y's 6 clusters"
claim(sentence, fewest >= least, f"{fewest}", quick=False)
alone, held = (np.mean([results[weight, s][1] for s in SEEDS]) for weight in (0, CYCLE))
claim(
    "With the cycle fewer translations lie within 3 sigma, on average over the runs",
    held < alone - 0.05,
    f"{held:.0%}, and {alone:.0%} without the cycle",
    quick=False,
)
own = len({tuple(results[CYCLE, seed][3]) for seed in SEEDS}) == len(SEEDS)
claim("With the cycle each seed has a dictionary of its own", own, quick=False)
worst = max(errors["kind", CYCLE, seed][0] for seed in SEEDS)
sentence = "If the kind of clothing decides about the colors, the cycle GAN's error is at most 0.03"
claim(sentence, worst <= 0.03, f"{worst:.4f}", quick=False)
either = max(max(min(e[:2]), e[2]) for e in (errors["coin", CYCLE, seed] for seed in SEEDS))
sentence = "If a coin decides, each run is within 0.03 of right or exchanged colors, and comes back"
claim(sentence, either <= 0.03, f"within {either:.4f}", quick=False)
