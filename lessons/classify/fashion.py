# %% [markdown]
# # Fashion-MNIST: some classes are hard to tell apart, whatever the method
#
# **Lecture.** *AutoEncoders and Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3,
# University of Jyväskylä): "CNN on Fashion-MNIST dataset"
#
# **Question.** The slide's network names clothes on small grey pictures. Which clothes does it
# mistake for which? Is that the network's fault?
#
# **You will see.** The slide's network and its weights. The network and three other methods, on
# the same unseen pictures. A table of who is mistaken for whom. The mistakes that the network
# makes with the highest probability.
#
# **Try.** `python -m lessons fashion --set "GROUP=['Trouser', 'Dress', 'Sandal', 'Bag']"`: four
# classes that look different from each other. Is the part of the mistakes within this group
# larger or smaller than by chance?

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, data, fit, least_squares, nearest_picture, size, table
from lessons.shared.draw import fashion as draw
from tinynet import layers

GROUP = ["T-shirt/top", "Pullover", "Coat", "Shirt"]  # worn on the upper body
TRAIN = size(500, 3000, None)  # training pictures; None: all 60,000
TEST = size(300, 2000, None)  # test pictures; None: all 10,000
EPOCHS = size(1, 3, 20)  # how often the network sees all training pictures
BATCH = size(16, 32, 128)  # pictures in one training step
SEED = 0

# %% [markdown]
# ## Ten kinds of clothes
#
# Fashion-MNIST has the form of MNIST, the handwritten digits: grey pictures of 28 x 28 pixels in
# ten classes, 60,000 to learn from and 10,000 to test with. But its classes are clothes. By
# default we take 3,000 and 2,000 of them, so that nobody has to wait. `--full` takes all, as the
# slide does.
#
# The slide lists the names of the classes. Its number 8 reached us as "Baa". That was misread on
# the way. It is "Bag".

# %%
clothes = data.fashion_mnist(TRAIN, TEST)
x, labels, unseen, truth = clothes.train, clothes.train_labels, clothes.test, clothes.test_labels
print(f"{clothes.source}: {len(x):,} training pictures and {len(unseen):,} test pictures.")
draw.classes(x, labels, clothes.names, clothes.source)

# %% [markdown]
# ## The slide's network
#
# - Two **convolutions** of 3 x 3 pixels. The first looks for 32 small patterns in the picture,
#   the second for 64 patterns in the 32 maps that come out of the first. **Relu** replaces each
#   negative number by 0.
# - **Max pooling** keeps the largest number of each window of 2 x 2.
# - **Dropout** sets a quarter of the numbers to 0, at random and in training only. So no weight
#   can rely on one single number.
# - A **dense** layer of 128 neurons. Each adds up all numbers, with a weight for each.
# - Dropout again, of a half. Then ten neurons, one for each class.
#
# The last ten numbers are the **logits**. The largest one is the answer. **Softmax** turns them
# into probabilities that add up to 1. On the slide it is a part of the network. Here it is a part
# of the loss, which computes the same.


# %%
def model(rng):
    """(N, 28, 28, 1) -> logits (N, 10)"""
    stack = [
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(10),
    ]
    return tn.Sequential(stack, input_shape=(28, 28, 1), rng=rng)


rng = np.random.default_rng(SEED)
network = model(rng)
rows = [row for row in network.rows() if row.parameters]
lines = [[row.kind, " x ".join(map(str, row.shape)), f"{row.parameters:,}"] for row in rows]
table(["layer with weights", "its output", "weights"], lines)
print(f"{sum(row.parameters for row in rows):,} weights. The dense layer of 128 has most of them.")

# %% [markdown]
# ## Training
#
# For each **batch** of pictures the network computes its probabilities. The loss is the
# **cross-entropy**, the mean of $-\log p(\text{true class})$. The rule **Adam** then changes the
# weights a little so that the loss falls. An **epoch** goes once through all training pictures.
#
# The slide gives the test pictures to `fit` as `validation_data`, so that the test accuracy
# appears after each epoch. There is a danger in this. Whoever looks at that number to choose when
# to stop, or which network to keep, has made the test set part of the training. Then the number
# that is left at the end is too good. To choose, one needs a third set of pictures, the
# **validation set**. We choose nothing, and look at the test pictures once, after the training.

# %%
batches = tn.data.batches(x, labels, size=BATCH, rng=rng)
adam = tn.optim.Adam(network.parameters())
fit("network", network, batches, "cross_entropy", adam, EPOCHS)
p = tn.softmax(tn.Tensor(tn.predict(network, unseen))).numpy()  # (N, 10)

# %% [markdown]
# An accuracy alone says little. Three methods without a network answer for the same test
# pictures:
#
# - **Commonest class**: always the class that is commonest among the training pictures.
# - **Least squares on pixels**: each pixel has a weight for each class. The largest sum wins.
# - **Nearest picture**: the class of the training picture whose pixels differ least.

# %%
said = {
    "commonest class": np.full(len(truth), np.bincount(labels).argmax()),
    "least squares on pixels": least_squares(x, labels, unseen),
    "nearest picture": nearest_picture(x, labels, unseen),
    "the slide's network": p.argmax(axis=1),
}
right = {name: (answers == truth).mean() for name, answers in said.items()}
table(["method", "right"], [[name, f"{share:.1%}"] for name, share in right.items()])

# %% [markdown]
# The network is the best. But it is not far ahead: comparing pixels does well here, because each
# piece of clothing lies upright in the middle of its picture.
#
# ## Which clothes are mistaken?
#
# A **confusion table** counts it. Each row is a true class. Each column is a **predicted** class,
# the network's answer. Right answers are on the diagonal. We have sorted the classes: those of
# the `GROUP` are side by side, in a frame. T-shirts, pullovers, coats and shirts are all worn on
# the upper body, and most have sleeves.

# %%
group = [clothes.names.index(name) for name in GROUP]
counts = tn.metrics.confusion_matrix(p, truth)
pairs = np.triu(counts + counts.T, 1)  # one way or the other
i, j = np.unravel_index(pairs.argmax(), pairs.shape)
print(f"Mistaken most often: {clothes.names[i]} and {clothes.names[j]}, {pairs[i, j]} times.")
draw.confusion(p.argmax(axis=1), truth, clothes.names, [group], f"{clothes.source}: the network")

# %% [markdown]
# Is that the network's fault? We ask the same of the other methods. The table below has two
# columns more:
#
# - **Mistakes within the group**: the part of a method's mistakes in which both the true class
#   and the answer are in the frame. If all wrong answers were equally likely, it would be the
#   part that is printed above the table.
# - **Right, group as one class**: how many answers would be right if the classes in the frame
#   were one single class.


# %%
def within(answers, truth, group):
    """The part of the mistakes that confuse two classes of the group"""
    both = np.isin(answers, group) & np.isin(truth, group)
    return both[answers != truth].mean()


def merged(answers, truth, group):
    """The share of right answers if the group were one class"""
    return ((answers == truth) | (np.isin(answers, group) & np.isin(truth, group))).mean()


methods = [*said][1:]  # without the commonest class
chance = len(group) * (len(group) - 1) / (10 * 9)
shares = {name: within(said[name], truth, group) for name in methods}
one_class = {name: merged(said[name], truth, group) for name in methods}
print(f"By chance {chance:.0%} of the mistakes would be within the group.")
table(
    ["method", "right", "mistakes within the group", "right, group as one class"],
    [[k, f"{right[k]:.1%}", f"{shares[k]:.0%}", f"{one_class[k]:.1%}"] for k in methods],
)

# %% [markdown]
# Three methods that work in different ways make a large part of their mistakes among the same
# four classes, far more than by chance. So a part of the difficulty seems to lie in the pictures
# themselves. On 28 x 28 grey pixels the buttons of a shirt can hardly be seen. If nobody asked to
# tell these four apart, each method would be right much more often (last column).
#
# ## Could you do better?
#
# These are the wrong answers to which the network gives the highest probability. Cover the words
# and name the clothes yourself. Most of them are not in the frame of the table: inside the frame
# the network is often wrong, but seldom so sure.

# %%
draw.mistakes(unseen, p, truth, clothes.names)

# %% [markdown]
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
best = right["the slide's network"]
least = size(0.4, 0.8, 0.925 if clothes.real else 0.8)
claim(
    f"The network is right for at least {least:.1%} of the test pictures",
    best >= least,
    f"{best:.1%}",
)
for name in methods[:2]:
    more = 100 * (best - right[name])
    claim(
        f"The network is right more often than {name}, by 2.5 percentage points or more",
        more >= 2.5,
        f"{more:.1f} percentage points",
        quick=False,
        drawn=False,
    )
claim(
    f"Each method makes at least 30% of its mistakes among {', '.join(GROUP)}",
    min(shares.values()) >= 0.3,
    ", ".join(f"{share:.0%}" for share in shares.values()),
)
