# %% [markdown]
# # Mode collapse: a generator that makes too few things
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Training GANs", "Training
# GANs: Loss Function"
#
# **Question.** A generator is praised for each sample that looks real. Then why should it make
# more than one kind of sample?
#
# **You will see.** A generator that finds all eight clusters of the data, with two different
# losses. The same generator against a slow opponent: it makes a clump or a line, which wanders
# over the plane. Half a cure: an opponent that looks at two samples at once.
#
# **Try.** `python -m lessons mode_collapse --set SLOWER=3`: the opponent is only three times
# slower. With one of three seeds the generator then finds all eight clusters, with two it does
# not.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, size, table
from lessons.shared.draw import mode_collapse as draw
from tinynet.layers import Dense

SEEDS = size([0], [0, 1, 2])  # a run of each experiment for each
STEPS = size(450, 1500, 3000)  # of a run
BATCH = 128  # real samples in a step, and as many fakes
RATE = 0.003  # the learning rate at the start
SLOWER = 10  # the slow opponent has a learning rate that is so many times smaller
TOGETHER = 2  # samples that the opponent of the last experiment sees at once

# %% [markdown]
# ## Eight clusters, and how to count them
#
# The lesson `gan` has explained the contest of two networks. The **generator** $G$ turns random
# numbers $z$ into samples, the **fakes**. The **discriminator** $D$ says how probable it is that
# a sample is fake. $D$ learns to tell fakes from the **real** data, and $G$ learns to make fakes
# that $D$ takes for real.
#
# Here the data are points in the plane. They come from eight small round bells that stand in a
# ring. Each has the standard deviation $\sigma = 0.1$ in both directions, and each gives an
# eighth of the points. A place where the data are crowded is called a **mode** of their
# distribution. So our data have eight modes, one for each cluster.
#
# How good are the samples of a generator? We take 2,000 of them and measure two things.
#
# - **Within 3 sigma:** the share of the samples that lie within $3 \sigma$ of the middle of a
#   cluster. Of the real data these are 98.9%.
# - **Found:** how many clusters have at least 2% of the samples within $3 \sigma$. A fair share
#   would be 12.5%.
#
# To compare with, we take other real points, a Gaussian (a bell in the plane) with the mean and
# the covariance of the data, a ring without gaps, and a generator that has not learned yet.

# %%
angle = 2 * np.pi * np.arange(8) / 8
middles = 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)  # (8, 2)


def shares(points):
    """The share of the points within 3 sigma of each cluster's middle.  (N, 2) -> (8,)"""
    distance = np.linalg.norm(points[:, None] - middles, axis=2)  # (N, 8)
    return (distance < 0.3).mean(axis=0)


def found(points):
    return int((shares(points) >= 0.02).sum())


def measures(points):
    return [found(points), f"{shares(points).sum():.1%}"]


def network(inputs, outputs, rng):
    hidden = [Dense(64, activation="relu"), Dense(64, activation="relu")]
    return tn.Sequential([*hidden, Dense(outputs)], input_shape=(inputs,), rng=rng)


rng = np.random.default_rng(99)  # for what is measured; each run has a generator of its own
real, _ = tn.data.rings(2000, rng)
z = rng.standard_normal((2000, 2), np.float32)
direction = rng.standard_normal((2000, 2))
direction /= np.linalg.norm(direction, axis=1, keepdims=True)
baselines = {
    "other real points": tn.data.rings(2000, rng)[0],
    "a Gaussian": rng.multivariate_normal(real.mean(axis=0), np.cov(real.T), 2000),
    "a ring without gaps": direction * rng.normal(2, 0.1, (2000, 1)),
    "an untrained generator": tn.predict(network(2, 2, np.random.default_rng(0)), z),
}
header = ["clusters found", "within 3 sigma"]
table(["2,000 samples", *header], [[name, *measures(x)] for name, x in baselines.items()])
draw.baselines(baselines, middles)

# %% [markdown]
# The Gaussian is spread over the whole area, and has little anywhere. The ring without gaps shows
# that "found" alone is not enough: it finds all clusters, but most of its samples lie between
# them. A good generator must find all eight and have most samples near them.
#
# ## The contest
#
# $G$ gets two random numbers from the bell $N(0, 1)$ and makes a point of them. $D$ gets a point
# and answers with a number of any size, its **logit** $s$. The sigmoid of $s$ is the probability
# of fake, as on the slide. With softplus, $\log(1 + e^s)$, the losses are short to write: $-\log
# D$ is the softplus of $-s$, and $-\log(1 - D)$ is the softplus of $s$. $D$'s loss is the mean of
# $-\log D$ over the fakes, plus the mean of $-\log(1 - D)$ over the real points.
#
# $G$ has two losses to choose from. The **non-saturating** one is $-\log (1 - D(G(z)))$. The
# **saturating** one is the slide's own term, $\log D(G(z))$. It becomes flat when $D$ is sure of
# the fakes. It is often said that a generator with this loss learns badly. We shall see. $G$ and
# $D$ have the same learning rate. It falls to 0, as in `gan`.


# %%
def discriminator_loss(of_fake, of_real):
    """-log D of fakes - log(1 - D) of real samples, from D's logits"""
    return tn.softplus(-of_fake).mean() + tn.softplus(of_real).mean()


def non_saturating(of_fake):
    return tn.softplus(of_fake).mean()  # -log(1 - D)


def saturating(of_fake):
    return -tn.softplus(-of_fake).mean()  # log D


def contest(G, D, rng, generator_loss=non_saturating, slower=1, together=1):
    """Let the two learn, step by step.  Yields how many steps were made, from 0 on."""
    fast, slow = (tn.schedules.Cosine(rate, STEPS) for rate in (RATE, RATE / slower))
    G_optimizer = tn.optim.Adam(G.parameters(), fast, beta_1=0.5)
    D_optimizer = tn.optim.Adam(D.parameters(), slow, beta_1=0.5)
    rows = (-1, 2 * together)  # D sees so many numbers at once
    for step in range(STEPS):
        yield step
        real, _ = tn.data.rings(BATCH, rng)
        fake = G(rng.standard_normal((BATCH, 2), np.float32)).reshape(rows)

        D_optimizer.zero_grad()
        discriminator_loss(D(fake.detach()), D(real.reshape(rows))).backward()
        D_optimizer.step()

        G_optimizer.zero_grad()
        generator_loss(D(fake)).backward()
        G_optimizer.step()
    yield STEPS


assert STEPS >= 30, f"STEPS is {STEPS}. Give at least 30."
assert SLOWER >= 1, f"SLOWER is {SLOWER}. Give at least 1."
assert TOGETHER >= 1, f"TOGETHER is {TOGETHER}. Give at least 1."
fits = max(1, BATCH // TOGETHER) * TOGETHER
sentence = f"BATCH is {BATCH} and TOGETHER is {TOGETHER}. Give a multiple of it, as BATCH={fits}."
assert fits == BATCH, sentence
watched = [round(share * STEPS) for share in np.linspace(0, 1, size(6, 31))]
side = np.linspace(-3, 3, 41, dtype=np.float32)
places = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)  # where we ask D


def run(seed, together=1, **how):
    """A contest.  -> {step: samples}, {step: D at the places}, D's last loss, and how sure D is"""
    rng = np.random.default_rng(seed)
    G, D = network(2, 2, rng), network(2 * together, 1, rng)
    made, said = {}, {}
    for step in contest(G, D, rng, together=together, **how):
        if step in watched:
            made[step] = tn.predict(G, z)
            asked = np.tile(places, together)  # a D of pairs gets each place twice
            said[step] = tn.sigmoid(tn.predict(D, asked)).numpy()
    shape = len(z) // together, 2 * together  # as D sees the samples; what is left over is cut off
    logits = [tn.Tensor(tn.predict(D, np.resize(x, shape))) for x in (made[STEPS], real)]
    sure = (tn.sigmoid(logits[0]).numpy() > 0.9).mean()  # to so many of the fakes D says > 0.9
    return made, said, discriminator_loss(*logits).item(), sure


def runs(name, **how):  # the same contest for each seed
    done = {seed: run(seed, **how) for seed in SEEDS}
    rows = [[seed, *measures(r[0][STEPS]), f"{r[2]:.3f}"] for seed, r in done.items()]
    table([f"{name}: seed", *header, "D's loss"], rows)
    return done


healthy = runs("non-saturating")
print()
flat = runs("saturating", generator_loss=saturating)
surest = max(run[3] for run in flat.values())
print(f"saturating: at the end D says more than 0.9 to at most {surest:.1%} of the fakes")

# %% [markdown]
# With both losses, $G$ finds all eight clusters, and most of its samples are near them. The rest
# lie on thin threads between the clusters. $G$ is a continuous function: it cannot tear the cloud
# of its inputs into eight pieces. So **the collapse of the title does not happen here**, with
# either loss. The last line says why the saturating loss can keep up. $D$ is sure of few fakes
# (above 0.9). For the others the slope of this loss in $s$, which is $1 - D$, is at least 0.1.
#
# ## What if the opponent is slow?
#
# Imagine for a moment that $D$ stands still. What is best for $G$ then? Its loss is a mean over
# many $z$:
#
# $$\text{mean over } z \text{ of } -\log (1 - D(G(z)))$$
#
# Each term of the mean depends on one sample. So the mean is smallest if every single sample goes
# to the place where $D$ is smallest. The best answer to a $D$ that stands still is **one
# point**. Nothing in $G$'s loss asks for variety.
#
# What forces $G$ to spread its samples is only that $D$ does not stand still. Where too many
# samples gather, $D$ soon says "fake". So let us make $D$ slow: we divide its learning rate by 10
# (`slower` in the code). All else stays as it was, and $G$ has the non-saturating loss. We call
# the runs with a fast $D$ **healthy**.

# %%
slow = runs(f"D {SLOWER} times slower", slower=SLOWER)
print()
seed = SEEDS[0]
shown = [watched[round(i * (len(watched) - 1))] for i in (0, 0.2, 0.4, 0.6, 1)]
rows = [[n, found(healthy[seed][0][n]), found(slow[seed][0][n])] for n in shown]
table([f"seed {seed}: step", "found by the healthy run", "with the slow D"], rows)
draw.collapse(shown, healthy[seed], slow[seed], real, side)
draw.wandering(watched, healthy[seed], slow[seed], real, side)

# %% [markdown]
# This is **mode collapse**: $G$ makes few of the modes, or a single one. In the usual picture the
# few things that $G$ makes look real. Ours do not: most samples lie near no cluster. What our
# runs share with it is the lack of variety. In the figure and in the film the color is $D$: red
# where it says "fake", blue where it says "real", nearly white where it says about 1/2. The
# yellow points are what $G$ makes.
#
# - **Above** is the healthy run. $D$ has learned where the eight clusters are. Inside them
#   its color is nearly white: fakes and real points are equally crowded there, and $D$ cannot
#   tell them apart.
# - **Below** is the contest with the slow $D$. It has not learned where the clusters are. It only
#   knows a rough direction: "fakes come from over there". All fakes lie in a clump or along a
#   line, some far outside, and most clusters get none.
#
# Watch the clump in the film. It goes where the plane is blue. There $D$ slowly turns red, and
# the clump leaves for another place that is still blue, or blue again. In the last part the
# learning rates are small, and the fakes stay where they happen to be.
#
# The next table counts over all the times that we watched. How many clusters did $G$ find at one
# time, at most? And how many at one time or another? The lines below it are $D$'s losses at the
# end.

# %%
at_once = {s: max(found(x) for x in slow[s][0].values()) for s in SEEDS}
ever = {
    s: int(np.any([shares(x) >= 0.02 for x in slow[s][0].values()], axis=0).sum()) for s in SEEDS
}
rows = [[s, at_once[s], ever[s]] for s in SEEDS]
table(["slow D: seed", "most clusters found at one time", "at one time or another"], rows)
good = [run[2] for kind in (healthy, flat) for run in kind.values()]
bad = [run[2] for run in slow.values()]
for name, losses in (("healthy", good), ("collapsed", bad)):
    print(f"D's loss in the {name} runs:", ", ".join(f"{loss:.3f}" for loss in sorted(losses)))

# %% [markdown]
# So $G$ passes over nearly all of the clusters, but over few of them at the same time.
#
# Now look at $D$'s losses. A $D$ that says 1/2 to everything has the loss $2 \log 2 = 1.386$.
# Collapsed runs end below the healthy ones, among them, or above them. No threshold for $D$'s
# loss separates the two kinds of run: **the loss does not show the collapse.** One has to look at
# many samples, side by side.
#
# ## An opponent that looks at two samples at once
#
# One sample does not show that all fakes are alike: $D$ must learn over many steps where they
# gather. So we show $D$ two samples at once, either two fakes or two real points. Two real points
# come from different clusters in seven of eight cases. If two fakes always lie close together,
# $D$ can see that they are fakes. Now $G$'s loss does ask for variety. (Lin and others suggested
# this in 2018, under the name PacGAN.)
#
# $D$ is as slow as before. Only its input has changed (`together` in the code).

# %%
pairs = runs(f"slow D, {TOGETHER} at once", slower=SLOWER, together=TOGETHER)
kinds = {"healthy": healthy, f"D {SLOWER} times slower": slow, f"slow, {TOGETHER} at once": pairs}
counts = {
    name: {seed: [found(x) for x in run[0].values()] for seed, run in kind.items()}
    for name, kind in kinds.items()
}
draw.counts(watched, counts)
draw.ends({name: kind[seed][0][STEPS] for name, kind in kinds.items()}, middles, seed)

# %% [markdown]
# Against a slow $D$ that sees pairs, $G$ finds all eight clusters in each run. So all clusters
# are back, but in the second figure the fakes form one thin closed line. The first figure counts
# at each time. With pairs, $G$ needs longer than in the healthy contest, but in the end it stays
# at eight. Not everything is cured: the worst run has 44.0% near the clusters, hardly more than
# the ring without gaps (36.9%).
#
# Here there is also a simpler cure: let $D$ learn as fast as $G$. The healthy runs with the
# non-saturating loss differ from the collapsed ones in nothing else.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.


# %%
def worst(runs):
    """The fewest clusters found at the end, and the smallest share within 3 sigma."""
    ends = [made[STEPS] for made, *_ in runs.values()]
    return min(found(x) for x in ends), min(shares(x).sum() for x in ends)


for name, kind, least in (("non-saturating", healthy, 0.85), ("saturating", flat, 0.8)):
    (number, share), least = worst(kind), size(0.5, least)
    claim(
        f"With the {name} loss G finds all eight clusters, and has at least {least:.0%} of its "
        "samples within 3 sigma",
        number == 8 and share >= least,
        f"{number}, {share:.1%} (a Gaussian: {found(baselines['a Gaussian'])}, "
        f"{shares(baselines['a Gaussian']).sum():.1%})",
    )
claim(
    f"Against a D that is {SLOWER} times slower, G never finds more than 4 of 8 clusters at a time",
    max(at_once.values()) <= 4,
    f"at most {max(at_once.values())}",
)
claim(
    "Against this slow D, G finds at least 6 of 8 clusters at one time or another",
    min(ever.values()) >= 6,
    f"at least {min(ever.values())}",
    quick=False,
)
hidden = max(abs(loss - 2 * np.log(2)) for loss in bad)
claim(
    "D's loss does not show the collapse: at the end of each slow run it is 2 log 2 within 0.2",
    hidden < 0.2,
    f"within {hidden:.2f}",
    quick=False,
)
(number, share), ring = worst(pairs), shares(baselines["a ring without gaps"]).sum()
claim(
    f"If the slow D sees {TOGETHER} samples at once, G finds all eight clusters, and has more near "
    "them than the ring without gaps",
    number == 8 and share > ring,
    f"{number}, {share:.1%} of the samples within 3 sigma (ring: {ring:.1%})",
    quick=False,
)
