# %% [markdown]
# # Batch normalization: the slide's five promises, tested
#
# **Lecture.** *AutoEncoders and Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3,
# University of Jyväskylä): "Batch Normalization is a popular regularization technique..."
#
# **Question.** The slide promises that batch normalization speeds up training, allows higher
# learning rates, simplifies the initialization of weights, makes activation functions viable and
# reduces overfitting. Which of these promises can we see?
#
# **You will see.** Batch normalization of four numbers by hand. Two maps that show for which
# learning rates and which starting weights a deep network learns, without it and with it. A
# network that has learned and still reads other digits badly, for a while. And one promise that
# does not show here.
#
# **Try.** `python -m lessons batch_norm --set LAYERS=2`: a network with two layers in the place
# of eight. How much of the difference between the two maps is left? Then try `python -m lessons
# batch_norm --set MOMENTUM=0.99`, the default of Keras: where does the second map become bad, and
# why?

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, least_squares, nearest_picture, size, table
from lessons.shared.draw import batch_norm as draw
from tinynet.layers import Activation, BatchNormalization, Dense, Flatten

LAYERS = 8  # of 64 units each
MOMENTUM = 0.9  # of the running averages; Keras' default is 0.99
DIGITS = size(640, 3000, 10000)  # to learn from
EPOCHS = size(3, 3, 5)  # how often the network sees each of them
SEED = 0

# %% [markdown]
# ## Four numbers by hand
#
# A **unit** (a neuron) of a layer multiplies its inputs by weights and adds them up. The sum goes
# through an **activation function**, for example **ReLU**, which replaces negative numbers by 0.
# Each step of training looks at a small group of pictures, a **batch**. So each unit has one sum
# for each picture of the batch.
#
# **Batch normalization** stands between the sum and the activation function. It takes the sums
# $x_1, \dots, x_N$ that one unit has in one batch, and computes their mean and their variance:
#
# $$\mu = \frac{1}{N} \sum_{i=1}^{N} x_i$$
#
# $$\sigma^2 = \frac{1}{N} \sum_{i=1}^{N} (x_i - \mu)^2$$
#
# Then it subtracts the mean from each sum and divides by the standard deviation $\sigma$:
#
# $$\hat{x}_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}}$$
#
# The new numbers $\hat{x}_i$ have mean 0 and standard deviation 1. (The small number $\epsilon$,
# 0.001 on the slide, prevents a division by 0 if all sums are equal. It makes the standard
# deviation a tiny bit smaller than 1.)
#
# Mean 0 and standard deviation 1 need not be the best for the network. So two more numbers
# follow, $\gamma$ and $\beta$ (gamma and beta). They begin at 1 and 0, and training changes them
# like weights:
#
# $$y_i = \gamma \, \hat{x}_i + \beta$$
#
# The result has the mean $\beta$ and the standard deviation $|\gamma|$. That is why the slide
# calls them a "mean" and a "standard deviation" parameter.


# %%
def normalize(x, gamma=1.0, beta=0.0, epsilon=0.001):
    """Normalize the sums of a unit, or of each unit in a column.  (N,) or (N, units) -> same"""
    mean = x.mean(axis=0)
    variance = ((x - mean) ** 2).mean(axis=0)
    return gamma * (x - mean) / (variance + epsilon) ** 0.5 + beta


one, other = np.array([1.0, 3.0, 5.0, 7.0]), np.array([1.0, 1.0, 1.0, 5.0])
for name, x in {
    "The sums of a batch": one,
    "normalized": normalize(one),
    "gamma = 2, beta = 10": normalize(one, 2.0, 10.0),
    "Another batch": other,
    "normalized as well": normalize(other),
}.items():
    numbers = "".join(f"{number:8.3f}" for number in x)
    print(f"{name:20}{numbers}   mean {abs(x.mean()):.3f}, standard deviation {x.std():.4f}")

# %% [markdown]
# Look at the number 1. In the first batch it becomes -1.342, in the other batch -0.577. **In
# training, what becomes of a picture's sum depends on the other pictures in its batch.** Two
# things follow:
#
# - A batch of one picture is of no use: its mean is the number itself, so every picture becomes
#   0.
# - The other pictures are drawn at random, so they act like noise on each sum. The slide expects
#   "slight regularization effects" from this noise. We test it below.
#
# One more thing: a **bias** adds the same number to all sums of a unit, and subtracting the mean
# removes it again. So the bias of a layer before batch normalization has no effect, and $\beta$
# takes its place.
#
# ## Two parameters for each unit
#
# The slide says that batch normalization "adds two trainable parameters to each layer". It is two
# for each **unit** of the layer, its own $\gamma$ and $\beta$. (In a convolutional layer it is
# two for each channel, that is, for each feature map.) Each unit also gets two numbers that are
# stored but not trained. The next section tells what they are for.

# %%
for name, values in BatchNormalization().build((64,)).weights().items():
    print(f"For 64 units: {values.size} numbers {name}")

# %% [markdown]
# ## After training: running averages
#
# After the training the network is used: it answers for pictures whose labels nobody knows. This
# is called **inference**. Its answer for a picture should not depend on other pictures, and a
# single picture has no mean and variance of its own. So each unit keeps a **running average** of
# the mean and of the variance. Each training step moves it a little towards the value of the
# batch:
#
# $$\text{average} \leftarrow m \cdot \text{average} + (1 - m) \cdot \text{value of the batch}$$
#
# Inference takes these averages in the place of $\mu$ and $\sigma^2$. The number $m$ is called
# `momentum`. It is 0.99 on the slide and in Keras. The average of the means begins at 0 and that
# of the variances at 1. These first values are only placeholders. After $t$ steps their share in
# the average is still $m^t$.

# %%
for m in (0.99, 0.9):
    print(f"Share of the placeholder, momentum {m}: {m**10:.1%} after 10 steps,", end=" ")
    print(f"{m**50:.1%} after 50, {m**200:.1%} after 200")

# %% [markdown]
# With 0.99 the averages are wrong for the first few hundred steps, although the network itself
# has learned. Our trainings are so short that we take 0.9. Further below we see what 0.99 does.
#
# ## What if all weights are ten times as large?
#
# We multiply all weights of a layer by 10. All its sums become ten times as large, and so do
# their mean and their standard deviation. The division cancels the 10. The output stays the same,
# apart from the effect of $\epsilon$.
#
# And the **gradient**, which says how the loss changes with each weight? To change the output as
# much as before, a weight that is ten times as large must change ten times as much. So the
# gradient becomes ten times smaller. We try it with 64 units and 50 digits.

# %%
many = data.mnist(DIGITS, size(500, 6000))
digits = many._replace(test=many.test[:1000], test_labels=many.test_labels[:1000])
rng = np.random.default_rng(SEED)
fifty = tn.Tensor(digits.train[:50].reshape(50, 784))
random_weights = rng.standard_normal((784, 64), dtype=np.float32)
outputs, gradients = [], []
for factor in (1, 10):
    w = tn.Tensor(factor * random_weights, requires_grad=True)
    y = normalize(fifty @ w)
    tn.relu(y).mean().backward()  # computes w.grad; the mean stands for a loss
    outputs.append(y.numpy())
    gradients.append(np.linalg.norm(w.grad))
change = abs(outputs[1] - outputs[0]).max()
print(f"With weights 10 times as large no output changes by more than {change:.4f},")
print(f"and the gradient becomes {gradients[0] / gradients[1]:.2f} times smaller.")

# %% [markdown]
# Two promises of the slide follow from this.
#
# - **Initialization.** The size of the starting weights does not matter for the output.
# - **Higher learning rates.** A step that is too large makes the weights large. Then the
#   gradients are small, and the next steps change the weights less. Without batch normalization
#   it is the other way round: large weights give large sums, large gradients and even larger
#   weights.
#
# ## A signal on its way through eight layers
#
# Our test network is deep and narrow, to make it hard to train: eight layers of 64 units and a
# last layer of 10 units, one for each digit. The starting weights are random numbers of the size
# that Keras takes by default. We multiply all of them by a factor, 0.3, 1 or 3, and send 500
# digits through the untrained network. How much do the outputs of a layer differ from each other?
# We measure their standard deviation.


# %%
def network(batch_norm, factor=1.0, activation="relu", momentum=MOMENTUM, layers=LAYERS, seed=SEED):
    """(N, 28, 28, 1) -> (N, 10), a number for each digit.  factor: of all starting weights"""
    parts = [Flatten()]
    for _ in range(layers):
        parts.append(Dense(64))
        if batch_norm:
            parts.append(BatchNormalization(momentum=momentum))  # before the activation function
        parts.append(Activation(activation))
    model = tn.Sequential([*parts, Dense(10)], (28, 28, 1), np.random.default_rng(seed))
    for p in model.parameters():
        if p.ndim == 2:  # the weights; biases, gamma and beta have one dimension
            p.data *= factor
    return model


def signal(model, pictures):
    """The standard deviation of the outputs of each activation function"""
    x, found = tn.Tensor(pictures), []
    for part in model.layers:
        x = part(x, training=True)  # with the mean and the variance of these pictures
        if isinstance(part, Activation):
            found.append(x.numpy().std())
    return np.array(found)


sent = {
    factor: [signal(network(with_it, factor), digits.train[:500]) for with_it in (False, True)]
    for factor in (0.3, 1.0, 3.0)
}
for factor, (without, with_it) in sent.items():
    print(f"Weights x {factor:g}: {without[-1]:.3g} after layer {LAYERS}, with batch", end=" ")
    print(f"normalization {with_it[-1]:.2g}")
draw.signals(sent)

# %% [markdown]
# Without batch normalization each layer multiplies the signal by about the same number. Over
# eight layers this multiplies: a factor of 3 in all weights is a factor of $3^8 = 6561$ in the
# output. A signal that fades away says little about the picture, and its gradients fade as well.
# A signal that explodes gives huge gradients. With batch normalization the signal has the same
# size in all layers, whatever the factor.
#
# ## Two maps
#
# Now we train. The **learning rate** is the number that makes the steps of training longer or
# shorter. We take four learning rates and four factors of the starting weights, 16 trainings
# without and 16 with batch normalization. All else is the same: plain gradient descent (SGD), the
# same digits in the same order, the same three epochs. (An **epoch** is one pass through all
# training pictures.) Then each network reads digits that it has not learned from, and we note the
# share that it reads right.
#
# If the loss becomes infinite, the training stops. We note 0. It is the worst that can happen, so
# it lies below guessing, which gives about 0.1.


# %%
def train(name, model, pictures, rate, epochs=EPOCHS, batch=64, seed=SEED):
    """-> the history: after each epoch the shares read right of its digits and of others"""
    order = np.random.default_rng(seed)
    batches = tn.data.batches(pictures.train, pictures.train_labels, size=batch, rng=order)
    optimizer = tn.optim.SGD(model.parameters(), rate)
    settings = {"validation": (pictures.test, pictures.test_labels), "metrics": ["accuracy"]}
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return fit(name, model, batches, "cross_entropy", optimizer, epochs, **settings)
    except FloatingPointError:  # the loss is infinite
        return {"accuracy": [0.0], "validation accuracy": [0.0]}


def both(pictures, rate, factor=1.0, activation="relu"):
    """-> the share of other digits read right after training, without and with batch norm"""
    setting = f"{activation}, weights x {factor:g}, rate {rate:g}"
    return [
        train(name, network(with_it, factor, activation), pictures, rate)["validation accuracy"][-1]
        for with_it, name in ((False, f"{setting}, without"), (True, f"{setting}, with"))
    ]


rates = size([0.1, 1.0], [0.03, 0.1, 0.3, 1.0])
factors = size([1.0], [0.1, 0.3, 1.0, 3.0])
right = {(factor, rate): both(digits, rate, factor) for factor in factors for rate in rates}
draw.maps(right)

# %% [markdown]
# Each number is the share of other digits read right.
#
# Without batch normalization only one row learns at all: that of the usual starting weights. In
# this row the rate must be neither too small nor too large. With batch normalization every field
# of the map learns, and most are good.
#
# The second map also shows a limit. Weights that are three times as large have gradients that are
# three times smaller. So the same rate changes them less, and in the row "x 3" a small rate
# learns slowly. The starting weights and the rate still matter, but much less.
#
# ## The slide's sentences, one by one
#
# We read three promises off the maps. For the fourth we train with two more activation functions,
# at the rate 0.1: the **sigmoid** maps each sum to a number between 0 and 1, and **tanh** to one
# between -1 and 1. The slide says that "nonlinearities that don't work well in deep networks tend
# to become viable again".

# %%
promises = {
    "'speeds up training': best rate": np.max([right[1.0, rate] for rate in rates], axis=0),
    "'allows higher learning rates': rate 1": right[1.0, 1.0],
    "'simplifies weights initialization': worst at rate 0.1": np.min(
        [right[f, 0.1] for f in factors], axis=0
    ),
}
for name in size(["sigmoid"], ["sigmoid", "tanh"]):
    promises[f"'makes activation functions viable': {name}"] = both(digits, 0.1, activation=name)
table(
    ["promise of the slide", "without", "with"],
    [[promise, *(f"{share:.3f}" for share in shares)] for promise, shares in promises.items()],
)
known, truth = (digits.train, digits.train_labels, digits.test), digits.test_labels
nearest, line = ((guess(*known) == truth).mean() for guess in (nearest_picture, least_squares))
print(f"For comparison: nearest picture {nearest:.3f}, least squares on pixels {line:.3f}")

# %% [markdown]
# The first three promises hold here, and clearly. The fourth one holds for the sigmoid, which
# learns nothing without batch normalization. tanh does not need help here: it learns without it,
# too.
#
# Keep in mind what kind of network this is. We made it hard to train and gave it little time. The
# nearest picture (the label of the training picture whose pixels differ least) reads the digits
# about as well. This lesson is about training and not about the best reader of digits.
#
# ## "Each training iteration will be slower"
#
# The slide says it "because of the extra normalisation calculations". We can count them. In a
# layer of 64 units with 64 inputs each, a picture needs $64 \cdot 64 = 4096$ multiplications for
# the weights. Batch normalization needs three more for each unit: for the variance, for the
# division by $\sigma$, and for $\gamma$. Together that is 192, or 5%. In practice the cost is
# higher, because each operation on a small table also takes a fixed time. You can see it while
# the lesson runs: the lines of progress say how many seconds each training took.
#
# ## Learned, but not ready for use
#
# Now we compare the momentum of Keras, 0.99, with 0.9. We train the same network twice: four
# layers, 500 digits, starting weights times 0.3. After each epoch it reads other digits in
# inference, with its running averages.

# %%
few = digits._replace(train=digits.train[:500], train_labels=digits.train_labels[:500])
lag = {}
for m in (0.99, 0.9):
    run = train(f"m = {m}", network(True, 0.3, momentum=m, layers=4), few, 0.1, size(3, 15), 32)
    lag[f"other digits, momentum {m}"] = run["validation accuracy"]
lag["training digits, in training (for both)"] = run["accuracy"]
for name, shares in lag.items():
    print(f"{name}: {shares[0]:.3f} after epoch 1, {shares[2]:.3f} after 3, last {shares[-1]:.3f}")
draw.lag(lag)

# %% [markdown]
# The momentum does not touch the training itself: in training each batch is normalized by its own
# mean and variance. So both networks have the same weights after every step. Only their running
# averages differ. In training both read the same share right, which grows from the first epoch
# on. But with 0.99 the running averages still contain much of the placeholders, and in inference
# the network reads badly for several epochs. Then it catches up.
#
# **If your own network is good in training and bad on other pictures, in the first epochs only,
# this may be the reason.** Train for a few hundred steps more, or take a smaller momentum.
#
# ## "It has a slight regularization effect"
#
# **Overfitting** is when a network reads its training pictures better and better, but not other
# pictures. **Regularization** is everything that reduces it. To test this promise we need a
# network that also learns well without batch normalization. Otherwise we would measure the other
# promises again. So we take two layers. We train them five times, each time with 500 other
# digits, other starting weights and another order. To see small differences we let them read
# 6,000 digits that none of them has seen.

# %%
unseen = {"without": [], "with": []}
for word, shares in unseen.items():
    for s in range(size(1, 5)):
        part = slice(500 * s, 500 * (s + 1))
        few = digits._replace(train=digits.train[part], train_labels=digits.train_labels[part])
        model = network(word == "with", layers=2, seed=s)
        train(f"{word}, training {s}", model, few, 0.1, epochs=size(3, 12), batch=32, seed=s)
        shares.append(accuracy(model, many.test, many.test_labels))
    print(f"{word:8} mean {np.mean(shares):.3f}, of", *(f"{share:.3f}" for share in shares))

# %% [markdown]
# In some of the five trainings batch normalization helps a little, in others it harms a little.
# From training to training the share changes by more than the two means differ. So we see no
# regularization effect here. The slide promises only a slight one, and says that "we should not
# depend only on batch normalization for regularization". The lesson `dropout` is about a method
# that is made for it.
#
# ## Why does it work?
#
# The slide's reason is "internal covariate shift": when the weights of one layer change, the
# inputs of the next layer change too, and normalizing keeps their mean and standard deviation.
# The inventors gave the same reason (Ioffe and Szegedy, 2015). Others have doubted it: networks
# to which such a shift was added on purpose learned as well (Santurkar and others, "How Does
# Batch Normalization Help Optimization?", 2018). What we measured does not depend on the reason:
# signals keep their size, and gradients shrink when weights grow.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
speed, rate_1, start, sigmoid = list(promises.values())[:4]
slow, fast, _ = lag.values()
claim(
    "Batch norm at its best rate beats none by at least 0.1, and least squares by at least 0.05",
    speed[1] >= max(speed[0] + 0.1, line + 0.05),
    f"{speed[1]:.3f}, {speed[0]:.3f} and {line:.3f}",
)
claim(
    "At the learning rate 1 it reads at least 0.45 with batch norm and at most 0.3 without",
    rate_1[1] >= 0.45 and rate_1[0] <= 0.3,
    f"{rate_1[1]:.3f} and {rate_1[0]:.3f}",
)
claim(
    "From every size of starting weights it reads at least 0.65 with batch norm, at rate 0.1",
    start[1] >= 0.65,
    f"the worst is {start[1]:.3f}, without batch norm {start[0]:.3f}",
    quick=False,
)
claim(
    "With the sigmoid it reads at least 0.6 with batch norm and at most 0.2 without",
    sigmoid[1] >= 0.6 and sigmoid[0] <= 0.2,
    f"{sigmoid[1]:.3f} and {sigmoid[0]:.3f}",
    quick=False,
)
claim(
    "Momentum 0.99 reads at least 0.15 less than 0.9 after 3 epochs, and at most 0.1 in the end",
    fast[2] - slow[2] >= 0.15 and fast[-1] - slow[-1] <= 0.1,
    f"{fast[2] - slow[2]:.3f} and {fast[-1] - slow[-1]:.3f} less",
    quick=False,
)

# %% [markdown]
# ## Quiz
#
# 1. The sums of a unit in a batch are 1, 3, 5 and 7. What are their mean and their variance? *4
#    and 5.*
# 2. What are the mean and the standard deviation after normalization, with $\gamma = 1$ and
#    $\beta = 0$? *0 and 1. (Because of $\epsilon$ the second is a tiny bit smaller.)*
# 3. And with $\gamma = 2$ and $\beta = 10$? *The mean is 10 and the standard deviation is 2.*
# 4. How many trained numbers does batch normalization add to a layer of 64 units? How many that
#    are not trained? *128 of each: $\gamma$ and $\beta$, and two running averages, for each
#    unit.*
# 5. Why does inference need running averages? *The answer for a picture should not depend on
#    other pictures, and a single picture has no mean and variance of its own.*
# 6. A network is good in training and bad on other digits, in the first epochs only. Its momentum
#    is 0.99. What is the likely reason? *The running averages still contain much of their
#    placeholders, 0 and 1.*
# 7. All weights of a layer before batch normalization are multiplied by 10. What happens to its
#    output, and what to the gradient? *The output stays the same. The gradient becomes 10 times
#    smaller.*
# 8. What does the bias of a layer before batch normalization do? *Nothing: subtracting the mean
#    removes it. $\beta$ takes its place.*
# 9. All weights of eight layers are multiplied by 3. What happens to the signal without batch
#    normalization? *It becomes $3^8 = 6561$ times as large.*
# 10. Which of the slide's promises does this lesson not see? *Reduced overfitting: the seeds
#     differ by more than the means with and without batch normalization.*
