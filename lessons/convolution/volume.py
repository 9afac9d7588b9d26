# %% [markdown]
# # Volume: a filter is as deep as the picture, and makes one map of it
#
# **Lecture.** *AutoEncoders and Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3,
# University of Jyväskylä): "2D Convolution", with the filter W1 and with ten filters, and "Short
# summary on Convolution Layer". *Convolution NN* (handwritten notes, author not named): "Each
# kernel produces a feature map". *Classification of Machine Learning Problems* (slides without a
# course's name): "Convolution Operations/Layers"
#
# **Question.** A color picture has three channels: red, green and blue. Does a filter make three
# maps of it, or one? And what can a filter see in three channels that it cannot see in a grey
# picture?
#
# **You will see.** A red letter on green that is not there in the grey picture. How a filter with
# three slices finds it. The slide's demo, number by number. A network that reads such letters in
# color, and only guesses in grey.
#
# **Try.** `python -m lessons volume --set "MIX=[0.299, 0.587, 0.114]"`: a filter that looks at
# the brightness only. The letter disappears from its map. Then try `python -m lessons volume
# --set "GREEN=[0.25, 0.95, 0.15]"`: the green is now brighter than the red, and the grey pictures
# can be read, too.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, fit, least_squares, nearest_picture, size, table
from lessons.shared.draw import volume as draw
from tinynet import layers

LUMA = [0.299, 0.587, 0.114]  # how bright red, green and blue light look to our eye
RED = [0.80, 0.25, 0.25]  # the color of the letter: its red, green and blue
GREEN = [0.25, 0.5495741, 0.15]  # the color of the ground, as bright as RED
MIX = [1.0, -0.5, -0.5]  # of the filter that looks for red: what each channel counts
SPOTS = 0.15  # how much brighter or darker a spot can be
LETTERS = size(300, 500)  # to learn from
EPOCHS = size(5, 8)  # how many times the network sees all letters
SEED = 0

# %% [markdown]
# ## An edge without brightness
#
# A color picture has three numbers for each pixel: how much red, green and blue light. All red
# numbers together are the **channel** red, and so on. How bright a pixel looks to us is its
# **luma**, and a grey picture shows the luma alone:
#
# $$l = 0.299 r + 0.587 g + 0.114 b$$
#
# We draw a red letter on a green ground. Our red is (0.80, 0.25, 0.25), where 1 would be the
# brightest light. Its luma is 0.41445. For the green we choose 0.25 and 0.15 for its red and blue
# light, and solve the equation for $g$ so that the luma is the same. It gives 0.5495741.
#
# Then we make spots: to the three numbers of each pixel we add one random number, the same to all
# three. A spot changes how bright a pixel is, and the letter changes its color. Tests of color
# vision look like this.


# %%
def painted(ink, rng, spots=SPOTS):
    """Red where ink is 1, green where it is 0.  (N, H, W, 1) -> (N, H, W, 3)"""
    red, green = np.float32(RED), np.float32(GREEN)
    shades = rng.uniform(-spots, spots, ink.shape).astype(np.float32)
    return green + (red - green) * ink + shades


def grey_of(pictures):
    """(N, H, W, 3) -> (N, H, W, 1)"""
    return (pictures @ np.float32(LUMA))[..., None]


rng = np.random.default_rng(SEED)
drawn = tn.data.xo(1, np.random.default_rng(14), size=42, noise=0)[0] > 0  # True is ink
letter = np.pad(drawn, ((0, 0), (3, 3), (3, 3), (0, 0)))  # (1, 48, 48, 1)
plain, spotted = painted(letter, rng, 0.0), painted(letter, rng)
greys = grey_of(plain)
red, green = greys[letter].mean(), greys[~letter].mean()
print(f"The luma of the red letter is {red:.3f}, that of the green ground {green:.3f}.")

# %% [markdown]
# Now we look for edges. A **filter** is a small table of **weights**. It slides over the picture.
# At each place it multiplies each pixel with the weight that lies on it, and adds the products.
# The sums of all places are its **map**. The filter "detect edges" has the weight -4 in its
# middle, 1 at the four sides, and 0 at the corners. Its weights add up to 0, so it gives 0 where
# all pixels are equal.
#
# For the grey picture one such table is enough. For the color picture we take a filter of three
# tables, its **slices**, one for each channel: "detect edges" times 1 for red, times -0.5 for
# green, and times -0.5 for blue.


# %%
def filtered(pictures, filters):
    """(N, H, W, C), (KH, KW, C, O) -> (N, H', W', O)"""
    return tn.conv2d(tn.Tensor(pictures), tn.Tensor(filters)).numpy()


EDGES = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
flat = np.float32(EDGES)[:, :, None, None]  # (3, 3, 1, 1): for one channel
deep = flat * np.float32(MIX)[:, None]  # (3, 3, 3, 1): for three channels
both = np.concatenate([plain, spotted])  # (2, 48, 48, 3)
in_grey, in_color = filtered(grey_of(both), flat), filtered(both, deep)
rows = zip(("plain", "with spots"), in_grey, in_color, strict=True)
table(
    ["picture", "largest edge in grey", "largest edge in color"],
    [[name, f"{abs(grey).max():.2f}", f"{abs(color).max():.2f}"] for name, grey, color in rows],
)
draw.color_edge(both, grey_of(both), in_grey, in_color)

# %% [markdown]
# In the plain grey picture there is no edge at all. With spots there are many edges, but they
# belong to the spots. The filter with three slices shows the outline of the letter in both
# pictures, and none of the spots. Its largest number is the same in both. Why? (In the maps red
# is positive, blue is negative, and white is 0.)
#
# ## Three slices, one map
#
# "A convolution filter become 3D as well", says the slide, "by design covering the entire depth
# of the input". **Depth** means the number of channels, $C$. A block of height, width and depth
# is called a **volume**. The filter slides in two directions only, down and to the right. At row
# $i$ and column $j$ it multiplies all the numbers that it covers and adds **all** the products,
# those of all channels. One number, the **bias** $b$, may be added:
#
# $$y_{ij} = b + \sum_{c=1}^{C} \; \sum_{u} \sum_{v} w_{uvc} \; x_{i+u, j+v, c}$$
#
# So a filter makes **one** map, however many slices it has. The figure shows what each channel
# adds.

# %%
parts = [filtered(spotted[..., [c]], deep[:, :, [c]])[0, :, :, 0] for c in range(3)]
draw.slices(spotted[0], deep[..., 0], parts, in_color[1, :, :, 0])

# %% [markdown]
# Each channel has the spots, and a spot is the same in all three. The sum counts it $1 - 0.5 -
# 0.5 = 0$ times. At the letter's edge red grows much, blue grows a little, and green becomes
# less. There the three parts do not cancel. A filter with one slice sees one channel only, and in
# each of the three channels the spots stay.
#
# ## As many maps as filters
#
# The handwritten notes say: "if kernel depth = 3, then of feature maps = 3". They use the word
# depth for the **number of filters**. The depth of a kernel (another word for filter) is given by
# the picture, and does not change the number of maps. Each filter makes one map, and the maps,
# laid on one another, are the next volume. The slide with ten filters says it with numbers: ten
# filters of 3 x 3 on a picture of 32 x 32, whose border is padded, give 32 x 32 x 10.

# %%
cifar_like = tn.Tensor(np.zeros((1, 32, 32, 3), np.float32))
maps = {}
for count in (1, 3, 10):
    filters = tn.Tensor(np.zeros((3, 3, 3, count), np.float32))
    maps[count] = tn.conv2d(cifar_like, filters, padding="same").shape[1:]
table(
    ["filters of 3 x 3 x 3", "what they make of 32 x 32 x 3"],
    [[str(count), " x ".join(map(str, shape))] for count, shape in maps.items()],
)

# %% [markdown]
# The next layer sees a volume of depth 10, so its filters have ten slices each. They mix the maps
# of the first layer as ours mixes colors.
#
# The numbers that such a layer learns: $O$ filters of $K_H$ rows, $K_W$ columns and $C$ slices
# have
#
# $$(K_H \cdot K_W \cdot C + 1) \cdot O$$
#
# **parameters**, where 1 is the bias. Another lecture prints two examples for its network of
# cartoon faces. The first layer has 32 filters of 3 x 3 on a color picture: $(27 + 1) \cdot 32 =
# 896$. The second has 64 filters of 3 x 3 on those 32 maps: $(288 + 1) \cdot 64 = 18{,}496$. The
# size of the picture is in neither of them.
#
# ## The slide's demo
#
# The slide animates two filters, W0 and W1, on a small picture of 5 x 5 pixels and 3 channels.
# Around the picture stands a border of zeros (a **padding** of 1), and the filters move two
# pixels at a time (a **stride** of 2). The result is the volume 3 x 3 x 2.
#
# We cannot compute the slide's numbers again. The picture, W0 and the biases did not reach us,
# nor did three of the nine weights of W1's middle slice. So we take W1's first and last slice
# from the slide, and draw everything else at random. The sizes are the slide's.

# %%
W1_FIRST, W1_LAST = [[-1, 0, 0], [0, 0, 1], [0, -1, 1]], [[0, 0, -1], [-1, 0, -1], [1, 1, 1]]
image = rng.integers(0, 3, (5, 5, 3)).astype(np.float32)
filters = rng.integers(-1, 2, (3, 3, 3, 2)).astype(np.float32)
filters[:, :, 0, 1], filters[:, :, 2, 1] = W1_FIRST, W1_LAST
bias = np.float32([1, 0])
out = tn.conv2d(tn.Tensor(image[None]), tn.Tensor(filters), tn.Tensor(bias), stride=2, padding=1)
demo = out.numpy()[0]
print(f"5 x 5 x 3 becomes {' x '.join(map(str, demo.shape))}.")
print(f"The two filters have {filters.size} weights and {bias.size} biases.")
draw.demo(np.pad(image, ((1, 1), (1, 1), (0, 0))), filters, bias, demo)

# %% [markdown]
# The figure shows the middle place. In each row a window of one channel is multiplied with a
# slice of W0 and with a slice of W1. The three sums and the bias are one number of a map.
#
# ## A filter of one pixel
#
# "Even 1x1 filters have sense, since filters are 3D", says the slide. A filter of 1 x 1 x 3 sees
# a single pixel. It cannot see an edge. It has three weights, one for each channel, and its map
# is a **mix** of the channels. The luma is such a filter, with the weights 0.299, 0.587 and
# 0.114. In this mix our letter is lost. In other mixes it is not. Four filters of 1 x 1 make four
# maps:

# %%
MIXES = {"luma": LUMA, "red alone": [1, 0, 0], "green alone": [0, 1, 0], "MIX": MIX}
one_by_one = np.float32([*MIXES.values()]).T[None, None]  # (1, 1, 3, 4): four filters
mixed = filtered(spotted, one_by_one)[0]  # (48, 48, 4)
draw.mixes(spotted[0], mixed, MIXES)

# %% [markdown]
# Red alone or green alone shows the letter and the spots. The mix of our filter, red minus the
# mean of green and blue, shows the letter without spots.
#
# ## Can the slices be learnt?
#
# We chose the filter because we knew the colors. A network must find its filters itself. We let
# it tell X from O. Each picture has 14 x 14 pixels with a letter of 9 x 9 somewhere in it, red on
# green, with spots. The network:
#
# 1. Eight filters of 3 x 3, as deep as the picture. Then **ReLU**, which replaces negative
#    numbers by 0, and **max pooling**, which keeps the largest of each 2 x 2 numbers.
# 2. 24 filters of 3 x 3, eight slices deep, and ReLU. Of each map only the largest number is
#    kept.
# 3. A weighted sum of these 24 numbers for X, and one for O. The larger one is the answer.
#
# Training changes the weights step by step, so that the sum for the right letter becomes the
# larger one. The pictures go in minus their mean and times 2, because training starts better with
# numbers around 0. The same network is trained twice: once with the color pictures, and once with
# the grey ones. There its first filters have one slice instead of three. Beside it stand two
# simple methods. **Nearest picture** answers with the letter of the training picture whose
# numbers differ least. **Least squares** gives each number of the picture a weight, and adds up.
# All are tested on 1,000 unseen letters.


# %%
def letters(count, rng, spots=SPOTS):
    """-> pictures (count, 14, 14, 3); labels (count,), 0 for X and 1 for O"""
    small, labels = tn.data.xo(count, rng, size=9, noise=0)
    ink = np.zeros((count, 14, 14, 1), np.float32)
    for sheet, one, (top, left) in zip(ink, small, rng.integers(6, size=(count, 2)), strict=True):
        sheet[top : top + 9, left : left + 9] = (one + 1) / 2
    return painted(ink, rng, spots), labels


def network(depth):
    """(N, 14, 14, depth) -> two sums for each picture (N, 2)"""
    stack = [
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(24, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(7),
        layers.Flatten(),
        layers.Dense(2),
    ]
    return tn.Sequential(stack, (14, 14, depth), np.random.default_rng(SEED))


x, labels = letters(LETTERS, rng)
unseen, truth = letters(1000, rng)
untrained = network(3)
right = {}
for name, known, asked in (("grey", grey_of(x), grey_of(unseen)), ("color", x, unseen)):
    known, asked = 2 * (known - known.mean()), 2 * (asked - known.mean())
    model = network(known.shape[-1])
    batches = tn.data.batches(known, labels, size=16, rng=np.random.default_rng(SEED))
    fit(name, model, batches, "cross_entropy", tn.optim.Adam(model.parameters(), 0.01), EPOCHS)
    right[name] = {
        "always the commonest letter": (truth == np.bincount(labels).argmax()).mean(),
        "nearest picture": (nearest_picture(known, labels, asked) == truth).mean(),
        "least squares": (least_squares(known, labels, asked) == truth).mean(),
        "trained network": accuracy(model, asked, truth),
    }
table(
    ["method", "right in grey", "right in color"],
    [[name, *(f"{right[kind][name]:.1%}" for kind in right)] for name in right["grey"]],
)

# %% [markdown]
# In grey every method only guesses: the letters are not in the numbers. No network, however
# large, can find what its input has lost. (The loss in grey falls a little during the training.
# The network remembers spots of its training pictures, and that does not help with unseen ones.)
#
# What have the eight filters learnt? A filter ignores spots where its weights for red, green and
# blue add up to 0. So we expect a red weight and the green weight at the same place to have
# opposite signs. The **correlation** of all red with all green weights tells: it is 1 if they
# always rise and fall together, 0 if they have nothing to do with each other, and -1 if one
# always falls as the other rises. We compare with the random weights from before the training.

# %%
correlation = {}
for name, each in (("untrained", untrained), ("trained", model)):
    kernels = each[0].kernel.numpy()  # (3, 3, 3, 8)
    correlation[name] = np.corrcoef(kernels[:, :, 0].ravel(), kernels[:, :, 1].ravel())[0, 1]
    print(f"{name}: the correlation of red and green weights is {correlation[name]:.2f}")
draw.learnt(kernels, unseen[0], filtered(unseen[:1], kernels)[0])

# %% [markdown]
# The network has found mixes like ours, and nobody told it about red and green. In most maps we
# see the letter and hardly a spot.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
claim(
    "The grey picture of the letter has no edge, and in color the filter finds one above 0.3",
    abs(in_grey[0]).max() < 1e-5 and abs(in_color[0]).max() > 0.3,
    f"{abs(in_grey[0]).max():.6f} and {abs(in_color[0]).max():.2f}",
)
claim(
    "One filter of depth 3 makes one map, and ten of 3 x 3 make the slide's 32 x 32 x 10",
    maps[1] == (32, 32, 1) and maps[10] == (32, 32, 10),
    " and ".join(" x ".join(map(str, maps[count])) for count in (1, 10)),
)
claim(
    "The slide's demo makes a volume of 3 x 3 x 2 with 56 parameters",
    demo.shape == (3, 3, 2) and filters.size + bias.size == 56,
    f"{' x '.join(map(str, demo.shape))} with {filters.size + bias.size}",
)
grey_best, network_share = max(right["grey"].values()), right["color"]["trained network"]
claim(
    "In color the network reads at least 80%, where no method in grey reads more than 58%",
    network_share >= 0.8 and grey_best <= 0.58,
    f"{network_share:.1%} and at most {grey_best:.1%}",
)
claim(
    "In color the network reads 97%, and at least 2 in 100 more than the nearest picture",
    network_share >= max(0.97, right["color"]["nearest picture"] + 0.02),
    f"{network_share:.1%} and {right['color']['nearest picture']:.1%}",
    quick=False,
)
claim(
    "Training gives red and green weights opposite signs: their correlation falls below -0.4",
    correlation["trained"] < -0.4,
    f"{correlation['trained']:.2f}, untrained {correlation['untrained']:.2f}",
)
