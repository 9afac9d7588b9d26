# %% [markdown]
# # Sharpen: nine numbers sharpen a photograph, and gradient descent finds them
#
# **Lecture.** *Classification of Machine Learning Problems* (slides without a course's name): "2D
# Convolutions". *Machine Learning II* (TDDC17 AI, Linköping University): "The Convolution
# Operation", and the kernels "sharpen" and "detect edges". *AutoEncoders and Convolutional Neural
# Networks (CNN)* (TIES4911, Lecture 3, University of Jyväskylä): "Convolution" and "TensorFlow:
# Convolution"
#
# **Question.** How can nine numbers sharpen a photograph? Can a machine find them by itself?
#
# **You will see.** One value of the slide, computed by hand. A photograph, sharpened, and its
# edges. Then the film of a kernel that starts as noise and becomes the sharpening kernel, in 600
# steps.
#
# **Try.** `python -m lessons sharpen --set "FILM=[0, 1, 2, 3, 600]"`: the film of the first
# steps. The contrast swings to and fro before it settles. Then try `python -m lessons sharpen
# --set "WANTED=[[0, 1, 0], [1, -4, 1], [0, 1, 0]]"`: the same program now finds the kernel that
# detects edges.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, data, table
from lessons.shared.draw import sharpen as draw

SHARPEN = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
EDGES = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
WANTED = SHARPEN  # the kernel to be found; the learner sees only the picture that it makes
FILM = [0, 10, 50, 200, 600]  # the steps that the film shows; the last one ends the learning
LR = 1.2  # the learning rate: how far one step goes
MOMENTUM = 0.9  # how much of each step goes into the next one
SEED = 0  # of the noise with which the kernel starts

# %% [markdown]
# ## One value
#
# A grey picture is a table of numbers, one for each **pixel**: 0 is black, 255 is white. A
# **kernel** (or **filter**) is a small table of numbers, too. Its numbers are called **weights**.
# We lay the kernel over a patch of the picture, multiply each pixel with the weight that lies on
# it, and add the products. The slide does so with this patch and the kernel "sharpen":
#
# $$\begin{pmatrix} 5 & 6 & 7 \\ 9 & 10 & 11 \\ 13 & 14 & 15 \end{pmatrix} \quad
# \begin{pmatrix} 0 & -1 & 0 \\ -1 & 5 & -1 \\ 0 & -1 & 0 \end{pmatrix}$$

# %%
patch = np.array([[5, 6, 7], [9, 10, 11], [13, 14, 15]])
terms = (patch * SHARPEN).T.ravel()  # .T: the slide goes down the columns
print(
    "The nine products, column by column as on the slide:", ", ".join(f"{term:g}" for term in terms)
)
print(f"Their sum is {terms.sum():g}. With a bias of 5 it is {terms.sum() + 5:g}.")

# %% [markdown]
# The nine products add up to 10. The slide prints 15, because its sum ends with "+ 5". That 5
# belongs to no pixel. It can only be a **bias**, a number that is added to each result, but the
# slide does not name one. In this lesson the bias is 0.
#
# ## The feature map
#
# One patch gives one value. Now the kernel slides over the whole picture and gives one value at
# each place. The table of these values is the **feature map**, and the operation is called
# **convolution**. Row $i$, column $j$ of the feature map $y$ comes from the picture $x$ and the
# kernel $w$:
#
# $$y_{ij} = \sum_{a=0}^{2} \sum_{b=0}^{2} w_{ab} x_{i+a, j+b}$$
#
# A kernel of 3 x 3 weights fits into 5 x 5 pixels at 3 x 3 places. So the feature map is smaller
# than the picture: it loses one row and one column at each side. The figure shows the slide's
# example. At each of the nine places, the small x1 and x0 are the weights that lie on the pixels.


# %%
def filtered(pictures, kernel, padding="valid"):
    """Slide one kernel over each grey picture.  (N, H, W), (KH, KW) -> (N, OH, OW)"""
    one_channel = pictures[..., None]  # conv2d expects channels: a grey picture has one
    weights = kernel[:, :, None, None]  # (KH, KW, 1, 1): one channel in, one out
    return tn.conv2d(one_channel, weights, padding=padding)[..., 0]


def in_line(numbers):
    return " ".join(f"{value:g}" for value in numbers)


image = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
cross = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
feature_map = filtered(tn.Tensor([image]), tn.Tensor(cross)).numpy()[0]
print("The slide's feature map:", " / ".join(in_line(row) for row in feature_map))
draw.stills(image, cross, feature_map)

# %% [markdown]
# ## Why these nine numbers sharpen
#
# The slides have a second kernel, "detect edges":
#
# $$\begin{pmatrix} 0 & 1 & 0 \\ 1 & -4 & 1 \\ 0 & 1 & 0 \end{pmatrix}$$
#
# We try both on three small pictures. In each of them all rows are equal, so we print one row
# only.


# %%
flat, slope = [100, 100, 100, 100, 100, 100], [75, 85, 95, 105, 115, 125]
edge = [100, 100, 100, 150, 150, 150]
small = np.float32([[row] * 3 for row in (flat, slope, edge)])  # (3, 3, 6): three small pictures
to_sharpen, to_edges = tn.Tensor(SHARPEN), tn.Tensor(EDGES)
sharpened = filtered(tn.Tensor(small), to_sharpen).numpy()[:, 0]
edges = filtered(tn.Tensor(small), to_edges).numpy()[:, 0]
rows = zip(("flat", "even slope", "edge"), small[:, 0], sharpened, edges, strict=True)
table(
    ["picture", "one row of it", "sharpened", "edges"],
    [[name, *map(in_line, numbers)] for name, *numbers in rows],
)

# %% [markdown]
# - The weights of "sharpen" add up to $5 - 4 = 1$. So a flat area keeps its brightness.
# - On an even slope the neighbors at both sides balance. The pixel in the middle stays as it is.
#   (The slide's patch is such a slope. Its result, 10, is the pixel in its middle.)
# - At an edge the dark side becomes darker and the bright side brighter. That is what our eye
#   calls sharp.
# - The weights of "detect edges" add up to 0. So flat areas and even slopes become 0, and only
#   the edge is left.
# - "Sharpen" is the kernel with a single 1 in its middle, minus "detect edges". So the sharpened
#   picture is the picture minus its edges. That is why it sharpens.
#
# ## A photograph
#
# Now the same on a photograph of Grace Hopper. To make it grey we add its three **channels**
# (red, green, blue) with the weights 0.299, 0.587 and 0.114, because our eye sees green as
# brightest. A color picture is sharpened channel by channel.
#
# The slide "TensorFlow: Convolution" shows the size of the result without its sign, and then adds
# 100 and cuts at 255, so that weak edges can be seen. The numbers of its own kernel are not in
# the slides' text. We take "detect edges" instead.


# %%
def grey_of(color):
    """(H, W, 3) -> (H, W), the luma of ITU-R 601-2"""
    return color @ np.float32([0.299, 0.587, 0.114])


color = data.photograph()  # (600, 512, 3)
grey = grey_of(color)
four = tn.Tensor(np.stack([grey, *color.transpose(2, 0, 1)]))  # (4, H, W): grey, red, green, blue
sharp = filtered(four, to_sharpen, "same").numpy()
edges = np.abs(filtered(four, to_edges, "same").numpy())  # without the sign
brighter = np.minimum(edges[0] + 100, 255)  # as on the slide
change = np.abs(sharp[0] - grey)[1:-1, 1:-1].mean()
print(f"Sharpening changes a grey pixel by {change:.1f} of 255 grey levels on average.")
draw.photograph(grey, sharp[0], edges[0], brighter, color, sharp[1:], edges[1:])

# %% [markdown]
# ## What stands outside of the picture
#
# The results above are as large as the photograph. For this the kernel must reach one pixel over
# the border, where nothing is. `padding="same"` puts zeros there. But 0 means black, so for the
# kernel the photograph ends with an edge to black. It draws a border that is not in the
# photograph. The slide mirrors the photograph at its border instead (`boundary='symm'`). Then the
# neighbor outside equals the pixel at the border, and there is no false edge. The figure shows a
# corner of the sharpened photograph, pixel by pixel.

# %%
mirrored = tn.Tensor(np.pad(grey, 1, mode="symmetric")[None])  # one more pixel at each side
edges_mirrored = np.abs(filtered(mirrored, to_edges).numpy()[0])
border = np.ones(grey.shape, bool)
border[1:-1, 1:-1] = False  # True is left for the outermost pixels
with_zeros, with_mirror = edges[0][border].mean(), edges_mirrored[border].mean()
print(f"Mean edges at the border: {with_zeros:.0f} with zeros, {with_mirror:.0f} mirrored.")
draw.borders(grey, sharp[0], filtered(mirrored, to_sharpen).numpy()[0])

# %% [markdown]
# ## Two meanings of a word
#
# In mathematics a convolution first **flips** the kernel: it reads it backward, in two dimensions
# from right to left and from bottom to top. `np.convolve` on the slide "Convolution" does so. Its
# numbers are 0 1 2 3 4, and its kernel is 1 -1 2. (Zeros are put outside, wherever the kernel
# touches the numbers. So there are seven results.) Neural networks do not flip, and say
# "convolution" all the same. (The exact word is cross-correlation.) The same numbers then give
# another result, until we flip the kernel ourselves.

# %%
x, w = [0, 1, 2, 3, 4], [1, -1, 2]  # the slide's
line = tn.Tensor(np.pad(x, 2)[None, None])  # zeros outside, wherever the kernel touches the line
by_numpy = np.convolve(x, w)
by_network = filtered(line, tn.Tensor([w])).numpy().ravel()
by_flipped = filtered(line, tn.Tensor([w[::-1]])).numpy().ravel()
print("np.convolve:                 ", in_line(by_numpy))
print("network:                     ", in_line(by_network))
print("network, kernel flipped:     ", in_line(by_flipped))

# %% [markdown]
# For a kernel that is **learnt** the flip does not matter: a network that flips would learn the
# same weights in the reverse order. And "sharpen" looks the same after the flip.
#
# ## Learn the kernel
#
# Until now a person chose the weights. Now we give away only two pictures: a part of the
# photograph, $x$, and its sharpened copy, $y$. We look for the kernel $w$ that makes $y$ from
# $x$. It starts as nine small random numbers. The **loss** says how wrong the kernel is: the mean
# squared difference between the picture that it makes and the copy, over all $n$ pixels.
#
# $$L(w) = \frac{1}{n} \sum_{ij} (\hat{y}_{ij} - y_{ij})^2, \quad \hat{y} = \text{filtered}(x, w)$$
#
# The **gradient** $g$ holds the nine slopes of the loss, one for each weight. **Gradient
# descent** makes many small steps downhill, against the gradient. One thing makes it slow here.
# Neighboring pixels are nearly equal. If one weight grows and the weight beside it shrinks, the
# picture hardly changes, and the loss hardly changes either. In such directions the slope is
# tiny, and so are the steps.
#
# **Momentum** helps. Each step keeps 90% of the step before and adds the new one, like a ball
# that rolls. Small slopes that always point the same way add up, to steps ten times as long.
# Slopes that change their sign cancel. With the momentum $\mu = 0.9$ and the learning rate $\eta
# = 1.2$, one step is
#
# $$v \leftarrow \mu v + g, \quad w \leftarrow w - \eta v$$
#
# Before we start we subtract the mean grey from the pixels and divide them by 255. With small
# numbers around 0 the same learning rate suits the sum of the weights and their differences
# better. And the picture must have details. In a picture whose pixels are all equal, only the sum
# of the weights would matter, and many kernels would do equally well.


# %%
def learn(x, y, momentum):
    """Find the kernel that makes y from x.  Returns all kernels on the way, and their losses."""
    start = np.random.default_rng(SEED).normal(0, 0.1, (3, 3)).astype(np.float32)
    kernel = tn.Tensor(start, requires_grad=True)
    optimizer = tn.optim.SGD([kernel], LR, momentum)  # makes the step of the equation above
    kernels, losses = [], []
    for _ in range(FILM[-1] + 1):
        loss = tn.mse(filtered(x, kernel), y)
        kernels.append(kernel.numpy().copy())
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()  # the gradient: nine slopes
        optimizer.step()
    return np.array(kernels), np.array(losses)


wanted = tn.Tensor(WANTED)
mean = grey[60:260, 150:350].mean()
face = tn.Tensor((grey[60:260, 150:350] - mean) / 255)[None]  # (1, 200, 200)
copy = filtered(face, wanted)
kernels, losses = learn(face, copy, MOMENTUM)
errors = 255 * np.sqrt(losses)  # in grey levels
table(
    ["step", "error in grey levels", "sum of the weights"],
    [[step, f"{errors[step]:.2f}", f"{kernels[step].sum():.2f}"] for step in FILM],
)

# %% [markdown]
# The error is the square root of the loss, times 255: so many grey levels is a pixel wrong. The
# film shows the kernel above and the picture that it makes below.

# %%
made = [filtered(face, tn.Tensor(kernels[step])).numpy()[0] * 255 + mean for step in FILM]
draw.film(FILM, kernels[FILM], made, errors[FILM], wanted.numpy(), copy.numpy()[0] * 255 + mean)

# %% [markdown]
# At first the steps go too far, and the contrast swings to and fro. At step 10 the sum of the
# weights is far above 1, and the contrast is too strong: bright parts are white and dark parts
# black. At step 50 the sum is near 1, so the contrast is nearly right. The weight in the middle
# has grown, so the picture is sharp. Last, and slowest, the kernel finds how to share the rest
# among the eight neighbors: -1 at the sides and 0 at the corners. We hardly see this in the
# picture.
#
# ## What the number is worth
#
# An error means little alone. We compare it with the error of **leaving the picture as it is**.
# That is a kernel, too: 1 in the middle and 0 around it. We also learn once more without
# momentum, with the same learning rate, 1.2. (A much larger rate would make the swinging grow
# instead of settle.) And we test on pixels that no kernel has learnt from: the lower half of the
# photograph.
#
# This small problem can also be solved without steps. Each patch gives one equation for the nine
# weights, and **least squares** finds the weights that fit all equations best. A network with
# many layers has no such formula, but gradient descent works there, too. That is why we practice
# it here.

# %%
patches = tn.im2col(face[..., None], 3).numpy().reshape(-1, 9)  # one row for each equation
compared = {
    "leave the picture as it is": np.float32([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    "random, step 0": kernels[0],
    f"learnt without momentum, step {FILM[-1]}": learn(face, copy, 0.0)[0][-1],
    f"learnt, step {FILM[-1]}": kernels[-1],
    "least squares": np.linalg.lstsq(patches, copy.numpy().ravel(), rcond=None)[0].reshape(3, 3),
}
unseen = tn.Tensor((grey[300:] - mean) / 255)[None]
wrong = {}  # for each kernel the error on the face, and on unseen pixels
for name, kernel in compared.items():
    losses = [
        tn.mse(filtered(x, tn.Tensor(kernel)), filtered(x, wanted)).item() for x in (face, unseen)
    ]
    wrong[name] = 255 * np.sqrt(losses)
table(
    ["kernel", "error on the face", "error on unseen pixels"],
    [[name, f"{seen:.3f}", f"{new:.3f}"] for name, (seen, new) in wrong.items()],
)
kept, _, plain, learnt, _ = wrong.values()
draw.learning(errors, kernels, kept[0], wanted.numpy())

# %% [markdown]
# A layer of a convolutional network holds many such kernels. It learns them in the same way, with
# one difference: nobody shows it the picture that a kernel should make. Its loss comes from the
# end of the network, for example from wrong answers to "cat or dog?".
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
claim(
    "The slide's nine products add up to 10, and to its 15 only with a bias of 5",
    terms.tolist() == [0, -9, 0, -6, 50, -14, 0, -11, 0] and terms.sum() == 10,
    f"{terms.sum():g}",
)
claim(
    "The feature map is the slide's",
    feature_map.tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]],
    " / ".join(in_line(row) for row in feature_map),
)
claim(
    "A network's convolution gives the result of np.convolve only after the kernel is flipped",
    np.array_equal(by_flipped, by_numpy) and not np.array_equal(by_network, by_numpy),
    f"{(by_flipped == by_numpy).sum()} of 7 numbers are equal, unflipped "
    f"{(by_network == by_numpy).sum()}",
)
claim(
    "Zeros outside draw edges at the border at least 3 times as strong as mirroring does",
    with_zeros > 3 * with_mirror,
    f"{with_zeros:.0f} and {with_mirror:.0f} grey levels",
)
off = np.abs(kernels[-1] - WANTED).max()
claim("Each learnt weight is within 0.01 of the wanted one", off < 0.01, f"at most {off:.4f} off")
claim(
    "On unseen pixels the learnt kernel's error is below 1/100 of leaving the picture as it is",
    learnt[1] < kept[1] / 100,
    f"{learnt[1]:.3f} and {kept[1]:.1f} grey levels",
)
claim(
    "Without momentum the error on unseen pixels is at least 100 times as large as with it",
    plain[1] > 100 * learnt[1],
    f"{plain[1]:.1f} and {learnt[1]:.3f} grey levels",
)

# %% [markdown]
# ## Quiz
#
# 1. The patch 5 6 7 / 9 10 11 / 13 14 15 and "sharpen" give the number 10. Why is this just the
#    pixel in the middle? *The patch is an even slope. The four neighbors add up to 4 times the
#    middle: 50 - 40 = 10.*
# 2. The slide prints 15. What was added? *A bias of 5, which belongs to no pixel.*
# 3. A kernel of 3 x 3 slides over a picture of 7 x 7, without padding. How large is the feature
#    map? *5 x 5.*
# 4. All pixels of an area are 80. What do "sharpen" and "detect edges" make of it? *80 and 0: the
#    sums of their weights are 1 and 0.*
# 5. What does "sharpen" do at an edge? *It makes the dark side darker and the bright side
#    brighter.*
# 6. Zeros stand outside of a bright photograph. What does a kernel for edges see? *An edge all
#    around the photograph, which is not in it. Mirroring avoids it.*
# 7. `np.convolve(x, [1, -1, 2])` equals a network's convolution with which kernel? *With the
#    flipped one, $[2, -1, 1]$.*
# 8. What does gradient descent need here to find the kernel? *A picture, its sharpened copy, and
#    a loss that compares the copy with what the kernel makes. It needs no rule for sharpening.*
# 9. Can the kernel be learnt from a picture in which all pixels are equal? *No. There only the
#    sum of the weights matters, so many kernels make the same picture.*
# 10. Why does plain gradient descent need so many steps, and how does momentum help? *Neighboring
#     pixels are nearly equal, so some slopes are tiny. Momentum adds up small slopes that keep
#     their direction.*
