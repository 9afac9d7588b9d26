# %% [markdown]
# # MNIST: a convolutional network, its averages that lag, and a softmax too many
#
# **Lecture.** *AutoEncoders and Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3,
# University of Jyväskylä): "Convolution NN on MNIST dataset with Keras"
#
# **Question.** The slide's network can read digits. Why does it look hopeless on test digits at
# first, and what does it cost that its program has one softmax too many?
#
# **You will see.** The slide's layers and their weights. What augmentation does to a digit. One
# network that reads badly and well, with the very same weights. Three networks with one softmax
# and three with two. The digits that are hardest to read.
#
# **Try.** `python -m lessons mnist --set MOMENTUM=0.9`: the running averages follow faster, and
# the test accuracy measured with them is far better after each epoch.

# %%
import math
import warnings

import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, least_squares, nearest_picture, size, table
from lessons.shared.draw import mnist as draw
from tinynet import layers

MOMENTUM = 0.99  # of batch normalization: how much of its averages stays at each step
EPOCHS = size(1, 2, 5)  # how often the network sees all training digits
BATCH = size(16, 64, 64)  # digits in one training step
COMPARED = size(32, 1200)  # training digits for the comparison of one softmax with two
SEEDS = size([0], [0, 1, 2])  # one pair of networks for each; the first is also the main network's
AUGMENTATION = {"rotate": 8, "shift": 0.08, "shear": 0.3, "zoom": 0.08}  # the slide's

# %% [markdown]
# ## The network
#
# MNIST is a set of handwritten digits, each a grey picture of 28 x 28 pixels. The slide's network
# has four **convolutions** of 3 x 3 pixels: 32 filters, 32 again, then 64 and 64. Each one is
# followed by **batch normalization** (more about it below) and by **relu**, which sets negative
# numbers to 0. After every second one, **max pooling** halves the width and the height. A dense
# layer of 512 neurons follows. **Dropout** sets a fifth of its outputs to 0, at random, in
# training only. The last layer has ten neurons, one for each digit.
#
# The ten numbers of the last layer are called **logits**, $z$. They can be any numbers. The
# **softmax** makes them ten probabilities $p$, which are positive and add up to 1:
#
# $$p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}$$
#
# On the slide the softmax is the network's last line. Here the network ends with the logits, for
# the loss below has the softmax inside.
#
# The table counts weights as Keras does. A convolution of 3 x 3 pixels has 9 weights for each
# pair of an input channel and a filter, and a bias for each filter. A batch normalization has 4
# numbers for each channel: two are trained, and two are averages.


# %%
def model(rng, momentum=0.99):
    """(N, 28, 28, 1) -> logits (N, 10)"""
    network = tn.Sequential(input_shape=(28, 28, 1), rng=rng)
    for filters in (32, 64):
        for _ in range(2):
            network.add(layers.Conv2D(filters, 3))
            network.add(layers.BatchNormalization(momentum=momentum))
            network.add(layers.Activation("relu"))
        network.add(layers.MaxPooling2D(2))
    network.add(layers.Flatten())
    network.add(layers.Dense(512))
    network.add(layers.BatchNormalization(momentum=momentum))
    network.add(layers.Activation("relu"))
    network.add(layers.Dropout(0.2))
    network.add(layers.Dense(10))
    return network


rows = [row for row in model(np.random.default_rng(0)).rows() if row.parameters]
weights = sum(row.parameters for row in rows)
lines = [[row.kind, " x ".join(map(str, row.shape)), f"{row.parameters:,}"] for row in rows]
table(["layer with weights", "its output", "weights"], lines)
print(f"{weights:,} weights in all. The dense layer of 512 has most of them.")

# %% [markdown]
# ## Augmentation
#
# The program never shows the same picture twice. Each time that a digit's turn comes, it is
# changed a little, at random: turned by up to 8 degrees, shifted by up to 0.08 of its width,
# slanted ("sheared") by up to 0.3, and resized by up to 0.08. The label stays, because a 4 that
# is turned a little is still a 4. This is called **augmentation**. It gives the network more to
# learn from.
#
# Keras reads the slide's `shear_range=0.3` as an angle in **degrees**, and so do we. That angle
# moves a pixel at the edge, 14 pixels from the middle, by $14 \tan(0.3°)$ pixels: nothing that
# one could see. Perhaps 0.3 **radians** were meant, which are 17 degrees. The figure shows both.


# %%
def augment(digits, rng):
    return tn.data.augment.affine(digits, rng, **AUGMENTATION)


digits = data.mnist(size(176, 2500, None), size(80, 1000, None))
settings = [{name: value} for name, value in AUGMENTATION.items()]
settings += [AUGMENTATION, {"shear": round(math.degrees(AUGMENTATION["shear"]), 1)}]
names = [*AUGMENTATION, "all four", "shear, if in radians"]
some = digits.train[:10]
changed = [tn.data.augment.affine(some, np.random.default_rng(1), **each) for each in settings]
change = {name: abs(new - some).mean() for name, new in zip(names, changed, strict=True)}

table(["augmentation", "mean change of a pixel"], [[k, f"{v:.4f}"] for k, v in change.items()])
edge = 14 * math.tan(math.radians(AUGMENTATION["shear"]))
print(f"Shear by {AUGMENTATION['shear']} degrees moves a pixel at the edge by {edge:.2f} pixels.")
draw.augmentation(some, names, settings, changed)

# %% [markdown]
# ## Training
#
# The loss is the **cross-entropy**. It takes the probability that the network gives to the right
# digit $y$, and it is small where this probability is near 1:
#
# $$L = -\log p_y$$
#
# One training **step** takes a **batch** of digits, computes the gradient of the mean loss, and
# lets the rule Adam change the weights. One **epoch** goes once through all training digits. The
# slide keeps the learning rate at 0.001. Here it begins there and falls to 0 along a cosine, so
# that the last steps are small ones. By default we take 2,500 digits and 2 epochs, so that nobody
# has to wait. `--full` takes all 60,000 and the slide's 5 epochs.
#
# After each epoch we keep a copy of all weights. We shall need them.


# %%
def train(name, loss, pictures, labels, epochs, seed, **more):
    """A new network, trained.  The seed gives its first weights, and the order of the digits."""
    network = model(np.random.default_rng(seed), MOMENTUM)
    rng = np.random.default_rng((seed, 1))
    batches = tn.data.batches(pictures, labels, size=BATCH, rng=rng, augment=augment)
    rate = tn.schedules.Cosine(0.001, epochs * len(batches))
    adam = tn.optim.Adam(network.parameters(), rate)
    history = fit(name, network, batches, loss, adam, epochs, metrics=["accuracy"], **more)
    return network, history


kept = []  # all weights, after each epoch
_, history = train(
    "the network", "cross_entropy", digits.train, digits.train_labels, EPOCHS, SEEDS[0],
    validation=(digits.test, digits.test_labels),
    callbacks=[lambda run: kept.append(run.model.state_dict())],
)  # fmt: skip
running = history["validation accuracy"]
steps = math.ceil(len(digits.train) / BATCH)
print(f"{digits.source}: {EPOCHS} x {steps} steps with {len(digits.train):,} digits.")
print(f"Training accuracy in epoch 1: {history['accuracy'][0]:.1%}. This is a mean over the epoch.")
print(f"Accuracy with {len(digits.test):,} test digits, after the last epoch: {running[-1]:.1%}")

# %% [markdown]
# ## Averages that lag
#
# At the default size the test accuracy printed above is hardly better than guessing. The network
# is not to blame, and neither are the test digits. The reason is batch normalization.
#
# In training, batch normalization subtracts from each channel the mean of the **batch**, and
# divides by the batch's standard deviation. Later the network may have to read one digit alone,
# and then there is no batch. So the layer also keeps **running averages** of the mean and of the
# variance. At each step they move a little towards the batch's:
#
# $$\text{average} \leftarrow m \cdot \text{average} + (1 - m) \cdot \text{of the batch}$$
#
# Training never uses the running averages. Testing does. The **momentum** $m$ is 0.99 in Keras,
# and the averages begin with mean 0 and variance 1. After $n$ steps the share $m^n$ of that
# beginning is still in them. And what they have seen since comes from earlier steps, when the
# weights were others. They lag.
#
# The test: we take the weights after each epoch, and leave them as they are. We only put other
# averages in the place of the lagging ones. For this we send 500 training digits once through a
# copy of the network with $m = 0$. Then its averages are those of these 500 digits.


# %%
def settled(state, pictures):
    """A network with these weights, but with the averages of these pictures."""
    network = model(np.random.default_rng(0), momentum=0.0)
    network.load_state_dict(state)
    with tn.no_grad():  # no gradients: this is no training
        network(tn.Tensor(pictures), training=True)
    return network


networks = [settled(state, digits.train[:500]) for state in kept]
estimated = [accuracy(each, digits.test, digits.test_labels) for each in networks]
rows = zip(range(1, EPOCHS + 1), history["accuracy"], running, estimated, strict=True)
header = ["epoch", "training", "test, running averages", "test, averages of 500 training digits"]
table(header, [[epoch, *(f"{share:.1%}" for share in shares)] for epoch, *shares in rows])
left = MOMENTUM**steps
print(f"After epoch 1 {MOMENTUM:g}^{steps} = {left:.0%} of the averages is their beginning.")
draw.lag(kept[0], networks[0].state_dict(), left, history["accuracy"], running, estimated)

# %% [markdown]
# The left and the middle part of the figure show the last batch normalization, of the 512
# neurons. Each dot is a neuron. Without a lag all dots would lie on the black line. The dotted
# line is the lag that the beginning alone would cause, if the weights stood still.
#
# With the right averages the same weights read most test digits. The test accuracy is now even
# above the training accuracy. There are three reasons. The training accuracy is a mean over the
# whole epoch, and the first epoch contains the first steps, in which the network could do
# nothing. The training digits are augmented, which makes them harder. And dropout is on in
# training and off in the test.
#
# This is a trouble of short trainings. An epoch of the slide has 938 steps. After the first of
# them nearly nothing is left of the beginning. With a smaller momentum less is left after few
# steps, too: see **Try**. From here on we use the averages of 500 training digits.
#
# ## Is it a good network?
#
# An accuracy means little alone. We compare it with three ways that need no network. The
# **nearest picture** looks for the training digit whose pixels differ least, and gives its label.
# **Least squares** is the best linear map from the pixels to the ten answers. The last way always
# gives the answer that is commonest in training.

# %%
train_labels, test_labels = digits.train_labels, digits.test_labels
nearest = (nearest_picture(digits.train, train_labels, digits.test) == test_labels).mean()
linear = (least_squares(digits.train, train_labels, digits.test) == test_labels).mean()
commonest = (test_labels == np.bincount(train_labels).argmax()).mean()
right = estimated[-1]
ways = {"the network": right, "nearest picture": nearest, "least squares on pixels": linear}
ways["always the commonest digit"] = commonest
table(["way to read a digit", "test accuracy"], [[k, f"{v:.1%}"] for k, v in ways.items()])

# %% [markdown]
# Which digits are hard? The figure shows the 21 test digits to whose right answer the network
# gives the smallest probability.

# %%
p = tn.softmax(tn.Tensor(tn.predict(networks[-1], digits.test))).numpy()
wrong = (p.argmax(axis=1) != test_labels).sum()
print(f"The network misreads {wrong} of {len(digits.test):,} test digits.")
draw.mistakes(digits.test, p, test_labels)

# %% [markdown]
# ## Two softmaxes
#
# The slide's network ends with a softmax. Its loss is built with `from_logits=True`, which means:
# "I get logits, and put the softmax on them myself." But it gets probabilities. So there are two
# softmaxes:
#
# $$p = \text{softmax}(z), \qquad q = \text{softmax}(p), \qquad L = -\log q_y$$
#
# The line above on the slide is switched off. It has a loss that takes probabilities. With that
# one the network's softmax was right. (Keras with TensorFlow often sees the mistake, takes the
# logits, and warns. Other programs do as they are told.) tinynet warns with a `MistakeWarning`.
# Here the mistake is meant, so the function `twice` catches the warning.
#
# What does the second softmax do? Each $p_i$ lies between 0 and 1. So even a perfect answer, 1
# for the right digit and 0 for the nine others, has $q_y = e / (e + 9)$. The loss can never fall
# below
#
# $$\log(1 + 9 / e) = 1.4612$$
#
# The gradient matters more. It must pass two softmaxes:
#
# $$\text{one:} \quad \frac{dL}{dz} = p - y$$
#
# $$\text{two:} \quad d = q - y, \qquad \frac{dL}{dz_i} = p_i \Big(d_i - \sum_j p_j d_j\Big)$$
#
# (Here $y$ is 1 for the right digit and 0 for the others.) With two, each gradient is multiplied
# by $p_i$. Where the network is badly wrong, $p_i$ of the right digit is nearly 0, and the
# gradient too. The network learns least from its worst mistakes. We call $-dL/dz_y$ the **pull**
# on the right logit, and measure it: nine logits are 0, and the right one is moved.


# %%
def once(z, labels):
    return tn.cross_entropy(z, labels)


def twice(z, labels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tn.MistakeWarning)
        return tn.cross_entropy(tn.softmax(z), labels)


def pull(loss, leads):
    """-dL/dz of the right logit.  leads (N,): by how much it is above the nine others."""
    z = np.zeros((len(leads), 10))
    z[:, 0] = leads
    z = tn.Tensor(z, requires_grad=True)
    (loss(z, [0] * len(leads)) * len(leads)).backward()  # the loss is a mean: times N is the sum
    return -z.grad[:, 0]


leads = np.linspace(-12, 12, 97)
pulls = {"one softmax": pull(once, leads), "two softmaxes": pull(twice, leads)}
for place, lead in (("8 below the others", -8), ("as high as the others", 0)):
    one, two = (each[leads == lead][0] for each in pulls.values())
    print(f"The right logit is {place}: pull {one:.2g} with one softmax, {two:.2g} with two.")

# %% [markdown]
# Does it matter? A single pair of trainings may differ by chance. So we train three pairs, each
# from its own first weights. The two networks of a pair begin with the same weights and get the
# same digits in the same order. They differ in their loss alone. To save time they get 1,200
# digits, once. Their losses cannot be compared, because they are two different measures. Their
# test accuracies can.

# %%
few, few_labels = digits.train[:COMPARED], train_labels[:COMPARED]
pairs = np.zeros((len(SEEDS), 2))  # test accuracies
for i, seed in enumerate(SEEDS):
    for j, loss in enumerate((once, twice)):
        trained, _ = train(f"{loss.__name__}, seed {seed}", loss, few, few_labels, 1, seed)
        reader = settled(trained.state_dict(), few[:500])
        pairs[i, j] = accuracy(reader, digits.test, test_labels)

rows = [[f"seed {SEEDS[i]}", *(f"{share:.1%}" for share in pair)] for i, pair in enumerate(pairs)]
table(["first weights", "one softmax", "two softmaxes"], rows)
gap = pairs[:, 0] - pairs[:, 1]
print(f"The second softmax costs {100 * gap.mean():.1f} percentage points of test accuracy (mean).")
draw.softmaxes(leads, pulls, pairs)

# %% [markdown]
# The second softmax slows the network down. It does not stop it. With more digits both come
# closer together: `--set COMPARED=2500` gives the pairs all of the 2,500 digits, which takes
# longer.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
claim("The slide's network has 597,738 weights", weights == 597738, f"{weights:,}")
less = change["shift"] / change["shear"]
claim("Shear changes a digit at most 1/20 as much as the shift does", less >= 20, f"1/{less:.0f}")
if steps < 100:  # --full has more, and then the averages hardly lag
    lag = estimated[0] - running[0]
    claim(
        "After epoch 1 the same weights read far more test digits with averages that do not lag",
        lag >= size(0.2, 0.5),
        f"{100 * lag:.1f} percentage points more",
    )
least = size(0.4, 0.92, 0.992)
claim(f"The network reads at least {least:.1%} of the test digits", right >= least, f"{right:.1%}")
claim(
    "The network reads more test digits than the nearest picture, by 2 percentage points or more",
    right - nearest >= 0.02,
    f"{100 * (right - nearest):.1f} percentage points more",
    quick=False,
)
claim(
    "With each seed one softmax reads more test digits than two, by 2 percentage points or more",
    gap.min() >= 0.02,
    f"{', '.join(f'{100 * each:.1f}' for each in gap)} percentage points more",
    quick=False,
)
