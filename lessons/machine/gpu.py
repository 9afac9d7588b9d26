# %% [markdown]
# # GPU: a small network waits for launches, a large one for memory and arithmetic
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Why Now?" ("Graphics
# Processing Units (GPUs)"), "Mini-Batches while Training" ("Can parallelize computation + achieve
# significant speed increases on GPU's")
#
# **Question.** A GPU computes far more in a second than a CPU. Yet some networks train no faster
# on it, or even slower. Which ones, and from which batch on does a GPU pay?
#
# **You will see.** What moves to the GPU and when. What a training step waits for there. The
# times of this machine's CPU, measured, beside those of a GPU.
#
# **Try.** `python -m lessons gpu --set LAUNCH=20`: a launch takes longer. The crossover of the
# dense network moves to a larger batch. For the CNN the GPU still pays from the first picture on.
# `python -m lessons gpu --set WIDTH=1024`: the dense network has as many launches as before, and
# over 800 times the arithmetic. Now the GPU pays from the first example on.
# `python -m lessons gpu --set MEMORY=3e11 --set RATE=1e13`: about the GPU of a laptop. The CNN's
# launches decide up to a batch of about 10, and no longer up to some hundreds.

# %%
import contextlib
import io
import time

import numpy as np

import tinynet as tn
from lessons import parts
from lessons.shared import claim, size, table
from lessons.shared.draw import gpu as draw
from tinynet import layers

BUS = 64e9  # bytes a second between CPU and GPU: PCIe 5 x16, each way
MEMORY = 4.8e12  # bytes a second between the GPU's memory and its processors
RATE = 67e12  # float32 operations a second on the GPU
LAUNCH = 5.0  # microseconds that CuPy and the driver take for one launch: an assumption
LAUNCHES = {"dense": 29, "CNN": 44}  # of a training step, counted
WIDTH = 32  # neurons in each layer of the dense network
BATCHES = {"dense": [1, 8, 64, 512, 4096], "CNN": [1, 8, 32, 128]}  # that are measured
PATIENCE = size(0.1, 0.5, 2.0)  # seconds for each measurement

# %% [markdown]
# ## Two networks
#
# The **dense** network has three layers of 32 neurons, and an output layer. It maps 12 numbers to
# 2. The network of the lesson `diffusion` has the same layers, but 128 neurons in each. The
# **CNN** is the network of the lesson `fashion`: two convolutions, pooling and two dense layers.
# It maps a picture of 28 x 28 pixels to 10 logits.
#
# A training **step** computes the loss of one batch (forward), the gradient (backward) and the
# new weights (by the rule Adam). The function `step` below makes one for either network. It runs
# on the CPU or on the GPU. The examples are noise, for only the time matters here.


# %%
def dense(rng, width=WIDTH):
    """(N, 12) -> (N, 2)"""
    stack = [*(layers.Dense(width, activation="relu") for _ in range(3)), layers.Dense(2)]
    return tn.Sequential(stack, input_shape=(12,), rng=rng)


cnn = parts("fashion").model  # (N, 28, 28, 1) -> logits (N, 10)


def step(model, N, rng, where="cpu"):
    """A function that takes one training step on N examples and returns the loss."""
    model.to(where).train()
    x = rng.random((N, *model.input_shape), dtype=np.float32)
    if x.ndim == 4:  # pictures
        loss_of, target = tn.cross_entropy, rng.integers(0, 10, N)
    else:
        loss_of, target = tn.mse, rng.random((N, 2), dtype=np.float32)
    x, target = tn.Tensor(x).to(where), tn.Tensor(target).to(where)
    adam = tn.optim.Adam(model.parameters())

    def run():
        adam.zero_grad()
        loss = loss_of(model(x), target)
        loss.backward()
        adam.step()
        return loss

    return run


makers = {"dense": dense, "CNN": cnn}
rng = np.random.default_rng(0)
networks = {name: make(rng) for name, make in makers.items()}

# %% [markdown]
# ## What moves, and when
#
# A GPU has a memory of its own. It computes only with numbers that are there.
#
# - The weights go there once, with `model.to("gpu")`. They stay there.
# - A batch of pictures and their labels goes there before each step.
# - The loss is one number. It comes back only when somebody looks at it.
#
# All this goes over a **bus**. We assume PCIe 5 x16, which moves 64 GB/s each way. We count the
# bytes for the CNN and 128 pictures: 4 bytes for a weight or a pixel, and 8 for a label.

# %%
pixels, weights = 28 * 28, sum(p.size for p in networks["CNN"].parameters())
moves = [
    ("weights", "once", 4 * weights),
    ("pictures", "each step", 4 * 128 * pixels),
    ("labels", "each step", 8 * 128),
    ("loss", "when shown", 4),
]
table(
    ["what", "when", "bytes", "microseconds on the bus"],
    [[what, when, f"{moved:,}", f"{1e6 * moved / BUS:.2f}"] for what, when, moved in moves],
)

# %% [markdown]
# The loss takes hardly any time on the bus. But it should not be fetched after each step. Python
# prepares the next steps while the GPU computes. Whoever asks for a number makes Python wait until
# the GPU has done all that came before. This wait is a **synchronization**. In a loop that trains,
# these lines make one: `loss.item()`, `print(loss)`, `if loss.item() < best`, `y.numpy()` and
# `y.to("cpu")`. Write them for every hundredth step.
#
# The bus is slow beside the memory of the GPU, which moves 75 times as many bytes in a second. A
# small data set can stay on the GPU: all 60,000 pictures of Fashion-MNIST take 188 MB. From here
# on we assume that the pictures are there.
#
# ## Launches
#
# Python runs on the CPU. For each operation it tells the GPU what to compute. This is a
# **launch**, and the small program that it starts on the GPU is a **kernel**. An operation needs
# one or a few launches. The CPU spends a time $t$ on each of them, **whatever the size of the
# arrays**. So a step with $n$ launches takes at least
#
# $$T_{\text{launches}} = n\,t$$
#
# - The number $n$ depends on the layers, and not on how wide they are. It is 29 for the dense
#   network: 8 forward, 2 for the loss, 17 backward and 2 for Adam. For the CNN it is 44: 13, 4, 25
#   and 2. `python -m benchmarks gpu --emulated` counts it without a GPU, and calls the two
#   networks `diffusion` and `fashion`.
# - The time $t$ has two parts. CuPy and the driver start the launch: we assume 5 microseconds.
#   Before that Python calls the layer, and notes what the backward pass will need. We measure
#   this part on the CPU, with a dense network that has only one neuron in each layer. It does
#   hardly any arithmetic. Its step takes Python's time, which we divide by $n$.
#
# To measure, we read the clock, take some steps, wait for the last loss, and read the clock again.
# On a GPU this wait matters. Without it we would measure Python alone, while the GPU still
# computes. We repeat this for half a second and take the fastest time. The first steps are always
# slower, and other programs on this machine can only make a step longer.


# %%
def seconds(run, steps=1):
    """The time of a step: that of the fastest round, each of so many steps."""
    times = []
    while len(times) < 3 or sum(times) < PATIENCE:
        began = time.perf_counter()
        for _ in range(steps):
            loss = run()
        loss.item()  # waits until all is done
        times.append(time.perf_counter() - began)
    return min(times) / steps


step(cnn(rng), 64, rng)()  # warms the CPU up, and loads compiled loops if there are any
tiny = seconds(step(dense(rng, 1), 1, rng))
python = tiny / LAUNCHES["dense"]  # seconds of Python for one launch
t = python + LAUNCH / 1e6
print(f"t = {1e6 * python:.1f} (Python, measured) + {LAUNCH:g} (assumed) microseconds")
for name, n in LAUNCHES.items():
    print(f"{name}: {n} launches a step take {1e6 * n * t:.0f} microseconds.")

# %% [markdown]
# ## Memory and arithmetic
#
# The GPU works while Python prepares the next launch. It reads and writes bytes, and it computes.
# Both take longer for a larger batch. The slowest of the three decides:
#
# $$T = \max\left(T_{\text{launches}}, \; \frac{\text{bytes}}{\text{memory}}, \;
# \frac{\text{operations}}{\text{rate}}\right)$$
#
# Memory and rate are those of the data sheet of an **NVIDIA H200**: 4.8 TB/s, and 67 TFLOP/s in
# float32. No program quite reaches them.
#
# `tn.cost` counts the multiplications of the forward pass, and the bytes that are kept for the
# backward pass. From these we estimate the whole step:
#
# - A multiplication and an addition are two operations. Backward takes twice as many as forward.
# - What is kept is written and read. So is its gradient. That makes four passes.
# - A convolution copies its windows into a matrix. A step does this three times, and each copy is
#   written and read: six passes.
# - A weight is read forward and backward, and its gradient is written: three passes. Adam keeps
#   two more numbers for each weight. It reads all four and writes three: seven passes more.


# %%
def work(model):
    """Of a training step: bytes for the weights; bytes and operations for each example."""
    with contextlib.redirect_stdout(io.StringIO()):  # tn.cost prints a table
        cost = tn.cost(model)
    windows = sum(row.columns for row in cost.rows)
    return 10 * 4 * cost.parameters, 4 * cost.kept + 6 * windows, 3 * 2 * cost.multiply_adds


works = {name: work(network) for name, network in networks.items()}


def modelled(name, N):
    """The three times, in seconds.  The largest one is the time of the step on the GPU."""
    weights, each, operations = works[name]
    return LAUNCHES[name] * t, (weights + N * each) / MEMORY, N * operations / RATE


many = 2 ** np.arange(21)  # batches from 1 to 1,048,576
model = {name: np.array([modelled(name, int(N)) for N in many]) for name in makers}
reach = {name: many[times.argmax(axis=1) == 0].max(initial=0) for name, times in model.items()}
table(
    ["batch 64", "launches", "memory", "arithmetic", "launches decide up to"],
    [
        [name, *(f"{1e6 * part:.2f} us" for part in model[name][6]), f"batch {reach[name]:,}"]
        for name in makers
    ],
)
draw.three_times(many, model)

# %% [markdown]
# (us: microseconds.) In the figure, the grey band is the step. The dense network waits for
# launches nearly all the time. At batch 64 its memory and arithmetic take less than a thousandth
# of that. **A batch twice as large takes no longer.** The CNN has thousands of times as much
# arithmetic for each example, and not even twice as many launches. A few hundred pictures keep the
# GPU busy. From there on memory decides, and arithmetic takes almost as long. Twice as many
# pictures take twice as long. (The last column of the table tries powers of two only.)
#
# ## Against the CPU
#
# Now we measure the same steps on this machine's CPU. A GPU pays from the batch on at which its
# step takes less time. This batch is the **crossover**. Where there is no GPU, its times are
# computed by the formula above. They are not measured. In each row of the next table launches are
# the slowest of the three, so the time of a launch decides there, and the data sheet does not.
#
# Have you an NVIDIA GPU? Install CuPy for it, as `docs/gpu.md` says. Then this program finds it,
# measures its steps too, and shows them beside the computed ones. Set `MEMORY` and `RATE` to the
# numbers of its data sheet.

# %%
cpu = {
    name: [seconds(step(make(rng), N, rng)) for N in BATCHES[name][::-1]][::-1]
    for name, make in makers.items()
}  # the largest batch first: it warms the machine up
here = tn.gpu_available()
gpu = {
    name: [seconds(step(make(rng), N, rng, "gpu"), 20) for N in BATCHES[name] if here]
    for name, make in makers.items()
}
if not here:
    print(
        "No GPU here: the GPU's times are computed from the measured time of Python, an assumed\n"
        "time of a launch, and the data sheet of an NVIDIA H200. They are not measured.\n"
    )
computed = {name: [max(modelled(name, N)) for N in BATCHES[name]] for name in makers}
rows = []
for name, batches in BATCHES.items():
    for N, *took in zip(batches, cpu[name], computed[name], *[gpu[name]] * here, strict=True):
        gain = f"{took[0] / took[1]:.1f}"
        rows.append([name, f"{N:,}", *(f"{1e3 * each:.2f} ms" for each in took), gain])
head = ["network", "batch", "CPU, measured", "GPU, computed", *["GPU, measured"] * here]
table([*head, "CPU / GPU, computed"], rows)
draw.crossover(BATCHES, cpu, many, model, gpu)

# %% [markdown]
# Where the last column is below 1, the GPU is slower. **Small batches of the dense network are
# slower on the GPU.** Python takes as long there as on the CPU, and the launches' own time comes on
# top. That time is our assumption, and the crossover depends on it: try `LAUNCH=1`. A larger batch
# helps the GPU: the CPU's time grows, and the GPU's does not. For the CNN the GPU pays from the
# first picture on, because each launch starts much more arithmetic.
#
# What helps a small network on a GPU?
#
# - A larger batch. But an epoch then has fewer steps, so look whether the network still learns.
# - Fewer launches. A layer's own `activation="relu"` takes no launch of its own: bias and relu are
#   one kernel.
# - Forward, loss and backward as one launch. `step = tn.capture(step)` tells the GPU once what the
#   step launches: a CUDA graph, which later calls launch as a whole. No real GPU has run that yet.
# - Data that stay on the GPU, and a loss that is looked at seldom.
# - Often the CPU is fast enough.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
least = {name: times - [LAUNCHES[name] * python, 0, 0] for name, times in model.items()}
waits = {name: many[times.argmax(axis=1) == 0].max(initial=0) for name, times in least.items()}
claim(
    "Even if Python took no time, the dense network would wait for launches up to 131,072 examples",
    waits["dense"] >= 131072,
    f"up to {waits['dense']:,}",
)
claim(
    "Then launches stop deciding the CNN's step at a batch that is at least 500 times smaller",
    waits["dense"] >= 500 * waits["CNN"],
    f"up to {waits['CNN']:,}",
)
twice = {name: times[14].max() / times[13].max() for name, times in model.items()}
claim(
    "From batch 8,192 to 16,384 the dense network's step takes as long on the GPU as before, and "
    "the CNN's at least 1.9 times as long",
    twice["dense"] == 1 and twice["CNN"] >= 1.9,
    f"{twice['dense']:.2f} and {twice['CNN']:.2f} times",
)
growth = [times[-1] / times[0] for times in cpu.values()]
claim(
    "On the CPU the largest batch takes each network at least 1.5 times as long as one example",
    min(growth) >= 1.5,
    f"{growth[0]:.0f} and {growth[1]:.0f} times",
)
gains = {name: cpu[name][0] / computed[name][0] for name in makers}  # with one example
claim(
    "With one example the CNN gains from the GPU, and at least twice as much as the dense network",
    gains["CNN"] >= max(1, 2 * gains["dense"]),
    f"CPU / GPU is {gains['CNN']:.1f} and {gains['dense']:.2f}",
)
