# %% [markdown]
# # Stride and padding: how large the feature map is, and what it costs
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Feature Extraction with
# Convolution". *Convolution NN* (handwritten notes, author not named): "stride = slide filter",
# "Padding". *AutoEncoders and Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3,
# University of Jyväskylä): "2D Convolution"
#
# **Question.** A kernel slides over a picture. At how many places can it stand? What happens at
# the border? And what does it cost?
#
# **You will see.** A formula for the size of the feature map, and the places drawn for five
# examples. The difference between two kinds of padding that give the same size and other numbers.
# The layers of a network that hold few of its weights and do most of its work.
#
# **Try.** `python -m lessons stride_padding --set "YOURS=[9, 5, 3, 2]"`: guess the size of the
# feature map before you look. And then try other strides, and look at the eyes in the photograph:
# `python -m lessons stride_padding --set "STRIDES=[1, 3, 9, 27]"`: at which stride can you no
# longer see them?

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, data, table
from lessons.shared.draw import stride_padding as draw

YOURS = [7, 3, 2, 1]  # an example of your own: H, K, S, P
STRIDES = [1, 2, 4, 8]  # for the photograph
EDGES = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]  # gives 0 where left and right are alike

# %% [markdown]
# ## At how many places can a kernel stand?
#
# A **kernel** (or **filter**) is a small table of K x K weights. It is laid over a patch of the
# picture, and gives one number there. All these numbers together are the **feature map**. The
# lesson `sharpen` shows how each number is computed. Here we only ask where the kernel stands.
#
# - The kernel moves by $S$ pixels to its next place. $S$ is the **stride**.
# - The picture has $H$ rows. It may get $P$ more rows above and $P$ more below, the **padding**.
#
# The first place begins at row 0, the next one at row $S$, then $2S$, and so on. The last place
# must still end inside: it begins at row $H + 2P - K$ at most. So the number of places, below
# each other, is
#
# $$\left\lfloor \frac{H + 2P - K}{S} \right\rfloor + 1$$
#
# The brackets $\lfloor \ \rfloor$ mean: round down. The same holds for the columns.
#
# We do not trust the formula. We also count the places one by one, and ask tinynet's convolution
# how large its result is.


# %%
def output_size(H, K, S=1, P=0):
    return (H + 2 * P - K) // S + 1


def counted(H, K, S=1, P=0):
    begins = [row for row in range(0, H + 2 * P, S) if row + K <= H + 2 * P]
    return len(begins)


def measured(H, K, S=1, P=0):
    picture, kernel = tn.ones((1, H, H, 1)), tn.ones((K, K, 1, 1))
    return tn.conv2d(picture, kernel, stride=S, padding=P).shape[1]


CASES = {
    "TIES4911: 3 x 3 on 5 x 5": (5, 3, 1, 0),
    "TIES4911: 3 x 3 on 5 x 5, stride 2": (5, 3, 2, 0),
    "Convolution NN: 3 x 3 on 4 x 4, zeros around": (4, 3, 1, 1),
    "TIES4911: 3 x 3 on 32 x 32, zeros around": (32, 3, 1, 1),
    'TDDC17: 4 x 4 on 28 x 28, "shift by 2"': (28, 4, 2, 0),
    "yours": tuple(YOURS),
}
ways = {name: [way(*case) for way in (output_size, counted, measured)]
        for name, case in CASES.items()}  # fmt: skip
table(
    ["example", "H", "K", "S", "P", "formula", "counted", "conv2d"],
    [[name, *case, *ways[name]] for name, case in CASES.items()],
)
drawn = {"5 x 5": (5, 3, 1, 0, 0), "5 x 5, stride 2": (5, 3, 2, 0, 0),
         "4 x 4, padded": (4, 3, 1, 1, 1), "8 x 8, shift by 2": (8, 4, 2, 0, 0)}  # fmt: skip
draw.places(drawn | {"yours": (*YOURS, YOURS[-1])})

# %% [markdown]
# (TDDC17 names no size of the picture. We took the 28 x 28 of the handwritten digits of MNIST.)
#
# In the figure each small square is a pixel, or one pixel of padding (white). The kernel is drawn
# at three of its places. The squares below are the feature map. The three colored ones get their
# numbers from these places.
#
# "Greater stride, smaller feature map", say the notes. Padding makes it larger.
#
# ## Pixels that no kernel sees
#
# What does rounding down mean? On 28 rows a kernel of 3 rows with stride 2 has 13 places: 25/2 is
# 12.5, rounded down 12, and 1 more. The last one begins at row 24 and ends at row 26. Row 27 is
# never seen. With a kernel of 4 rows the last place ends at row 27, and nothing is lost.
#
# We test this. We change one pixel at a time and look whether any number of the feature map
# changes.


# %%
def unseen(H, K, S):
    """How many of the H x H pixels can change without any change in the feature map."""
    pictures = np.eye(H * H, dtype=np.float32).reshape(-1, H, H, 1)  # in each one pixel is lit
    maps = tn.conv2d(tn.Tensor(pictures), tn.ones((K, K, 1, 1)), stride=S).numpy()
    return int((maps == 0).all(axis=(1, 2, 3)).sum())


lost = {K: unseen(28, K, 2) for K in (3, 4)}
print(f"Of 784 pixels, 3 x 3 with stride 2 does not see {lost[3]}, 4 x 4 does not see {lost[4]}.")

# %% [markdown]
# The 55 pixels are the last row and the last column: $28 + 28 - 1$.
#
# ## Padding keeps the size
#
# Without padding each layer of 3 x 3 takes two rows and two columns away. After 13 such layers 2
# x 2 numbers are left of 28 x 28. With stride 1 and an odd $K$, a padding of $P = (K - 1) / 2$
# keeps the size. The notes draw this for 4 x 4 pixels.
#
# Keras and tinynet have a word for it: `padding="same"`. (No padding is `padding="valid"`.) With
# a stride it means $\lceil H / S \rceil$ places, where $\lceil \ \rceil$ rounds up. How many rows
# of padding $T$ does that take in all? The last place begins at row $(\lceil H / S \rceil - 1) S$
# and ends $K$ rows further:
#
# $$T = \max(0, (\lceil H / S \rceil - 1) S + K - H)$$
#
# $T$ can be odd. Then one side gets a row more. Which one? A picture of ones and a kernel of ones
# tell it: at each place they count how many rows of the picture the kernel covers. The rest of
# its $K$ rows is padding.


# %%
def padded_rows(H, K, S):
    """How many rows padding="same" puts above and below."""
    picture, kernel = tn.ones((1, H, K, 1)), tn.ones((K, 1, 1, 1))  # one column of the kernel
    covered = tn.conv2d(picture, kernel, stride=S, padding="same").numpy()[0, :, 0, 0]
    return int(K - covered[0]), int(K - covered[-1])


examples = [(28, 3, 1), (28, 5, 1), (28, 3, 2), (28, 5, 2), (28, 4, 1), (4, 3, 2)]
same = {example: padded_rows(*example) for example in examples}
table(
    ["H", "K", "S", "places", "rows above", "rows below"],
    [[H, K, S, -(-H // S), *same[H, K, S]] for H, K, S in examples],
)

# %% [markdown]
# The row too many stands below, and likewise the column too many at the right. It matters. For 4
# x 4 pixels, K = 3 and S = 2, `"same"` adds one row below. A padding of 1 all around gives as
# many numbers, but the kernel stands one pixel higher and further left. We let a kernel of ones
# add up the numbers 0 to 15, with three paddings. The second one says by hand what `"same"` does.

# %%
sixteen = tn.Tensor(np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1))
paddings = {'"same"': "same", "none above, one below": ((0, 1), (0, 1)), "one all around": 1}
maps = {
    name: tn.conv2d(sixteen, tn.ones((3, 3, 1, 1)), stride=2, padding=padding).numpy().ravel()
    for name, padding in paddings.items()
}
table(
    ["padding", "first row", "second row"],
    [[name, f"{a:g} {b:g}", f"{c:g} {d:g}"] for name, (a, b, c, d) in maps.items()],
)
draw.two_paddings()

# %% [markdown]
# Whoever copies weights from a network with one kind of padding into a network with the other
# kind gets other answers, without any error. (PyTorch's layers pad equally at both sides.)
#
# ## Zeros, or the values on the edge
#
# What stands in the padding? The slide: "zeros or the values on the edge". We lay a kernel over a
# white picture. Each of its nine weights is 1/9, so it computes the mean. A white picture should
# stay white, 255. (`mode="edge"` repeats the outermost pixels.)

# %%
white = 255 * tn.ones((1, 4, 4, 1))
mean3 = tn.ones((3, 3, 1, 1)) / 9
with_zeros = tn.conv2d(white, mean3, padding=1).numpy()[0, :, :, 0]
around = tn.pad(white, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
with_edge = tn.conv2d(around, mean3).numpy()[0, :, :, 0]
table(
    ["padding", "in the corner", "at the side", "inside"],
    [[name, *(f"{y[0, j]:.0f}" for j in (0, 1)), f"{y[1, 1]:.0f}"]
     for name, y in (("zeros", with_zeros), ("values on the edge", with_edge))],
)  # fmt: skip

# %% [markdown]
# In the corner only 4 of the 9 weights lie on the picture, at the side 6. The zeros make the
# border dark: $255 \cdot 4/9 = 113$. On a photograph and with a larger kernel one sees it at
# once. Most networks use zeros all the same. They are simple, and a network can learn to live
# with a dark border.

# %%
grey = data.photograph() @ np.float32([0.299, 0.587, 0.114])  # as bright as the eye sees a color
face = tn.Tensor(grey[None, 60:260, 150:350, None])  # (1, 200, 200, 1)
mean21 = tn.ones((21, 21, 1, 1)) / 21**2
wide = tn.pad(face, ((0, 0), (10, 10), (10, 10), (0, 0)), mode="edge")
blurred = [tn.conv2d(face, mean21, padding=10), tn.conv2d(wide, mean21), tn.conv2d(face, mean21)]
draw.outside(face.numpy()[0, :, :, 0], *(y.numpy()[0, :, :, 0] for y in blurred))

# %% [markdown]
# ## Stride
#
# With stride 2 the kernel stands at every second place of every second row. So the feature map
# must be the one of stride 1, with three of four numbers left out. The figure shows it for a
# kernel that finds edges: places where the picture is brighter or darker at the right than at the
# left. (It shows the size of each number without its sign.)

# %%
kernel = tn.Tensor(EDGES)[:, :, None, None]  # (3, 3, 1, 1)
edges = {S: tn.conv2d(face, kernel, stride=S).numpy()[0, :, :, 0] for S in STRIDES}
table(
    ["stride", "feature map", "numbers"],
    [[S, f"{len(y)} x {len(y)}", f"{y.size:,}"] for S, y in edges.items()],
)
draw.strides(edges)

# %% [markdown]
# Twice the stride leaves about a quarter of the numbers and of the work. What lies between the
# places gets lost: thin lines break into dots. This is why a stride is often combined with larger
# kernels, or with pooling.
#
# ## What it costs
#
# A layer takes a picture with $C$ channels (a grey picture has 1, a color picture 3) and makes
# $O$ feature maps, with one kernel of $K \cdot K \cdot C$ weights and one bias for each map. They
# are its **parameters**. If each kernel stands at $n$ places:
#
# $$\text{parameters} = (K^2 C + 1) O, \quad \text{multiplications} = n K^2 C O$$
#
# The first does not know the size of the picture. The second is proportional to the number of
# places. A **dense** layer, in which each output has a weight for each input, fits into the same
# formulas: its kernel is as large as its input, so it has a single place.
#
# The table has the layers of the slides' Keras network for MNIST (without its batch
# normalization, which is cheap). Between the second and the third layer, and after the fourth,
# max pooling halves the size.


# %%
def cost(H, K, C, O, S=1, P=0):  # noqa: E741
    """The parameters and the multiplications of one layer."""
    places = output_size(H, K, S, P) ** 2
    return (K * K * C + 1) * O, places * K * K * C * O


LAYERS = {
    "conv 1": (28, 3, 1, 32),
    "conv 2": (26, 3, 32, 32),
    "conv 3": (12, 3, 32, 64),
    "conv 4": (10, 3, 64, 64),
    "dense 1": (4, 4, 64, 512),
    "dense 2": (1, 1, 512, 10),
}
costs = {name: cost(*layer) for name, layer in LAYERS.items()}
parameters, multiplications = np.array([*costs.values()]).T
table(
    ["layer", "input", "parameters", "multiplications"],
    [[name, f"{H} x {H} x {C}", *(f"{n:,}" for n in costs[name])]
     for name, (H, _, C, _) in LAYERS.items()],
)  # fmt: skip
draw.costs(list(LAYERS), parameters, multiplications)
few, much = (n[:4].sum() / n.sum() for n in (parameters, multiplications))
print(f"The four convolutions hold {few:.0%} of the parameters and do {much:.0%} of the work.")
once, twice = (cost(26, 3, 32, 32, S)[1] for S in (1, 2))
print(f"A stride of 2 in conv 2 would take {twice:,} multiplications for {once:,}.")

# %% [markdown]
# A convolution uses each of its weights again at every place. So it is small in memory and large
# in work. A dense layer uses each weight once. That is why one makes a network smaller at its
# dense layers, and faster at its large feature maps.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
tried = [
    (H, K, S, P) for H in range(4, 13) for K in range(1, 5) for S in (1, 2, 3) for P in range(3)
]
agree = sum(output_size(*c) == counted(*c) == measured(*c) for c in tried)
claim(
    "Formula, counting and conv2d agree for every H from 4 to 12, K to 4, S to 3 and P to 2",
    agree == len(tried),
    f"{agree} of {len(tried)}",
)
printed = [measured(H, 3, 1, P) for H, P in ((5, 0), (4, 1), (32, 1))]
claim(
    "conv2d gives the sizes that the slides print: 3 for 5 x 5, and padded 4 for 4 and 32 for 32",
    printed == [3, 4, 32],
    ", ".join(map(str, printed)),
)
claim(
    "On 28 x 28 pixels with stride 2, 3 x 3 weights miss a row and a column, 4 x 4 miss nothing",
    lost == {3: 55, 4: 0},
    f"{lost[3]} and {lost[4]} pixels",
)
at_bottom = all(below - above in (0, 1) for above, below in same.values())
keras = maps['"same"']
alike = [np.array_equal(keras, maps[name]) for name in ("none above, one below", "one all around")]
claim(
    'Padding "same" puts the odd row below and at the right, and padding all around differs',
    at_bottom and alike == [True, False],
    f"first number {keras[0]:g} and {maps['one all around'][0]:g}",
)
claim(
    "With zeros outside, a white corner keeps 4/9 of its brightness; with the edge's values all",
    abs(with_zeros[0, 0] - 255 * 4 / 9) < 0.01 and abs(with_edge - 255).max() < 0.01,
    f"{with_zeros[0, 0]:.0f} and {with_edge[0, 0]:.0f} of 255",
)
every = tn.conv2d(face, kernel).numpy()[0, :, :, 0]
off = max(abs(y - every[::S, ::S]).max() for S, y in edges.items())
claim(
    "The feature map of each stride is the one of stride 1 with numbers left out",
    off < 0.01,
    f"at most {off:.0e} grey levels off",
)
claim(
    "The Keras network's convolutions do over 90% of the work with under 15% of the parameters",
    much > 0.9 and few < 0.15,
    f"{much:.0%} and {few:.0%}",
)
