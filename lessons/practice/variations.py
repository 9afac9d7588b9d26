# %% [markdown]
# # Variations: seven things that change a picture and not its meaning
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Manual Feature
# Extraction" with its seven variations, and "Learning Feature Representations"
#
# **Question.** A network reads digits well. Does it still read them when they are turned, darker,
# smaller, bent, on a busy background, partly covered, or written in an unusual hand?
#
# **You will see.** One table: a network, the same network trained on changed digits, and two
# methods without a network, each on the same digits under nine changes.
#
# **Try.** `python -m lessons variations --set SHIFT=0.05`: in the training the digits are hardly
# moved any more. In which row does the second network lose, and in which rows does it gain?

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, data, fit, least_squares, nearest_picture, size, table
from lessons.shared.draw import variations as draw

TRAIN = size(800, 3000, 20_000)  # digits to learn from
TEST = size(300, 1000, 5000)  # digits to read
EPOCHS = size(5, 10, 20)  # passes through the training digits
ROTATE = 15.0  # degrees: how far a digit is turned at most in the training
SHIFT = 0.2  # of the height and width: how far it is moved at most
ZOOM = 0.2  # how much smaller or larger it becomes at most
SEED = 0

# %% [markdown]
# ## Seven variations, nine changes
#
# A person who designs features by hand has to think of everything that changes a picture and not
# its meaning. The slide names seven such **variations**. For handwritten digits of 28 x 28 pixels
# they are:
#
# - **viewpoint**: the digit is turned by 30 degrees, or moved by five pixels up or down and five
#   to the left or right, so that a part of it may leave the picture;
# - **scale**: it is 30% smaller;
# - **deformation**: it is bent, as if it were drawn on rubber;
# - **illumination**: the light is weak and the paper is grey; or black and white change places;
# - **occlusion**: a grey square of 10 x 10 pixels lies at a random place, and often covers a part
#   of it;
# - **background clutter**: pieces of other digits lie around it;
# - **intra-class variation**: the same digit, in an unusual hand. Here we change nothing. In each
#   class we take the test digits that differ most from the average picture of the class.
#
# A ninth change is not on the slide: **noise**, a random number added to each pixel.


# %%
def mapped(x, rng, degrees=0.0, pixels=0.0, scale=1.0):
    """Each picture turned, moved and resized, by these amounts, in random directions."""
    angle = np.deg2rad(degrees) * rng.choice([-1, 1], len(x))
    down, right = pixels * rng.choice([-1, 1], (2, len(x)))
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    rows = np.stack([cos, -sin, down], axis=1), np.stack([sin, cos, right], axis=1)
    return tn.data.augment.warp(x, np.stack(rows, axis=1), fill="zeros")  # one 2 x 3 matrix each


def cluttered(x, rng):
    """Quarters of other digits in the corners, where they do not hide the digit."""
    others = np.roll(x[rng.permutation(len(x))], (14, 14), axis=(1, 2))  # the middle to the corners
    return np.where(x > 0.1, x, 0.8 * others)


def changes(x, rng):
    """The pictures (N, 28, 28, 1) under each change, by its name."""
    noise = rng.normal(0, 0.4, x.shape).astype(np.float32)
    return {
        "as they are": x,
        "turned": mapped(x, rng, degrees=30.0),
        "moved": mapped(x, rng, pixels=5.0),
        "smaller": mapped(x, rng, scale=0.7),
        "bent": tn.data.augment.elastic(x, rng, strength=1.4, smoothness=3.0),
        "weak light": 0.3 * x + 0.4,
        "inverted": 1 - x,
        "covered": tn.data.augment.cutout(x, rng, 10, value=0.5),
        "clutter": cluttered(x, rng),
        "noise": np.clip(x + noise, 0, 1),
    }


digits = data.mnist(TRAIN, TEST)
labels = digits.test_labels
changed = changes(digits.test, np.random.default_rng(SEED))
draw.rows(changed, labels)

# %% [markdown]
# ## Two networks and two methods without a network
#
# Both networks have the same layers: two **convolutions**, with 16 and 32 filters of 3 x 3, that
# move by two pixels at a time (stride 2), and two **dense** layers, with 64 and 10 outputs. They
# start with the same weights and take the same number of training steps. The **plain** one learns
# from the training digits as they are. The **augmented** one sees each training digit turned,
# moved and resized, by other random amounts in every pass through the digits. This is called
# **augmentation**. It needs no new digits and no new labels: a digit that is moved a little is
# still the same digit.
#
# The two methods without a network know the training digits as they are. **Nearest picture**
# answers with the label of the training digit whose pixels differ least. **Least squares** gives
# each pixel a weight for each class and adds up.


# %%
def network(augment=None):
    rng = np.random.default_rng(SEED)
    layers = [
        tn.layers.Conv2D(16, 3, strides=2, activation="relu"),
        tn.layers.Conv2D(32, 3, strides=2, activation="relu"),
        tn.layers.Flatten(),
        tn.layers.Dense(64, activation="relu"),
        tn.layers.Dense(10),
    ]
    model = tn.Sequential(layers, input_shape=(28, 28, 1), rng=rng)
    batches = tn.data.batches(digits.train, digits.train_labels, size=32, rng=rng, augment=augment)
    name = "augmented" if augment else "plain"
    fit(name, model, batches, "cross_entropy", tn.optim.Adam(model.parameters(), 0.002), EPOCHS)
    return model


def varied(x, rng):
    return tn.data.augment.affine(x, rng, ROTATE, SHIFT, zoom=ZOOM, fill="zeros")


print(f"Augmentation: turned by up to {ROTATE:g} degrees, moved by up to {28 * SHIFT:.1f} pixels,")
print(f"and up to {ZOOM:.0%} smaller or larger.")
plain, augmented = network(), network(varied)
known = digits.train, digits.train_labels
methods = {
    "least squares": lambda x: least_squares(*known, x),
    "nearest picture": lambda x: nearest_picture(*known, x),
    "plain": lambda x: tn.predict(plain, x).argmax(axis=1),
    "augmented": lambda x: tn.predict(augmented, x).argmax(axis=1),
}
right = {
    change: {name: (read(x) == labels).mean() for name, read in methods.items()}
    for change, x in changed.items()
}

# %% [markdown]
# And the unusual hand? We compute the average picture of each class from the training digits.
# Then we sort the test digits of each class by their distance from this average. The first third
# of each class is written in a usual hand, the last third in an unusual one. So both groups have
# the same number of each digit.

# %%
usual, unusual = [], []
for k in range(10):
    average = digits.train[digits.train_labels == k].mean(axis=0)
    of_class = np.flatnonzero(labels == k)
    distance = ((digits.test[of_class] - average) ** 2).sum(axis=(1, 2, 3))
    nearest_first = of_class[np.argsort(distance)]
    usual.extend(nearest_first[: len(of_class) // 3])
    unusual.extend(nearest_first[len(of_class) - len(of_class) // 3 :])
for change, chosen in (("usual hand", usual), ("unusual hand", unusual)):
    x, y = digits.test[chosen], labels[chosen]
    right[change] = {name: (read(x) == y).mean() for name, read in methods.items()}
rows = [[change, *(f"{share:.1%}" for share in row.values())] for change, row in right.items()]
table(["share read rightly", *methods], rows)
draw.shares(right)

# %% [markdown]
# ## What the table says
#
# - **Moved.** The plain network does not read digits that are moved by five pixels in both
#   directions. It saw digits in the middle only. A convolution finds the same feature in another
#   place, but the dense layers behind it have a weight for each place. The augmented network saw
#   moved digits, and reads most of them.
# - **Augmentation mends some of what it contains**: moved and smaller digits. Bent digits gain
#   too, although nobody showed them. Turned digits gain little or nothing: in the training a
#   digit is turned by 15 degrees at most, and here by 30.
# - **Most of what it does not contain it does not mend**: weak light, inverted digits. With weak
#   light both networks read much less, the augmented one no more than by guessing, though not one
#   digit has changed its form.
# - **It costs elsewhere.** The augmented network is worse with noise, clutter and covered digits
#   than the plain one, and with the digits as they are. It has to learn more kinds of digits in
#   the same number of steps. The large shift has a part in this: the Try at the top trains with a
#   small one, and the second network loses nothing with noise, clutter and covered digits.
# - **The nearest picture** is hardly disturbed by weak light and noise. Weak light changes all
#   distances, but mostly the nearest picture still has the same label. Noise adds about the same
#   to all of them. It reads covered digits and clutter better than both networks as well. But it
#   fails with moved and with inverted digits.
# - **Intra-class variation** is not small: an unusual hand is misread several times as often.
#
# So a network does not learn what a digit is. It learns what the digits look like that it was
# shown. Whoever knows which changes will come can show them in the training.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%


def points(change, one, other):
    """How many of 100 digits one method reads more than another."""
    return 100 * (right[change][one] - right[change][other])


claim(
    "The plain network reads at most 20% of the digits that are moved by 5 pixels",
    right["moved"]["plain"] <= 0.2,
    f"{right['moved']['plain']:.1%}",
)
claim(
    f"Of moved digits the augmented network reads {size(20, 50)} in 100 more than the plain one",
    points("moved", "augmented", "plain") >= size(20, 50),
    f"{points('moved', 'augmented', 'plain'):.1f} more",
)
claim(
    "With noise the augmented network reads at least 10 in 100 fewer than the plain one",
    points("noise", "plain", "augmented") >= 10,
    f"{points('noise', 'plain', 'augmented'):.1f} fewer",
)
claim(
    "With weak light the nearest picture reads at least 30 in 100 more than the plain network",
    points("weak light", "nearest picture", "plain") >= 30,
    f"{points('weak light', 'nearest picture', 'plain'):.1f} more",
    drawn=False,
)
mistakes = [1 - right[hand]["plain"] for hand in ("unusual hand", "usual hand")]
claim(
    "The plain network misreads an unusual hand at least twice as often as a usual one",
    mistakes[0] >= 2 * mistakes[1],
    f"{mistakes[0]:.1%} and {mistakes[1]:.1%}",
    drawn=False,
)
claim(
    "The plain network reads at least 2 in 100 more digits than the nearest picture, as they are",
    points("as they are", "plain", "nearest picture") >= 2,
    f"{points('as they are', 'plain', 'nearest picture'):.1f} more",
    quick=False,
    drawn=False,
)
