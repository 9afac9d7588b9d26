# %% [markdown]
# # Dropout: units that are switched off at random
#
# **Lecture.** *AutoEncoders and Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3,
# University of Jyväskylä): "Model fitting", on dropout. *Classification of Machine Learning
# Problems* (slides without a course's name): "Dropout Layer"
#
# **Question.** Dropout switches off half of a network's units, chosen at random, in every step of
# training. Why should such a network learn better?
#
# **You will see.** What dropout does to eight numbers. Training digits, some with wrong labels:
# in which case dropout helps much, and in which it hardly does. A network that still works when
# half of its units are removed. And what happens if we break the slide's rule and apply dropout
# to the output.
#
# **Try.** `python -m lessons dropout --set WRONG=0.6`: most labels are drawn at random. Does
# dropout help more or less? Then try `python -m lessons dropout --set DIGITS=200`: does dropout
# help more if there are fewer digits?

# %%
import warnings

import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, least_squares, nearest_picture, size, table
from lessons.shared.draw import dropout as draw
from tinynet.layers import Dense, Dropout, Flatten

DIGITS = size(300, 500, 2000)  # to learn from
EPOCHS = size(8, 30)  # how often the network sees each of them
WRONG = 0.3  # the share of the labels that are drawn at random in the second experiment
SEED = 0

# %% [markdown]
# ## Eight numbers by hand
#
# A layer of a network hands a list of numbers to the next layer, one from each of its **units**
# (neurons). In training, **dropout** replaces each of these numbers by 0 with probability $p$,
# the **rate**. The numbers that stay are divided by $1 - p$:
#
# $$y_i = \frac{m_i}{1 - p} \, x_i$$
#
# Here $m_i$ is 0 with probability $p$ and 1 otherwise. All $m_i$ together are the **mask**. A new
# mask is drawn in every step and for every picture. In **inference**, when the trained network is
# used, nothing is dropped and nothing is divided.
#
# Why the division? The next layer adds up what it gets. With $p = 1/2$ half of the numbers are
# missing, so the sum would be half as large as in inference. With the division the sum is the
# same on average, and so is each number. We check it with 10,000 masks.

# %%
rng = np.random.default_rng(SEED)
x = np.arange(1, 9, dtype=np.float32)
dropped = tn.dropout(tn.Tensor(np.tile(x, (10_000, 1))), 0.5, rng).numpy()  # (10,000, 8)
for name, numbers in (
    ("the numbers", x),
    ("with one mask", dropped[0]),
    ("with another mask", dropped[1]),
    ("mean of 10,000 masks", dropped.mean(axis=0)),
    ("the same, undivided", dropped.mean(axis=0) / 2),
):
    print(f"{name:20}", "".join(f"{number:6.2f}" for number in numbers))
masks = tn.dropout(tn.Tensor(np.ones((2, 2, 5))), 0.5, rng)  # two, for two layers of 5 units
draw.networks(masks.numpy() > 0)

# %% [markdown]
# In the figure, a unit that is switched off (a cross) neither gets nor gives anything. What is
# left is a smaller network, and each mask leaves another one. All of them share the same weights.
#
# ## Few digits, right labels and wrong ones
#
# **Overfitting** is when a network learns its training pictures by heart and does not get better
# on other pictures. The slide: "training loss keeps going down but the validation loss starts
# increasing". Dropout is meant to prevent it.
#
# To get much overfitting we take few digits and a large network: two layers of 128 units with
# ReLU (which replaces negative numbers by 0), each followed by dropout, and an output of ten
# numbers, the **logits**, one for each digit. The largest one is the answer. We train it with
# several rates, in two experiments:
#
# - with the right labels;
# - with some labels drawn at random. (A tenth of these is right by chance.) Real data have wrong
#   labels as well, and a network should not learn these by heart.
#
# Afterwards it reads other digits, from which it has not learned. Their labels are all right. The
# **loss** (cross-entropy) says how wrong its probabilities are: 0 is perfect, and 2.3 is what
# equal probabilities for ten digits get. One pass through all training digits is an **epoch**. The
# table's last column is the lowest loss of other digits after any epoch.
# What is said of other digits is the mean of two trainings with other starting weights. The share
# of the training digits is that of one training.


# %%
def network(rate, seed=SEED, on_output=0.0):
    """(N, 28, 28, 1) -> logits (N, 10)"""
    layers = [Flatten()]
    for _ in range(2):
        layers += [Dense(128, activation="relu"), Dropout(rate)]
    layers += [Dense(10), Dropout(on_output)]
    return tn.Sequential(layers, (28, 28, 1), np.random.default_rng(seed))


def train(name, model, pictures, labels, seed=SEED):
    """-> the history: after each epoch the losses, and the shares read right"""
    order = np.random.default_rng(seed)
    batches = tn.data.batches(pictures.train, labels, size=50, rng=order)
    optimizer = tn.optim.Adam(model.parameters())
    settings = {"validation": (pictures.test, pictures.test_labels), "metrics": ["accuracy"]}
    return fit(name, model, batches, "cross_entropy", optimizer, EPOCHS, **settings)


digits = data.mnist(DIGITS, size(500, 1000))
at_random = rng.integers(10, size=DIGITS)
labels = {
    "right labels": digits.train_labels,
    f"{WRONG:.0%} at random": np.where(rng.random(DIGITS) < WRONG, at_random, digits.train_labels),
}
rates = size([0.0, 0.5], [0.0, 0.25, 0.5, 0.75, 0.9])
models, losses, read = {}, {}, {}
for case, answers in labels.items():
    for rate in rates:
        runs = []
        for seed in range(SEED, SEED + size(1, 2)):
            model = models[case, rate] = network(rate, seed)
            runs.append(train(f"{case}, rate {rate:g}", model, digits, answers, seed))
        losses[case, rate] = np.mean([run["validation loss"] for run in runs], axis=0)
        read[case, rate] = np.mean([run["validation accuracy"][-1] for run in runs])
table(
    ["labels", "rate", "training digits, as labeled", "other digits", "their loss", "lowest loss"],
    [[case, rate, f"{accuracy(models[case, rate], digits.train, labels[case]):.3f}", f"{share:.3f}",
      f"{losses[case, rate][-1]:.3f}", f"{losses[case, rate].min():.3f}"]
     for (case, rate), share in read.items()],
)  # fmt: skip
known, truth = (digits.train, digits.train_labels, digits.test), digits.test_labels
nearest, line = ((guess(*known) == truth).mean() for guess in (nearest_picture, least_squares))
print(f"For comparison, right labels: nearest picture {nearest:.3f}, least squares {line:.3f}")
draw.rates(rates, read, losses)

# %% [markdown]
# What helps, and what does not?
#
# - **Right labels: hardly any help.** The share of other digits read right is nearly the same for
#   the rates 0 and 0.5. The same lecture says of very few examples that "even use of dropout does
#   not help us much". What dropout does prevent is the rise of the loss: without it, the loss of
#   other digits rises again after its lowest point.
# - **Wrong labels: much help.** Without dropout the network learns nearly all labels by heart,
#   also the wrong ones. With rate 0.5 it does not learn them all by heart, and it reads more of
#   the other digits.
# - **Too large a rate harms.** With 0.9 only a tenth of the units is left at each step, and 30
#   epochs are not enough to learn even the training digits. The slide's rate, "typically a number
#   around 0.5", is good in both experiments. (The networks on the slides have 0.2, 0.25 and 0.5.)
# - **It takes longer.** With rate 0.5 the loss falls more slowly, in the right half of the
#   figure.
#
# ## Training mode and inference mode
#
# A network has to know whether it trains or answers. `tn.predict` and `tn.evaluate` switch
# dropout off by themselves. If we call the model ourselves, it does what its mode says, and a new
# model is in training mode. What does a person see who forgets to switch it, with `model.eval()`?
# We ask the network with rate 0.5 ten times about the digit of which it is least sure, and then
# about all digits.


# %%
def in_training_mode(model, pictures, rate):
    """The logits with a new mask for each picture, drawn with this rate"""
    for layer in model.layers[:-1]:
        if isinstance(layer, Dropout):
            layer.rate = rate
    return model(tn.Tensor(pictures), training=True).numpy()


plain, robust = models["right labels", 0.0], models["right labels", 0.5]
logits = tn.predict(robust, digits.test)  # in inference mode
unsure = np.sort(logits, axis=1)[:, -2:] @ [-1, 1]  # the largest minus the second largest
with warnings.catch_warnings(record=True) as caught, tn.no_grad():
    warnings.simplefilter("always")
    ten = robust(tn.Tensor(digits.test[[unsure.argmin()] * 10])).numpy()
print("Warning:", str(caught[0].message).partition(". ")[0])
print("Asked ten times about the same digit it says:", *ten.argmax(axis=1))
one_mask = in_training_mode(robust, digits.test, 0.5)
print(f"Other digits read right in training mode: {(one_mask.argmax(axis=1) == truth).mean():.3f}")
print(f"Other digits read right in inference mode: {(logits.argmax(axis=1) == truth).mean():.3f}")

# %% [markdown]
# The answer depends on the mask, and more answers are wrong. tinynet warns, because this is
# hardly ever meant.
#
# ## An average of many networks
#
# Each mask leaves another network. Several networks that answer together, with the mean of their
# probabilities, are called an **ensemble**. (`softmax` turns logits into probabilities.) They are
# often better than each of them alone. Dropout can be seen as training a huge ensemble whose
# networks share their weights. Then inference, one pass with all units, should give about the
# same answers as the ensemble. We compare it with up to 100 masks.

# %%
total, counts = 0.0, size((1, 10, 30), (1, 10, 100))
for count in range(1, counts[-1] + 1):
    total += tn.softmax(tn.Tensor(in_training_mode(robust, digits.test, 0.5))).numpy()
    if count in counts:
        together = total.argmax(axis=1)
        agreement = (together == logits.argmax(axis=1)).mean()
        share = (together == truth).mean()
        print(f"{count:3} masks together read {share:.3f} right, and answer", end=" ")
        print(f"{agreement:.1%} of the digits as one pass does")

# %% [markdown]
# One pass with all units costs a hundredth of the ensemble's time and gives nearly the same
# answers.
#
# ## "Independently": what if units are missing?
#
# The slide gives a reason: "Dropout forces every neuron to be able to operate independently and
# prevents the network to be too dependent on a small number of neurons." We can test this. We
# take two trained networks, one without dropout and one with rate 0.5, remove a share of the
# units at random, other ones for each digit, and let them read.

# %%
shares = [0.0, 0.25, 0.5, 0.75]
left = {}
for name, model in (("trained without dropout", plain), ("trained with rate 0.5", robust)):
    answers = [in_training_mode(model, digits.test, share).argmax(axis=1) for share in shares]
    left[name] = [(answer == truth).mean() for answer in answers]
table(
    ["units removed", *(f"{share:.0%}" for share in shares)],
    [[name, *(f"{right:.3f}" for right in curve)] for name, curve in left.items()],
)
draw.removed(shares, left)

# %% [markdown]
# The network that was trained with dropout loses much less. This agrees with the slide's reason.
# It does not prove it: to lose half of its units at random is what this network has met in
# training. (The numbers of the units that stay are divided by their share, as in training.)
#
# ## "But not the output nodes"
#
# The slide: dropout "can be applied to input or hidden layer nodes but not the output nodes". We
# break the rule, with rate 0.5 on the output.
#
# First a network with one output, a number: it learns how much ink a digit has, with the mean
# squared error $(y - t)^2$. Half of the time its output $y$ becomes 0, whatever it computes, and
# half of the time it becomes $2y$. Which $y$ makes the mean error smallest?
#
# $$\frac{1}{2} (0 - t)^2 + \frac{1}{2} (2y - t)^2 \quad \text{is smallest where} \quad 2y = t$$
#
# So it must learn to answer with half of the truth. Then the reader of digits: ten logits, of
# which each becomes 0 half of the time.

# %%
ink, ink_other = (10 * x.mean(axis=(1, 2))[:, 0, None] for x in (digits.train, digits.test))
ratio = {}
for rate in (0.0, 0.5):
    layers = [Flatten(), Dense(64, activation="relu"), Dense(1), Dropout(rate)]
    model = tn.Sequential(layers, (28, 28, 1), np.random.default_rng(SEED))
    batches = tn.data.batches(digits.train, ink, size=50, rng=np.random.default_rng(SEED))
    fit(f"ink, rate {rate}", model, batches, "mse", tn.optim.Adam(model.parameters()), 30)
    ratio[rate] = tn.predict(model, digits.test).mean() / ink_other.mean()
    print(
        f"Ink, rate {rate:g} on the output: the mean answer is {ratio[rate]:.3f} of the true mean"
    )

history = train("output", network(0.0, on_output=0.5), digits, labels["right labels"])
print(f"Digits, rate 0.5 on the output only: loss in training {history['loss'][-1]:.3f},")
print(f"{history['validation accuracy'][-1]:.3f} of other digits read right")

# %% [markdown]
# The number comes out half as large as it is: the rule is right. For the ten logits we found
# something else. The loss in training stays high, because the right answer is taken away again
# and again, and no longer tells how well the network has learned. But the answer depends only on
# which logit is the largest, and a common factor does not change that. Here the network reads
# other digits no worse than without dropout. So the rule matters most where the size of the
# output counts.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
right, wrong = labels
gain = {case: read[case, 0.5] - read[case, 0.0] for case in labels}
rise = [losses[wrong, rate][-1] / losses[wrong, rate].min() - 1 for rate in (0.0, 0.5)]
missing = [curve[2] for curve in left.values()]
claim(
    "With right labels, rate 0.5 changes the share of other digits read right by at most 0.025",
    abs(gain[right]) <= 0.025,
    f"{gain[right]:+.3f}",
    quick=False,
)
claim(
    "With labels drawn at random, rate 0.5 reads at least 0.04 more of the other digits than 0",
    gain[wrong] >= 0.04,
    f"{gain[wrong]:+.3f}",
    quick=False,
)
claim(
    "With random labels the loss of other digits rises again by 8%, with dropout at most by 4%",
    rise[0] >= 0.08 and rise[1] <= 0.04,
    f"{rise[0]:.1%} and {rise[1]:.1%}",
    quick=False,
)
claim(
    "100 masks together and one pass with all units agree on at least 94% of the digits",
    agreement >= 0.94,
    f"{agreement:.1%}",
    quick=False,
)
claim(
    "With half of its units removed, the network trained with dropout reads at least 0.1 more",
    missing[1] >= missing[0] + 0.1,
    f"{missing[1]:.3f} and {missing[0]:.3f}",
    quick=False,
)
claim(
    "With dropout on its output a network learns half of a number, within 10%",
    abs(ratio[0.5] - 0.5) <= 0.05 and abs(ratio[0.0] - 1) <= 0.05,
    f"{ratio[0.5]:.3f} times, without dropout {ratio[0.0]:.3f} times",
)
claim(
    "With right labels the network beats the nearest picture by 0.02 and least squares by 0.2",
    read[right, 0.5] >= max(nearest + 0.02, line + 0.2),
    f"{read[right, 0.5]:.3f}, {nearest:.3f} and {line:.3f}",
    quick=False,
)
