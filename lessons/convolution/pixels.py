# %% [markdown]
# # Numbers: a machine sees a table of numbers where we see a face
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Images are Numbers".
# *AutoEncoders and Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3, University of
# Jyväskylä): "Image Classification", with "What Computers See". *Classification of Machine
# Learning Problems* (slides without a course's name): "Vectors, Matrices, Tensors, Color Images"
#
# **Question.** What does a computer get when we give it a picture? And what happens to the
# picture when we calculate with it?
#
# **You will see.** A face as a table of 16 x 12 numbers. A picture hidden in 64 numbers, which
# you can draw with a pencil. A photograph as 921,600 numbers, and what it becomes when we add to
# them or put them in another order.
#
# **Try.** `python -m lessons numbers --set BRIGHTER=40`: with a smaller addend fewer numbers lose
# their ninth bit. Then try `python -m lessons numbers --set "CORNER=[130, 190]"`: the numbers at
# the brim of the hat, where dark meets bright.

# %%
import io

import numpy as np
from PIL import Image

import tinynet as tn
from lessons.shared import claim, data, table
from lessons.shared.draw import numbers as draw

BRIGHTER = 80  # how many grey levels are added to the photograph
CORNER = [178, 216]  # row and column at which the part begins that is shown as numbers
SEED = 0  # of the weights of a network that has learnt nothing

# %% [markdown]
# ## A face in 192 numbers
#
# The slide shows a small face and "What the computer sees": a table of 16 rows and 12 columns.
# Each number is one **pixel**, a square of one brightness. 0 is black, 255 is white, and the
# numbers between are grey.
#
# The slide's text has this table twice. Both copies stand in the code below. They should be
# equal. Are they?

# %%
SLIDE = """
157 153 174 168 150 152 129 151 172 161 155 156 157 153 174 168 150 152 129 151 172 161 155 156
155 182 163  74  75  62  33  17 110 210 180 154 155 182 163  74  75  62  33  17 110 210 180 154
180 180  50  14  34   6  10  33  48 106 159 181 180 180  50  14  34   6  10  33  48 106 159 181
256 109   5 124 131 111 120 204 166  15  56 180 206 109   5 124 131 111 120 204 166  15  56 180
194  68 137 251 237 239 239 228 227  87  71 201 194  68 137 251 237 239 239 228 227  87  71 201
172 106 207 233 233 214 220 239 228  98  74 206 172 106 207 233 233 214 220 239 228  98  74 206
188  88 179 209 185 215 211 158 139  75  20 169 188  88 179 209 185 215 211 158 139  75  20 169
189  97 165  84  10 168 134  11  31  62  22 148 189  97 165  84  10 168 134  11  31  62  22 148
199 168 191 193 158 227 178 143 182 105  36 190 199 168 191 193 158 227 178 143 182 105  36 190
205 174 155 252 236 231 149 178 228  43  95 234 205 174 155 252 236 231 149 178 228  43  95 234
190 216 116 149 236 187  85 150  79  38 218 241 190 216 116 149 236 187  85 150  79  38 218 241
190 224 147 108 227 210 127 102  36 101 255 224 190 224 147 108 227 210 127 102  36 101 255 224
190 214 173  66 103 143  95  50   2 109 249 215 190 214 173  66 103 143  95  50   2 109 249 215
187 196 235  75   1  81  47   0   6 217 255 211 187 196 235  75   1  81  47   0   6 217 255 211
183 202 237 145   0   0  12 108 200 138 243 236 183 202 237 145   0   0  12 108 200 138 243 236
195 206 123 207 177 121 123 200 175  13  96 218 195 206 123 207 177 121 123 200 175  13  96 218
"""
both = np.array(SLIDE.split(), int).reshape(16, 2, 12)
first, second = both[:, 0], both[:, 1]  # (16, 12) each
places = np.argwhere(first != second)
for row, column in places:
    print(f"Row {row}, column {column}: {first[row, column]} and {second[row, column]}.")
    print(f"Above and below stand {first[row - 1, column]} and {first[row + 1, column]}.")

# %% [markdown]
# (Rows and columns are counted from 0, from the top and from the left.)
#
# Which of the two is right? The slide itself says: "An image is just a matrix of numbers
# [0,255]!" 256 is too large for a pixel. So the 256 was misread on its way to us, and the pixel
# is 206. This fits the pixels above and below, too.
#
# Why 255? Most picture files keep 8 **bits** for a number: eight digits of 0 or 1. Together they
# are a **byte**. 8 bits can be set in $2^8 = 256$ ways: for the numbers 0 to 255. In binary
# digits 256 is 1 0000 0000, one digit too long. NumPy's numbers of 8 bits are called `uint8`. If
# we convert the first copy to `uint8`, the leading 1 is lost. What is left is 0, and a bright
# pixel turns black. There is no warning.

# %%
stored = first.astype(np.uint8)
draw.grid(second, stored, places)

# %% [markdown]
# Look at the left picture from a distance, or with half-closed eyes: a face with dark hair and a
# beard. (The other lecture shows a table of 20 x 20 numbers under "What Computers See". It
# reached us with entries such as -97, 1.5 and `$7`, so we cannot use it.)
#
# ## A picture for your pencil
#
# Here are 64 numbers, 16 in a line. Take squared paper and draw a square of 8 x 8 boxes. The
# first 8 numbers belong to the first row of the square, the next 8 to the second row, and so on.
# Blacken each box whose number is below 128. What do you see? (The answer stands below the next
# figure.)

# %%
HIDDEN = """
241 186 193 197 193 240 246 224 182 187  33 212 227  43 200 192
232 235  12 188 214  37 247 219 211 212 230 224 193 236 237 252
239  29 204 229 229 232  70 202 251 180  15  78  76  30 190 203
183 247 230 224 198 215 194 238 216 182 199 233 219 208 199 186
"""
print(HIDDEN.strip())

# %% [markdown]
# ## Vector, matrix, tensor
#
# The slide has three words for numbers in order. A row of numbers is a **vector**. A table with
# rows and columns is a **matrix**. A block with more directions is a **tensor**, and the word is
# also used for all three. (A single number is a **scalar**.) How many numbers there are in each
# direction is called the **shape**. The slide's examples have the shapes (64,), (8, 8) and (4, 4,
# 4).
#
# All three hold 64 numbers, and they can be the **same** 64 numbers in the same order. Only the
# address of a number changes. In a row it has one index $i$. In the matrix it has a row $r$ and a
# column $c$. In the tensor it has a slice $d$, a row and a column:
#
# $$i = 8 r + c, \quad i = 16 d + 4 r + c$$
#
# Number 27, for example, is $8 \cdot 3 + 3$ and $16 \cdot 1 + 4 \cdot 2 + 3$.

# %%
vector = tn.Tensor(np.array(HIDDEN.split(), np.float32))  # (64,)
matrix = vector.reshape(8, 8)
tensor = vector.reshape(4, 4, 4)
wide = vector.reshape(4, 16)
table(
    ["shape", "address of number 27", "its value"],
    [
        [vector.shape, "[27]", f"{vector[27].item():g}"],
        [matrix.shape, "[3, 3]", f"{matrix[3, 3].item():g}"],
        [tensor.shape, "[1, 2, 3]", f"{tensor[1, 2, 3].item():g}"],
        [wide.shape, "[1, 11]", f"{wide[1, 11].item():g}"],
    ],
)
draw.shapes(vector.numpy(), matrix.numpy(), tensor.numpy(), wide.numpy())

# %% [markdown]
# Here is the answer: it is a smiling face. We see it in the shape (8, 8) only. In this shape the
# boxes of a stroke are neighbors, as on your paper. In the shape (4, 16) the same numbers show
# nothing. So a picture is more than its numbers. The shape says **which pixels are neighbors**,
# and the file must tell it.

# %% [markdown]
# ## A photograph
#
# "Color images are three-dimensional tensors", says the slide. Each pixel has three numbers: how
# much red, how much green and how much blue light. The three tables of all red, all green and all
# blue numbers are the picture's **channels**.
#
# In what order are they stored? The slide "Image Classification" writes w x h x 3, width first.
# NumPy, Keras and tinynet put the **rows first and the channels last**: `photo[row, column,
# channel]`, with the shape (height, width, 3). Many pictures together are a **batch** of the
# shape (number of pictures, height, width, 3).

# %%
photo = data.photograph().astype(np.uint8)  # (600, 512, 3)
print(f"The photograph has the shape {photo.shape}, so it is {photo.size:,} numbers.")
red, green, blue = photo[497, 389]
print(f"The pixel in row 497, column 389 is red {red}, green {green}, blue {blue}.")
draw.magnified(photo, CORNER)
draw.channels(photo)

# %% [markdown]
# A ribbon is red where the red number is large and the other two are small. A pixel whose three
# numbers are equal is grey, and three times 255 is white.
#
# ## And back
#
# Does the picture survive the way to numbers and back? That depends on how the numbers are kept:
#
# - A network calculates with numbers of 32 bits (`float32`), mostly scaled to 0 to 1. We divide
#   by 255, then multiply by 255 and round.
# - A PNG file keeps each number. It needs less space because it writes down regularities once.
# - A JPEG file keeps what the eye can see, roughly.


# %%
def through_file(picture, **how):
    """Write a picture file (into memory) and read it.  -> the picture read, the file's size"""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, **how)
    return np.asarray(Image.open(file)), file.tell()


scaled = photo.astype(np.float32) / 255
kept = {
    "8 bits": (photo.copy(), photo.nbytes),
    "float32": (np.round(scaled * 255).astype(np.uint8), scaled.nbytes),
    "PNG": through_file(photo, format="PNG"),
    "JPEG": through_file(photo, format="JPEG", quality=90),
}
changes = {name: abs(back.astype(int) - photo) for name, (back, _) in kept.items()}
table(
    ["kept as", "bytes", "numbers changed", "largest change"],
    [
        [name, f"{size:,}", f"{(changes[name] > 0).mean():.0%}", changes[name].max()]
        for name, (_, size) in kept.items()
    ],
)

# %% [markdown]
# For our eyes the JPEG file is the same picture. For a machine a good part of the numbers has
# changed. A machine that should answer as we do must learn that such changes mean nothing.
#
# ## Calculate with a picture
#
# What we do to the numbers, we do to the picture:
#
# - **Add 80** to each number, in 8 bits. Numbers above 175 become larger than 255 and lose their
#   ninth bit, like the 256 above. Bright places turn dark.
# - **Add 80** and cut at 255. That is what we wanted. To do so we calculate with wider numbers
#   first.
# - **Subtract from 255.** Dark becomes bright: a negative.
# - **Exchange the channels** red and blue: the ribbons turn blue. Some programs store blue first,
#   so this happens by mistake, too.
# - **Reverse the columns**: a mirror.
# - **Exchange rows and columns** (`transpose`): the picture lies on its side, and is mirrored.
#   Neighbors stay neighbors.
# - **Reshape** to 512 rows of 600 pixels. The shape is the same as after exchanging, but no
#   number has moved. The first row takes 88 pixels away from the second one, the second row then
#   takes 176 from the third, and so on. So the rows slip, and pixels that stand in a column now
#   were never neighbors.
#
# To see what the last two do to neighbors, we compute the **mean difference** between a number
# and the one below it, without the sign. In a photograph it is small.


# %%
def mean_difference(picture):
    """Between each number and the one below it.  (H, W, 3) -> a number"""
    return abs(np.diff(picture.astype(int), axis=0)).mean()


wide_numbers = photo.astype(int)
wrapped = photo + np.uint8(BRIGHTER)
variants = {
    "the photograph": photo,
    f"+ {BRIGHTER} in 8 bits": wrapped,
    f"+ {BRIGHTER}, cut at 255": np.minimum(wide_numbers + BRIGHTER, 255),
    "255 - number": 255 - photo,
    "red and blue exchanged": photo[:, :, ::-1],
    "columns reversed": photo[:, ::-1],
    "rows and columns exchanged": photo.transpose(1, 0, 2),
    "reshaped": photo.reshape(512, 600, 3),
}
darker = wrapped < photo
rough = {name: mean_difference(picture) for name, picture in variants.items()}
print(f"Adding {BRIGHTER} in 8 bits makes {darker.mean():.0%} of the numbers smaller.")
names = ["the photograph", "rows and columns exchanged", "reshaped"]
table(["picture", "mean difference"], [[name, f"{rough[name]:.0f}"] for name in names])
draw.changed(variants)

# %% [markdown]
# ## In go numbers, out come numbers
#
# The slide "Image Classification" expects a few numbers back: the probabilities .80 for dog, .15
# for cat and .05 for car. So a classifier is a function from 921,600 numbers to three. The
# simplest one gives each number of the picture a weight for each class and adds up. The three
# sums are scores of any size. **Softmax** turns them into positive numbers that add up to 1:
#
# $$p_k = \frac{e^{s_k}}{\sum_j e^{s_j}}$$
#
# Here every 50th row and column is enough, and the weights are random.

# %%
small = scaled[::50, ::50]  # (12, 11, 3)
weights = np.random.default_rng(SEED).normal(0, 0.05, (small.size, 3))
p = tn.softmax(tn.Tensor(small.reshape(-1) @ weights)).numpy()
print("dog {:.2f}, cat {:.2f}, car {:.2f}".format(*p))

# %% [markdown]
# The answer has the right form, and means nothing, because the weights are random. To find
# weights whose answers are right is what the other lessons are about.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
row, column = places[0]
beside = sorted([first[row - 1, column], first[row + 1, column]])
claim(
    "The slide's two tables differ in one pixel, and only the second table's number is a byte",
    len(places) == 1 and first[row, column] > 255 >= second[row, column],
    f"{first[row, column]} and {second[row, column]}",
)
claim(
    "In 8 bits the pixel that was misread becomes 0, as dark as the darkest of its table",
    stored[row, column] == stored.min() < min(beside),
    f"{stored[row, column]}, between {beside[0]} and {beside[1]}",
)
claim(
    "float32 and PNG give every number of the photograph back",
    changes["float32"].max() == changes["PNG"].max() == 0,
    f"{(changes['float32'] > 0).sum()} and {(changes['PNG'] > 0).sum()} numbers changed",
)
claim(
    "JPEG changes at least one number in ten, and none by more than 50",
    (changes["JPEG"] > 0).mean() > 0.1 and changes["JPEG"].max() <= 50,
    f"{(changes['JPEG'] > 0).mean():.0%} changed, by at most {changes['JPEG'].max()}",
)
claim(
    "Adding 80 in 8 bits makes every number above 175 smaller, and no other one",
    np.array_equal(darker, photo > 175),
    f"{darker.mean():.0%} of the numbers",
)
claim(
    "Neighbors in a column differ 5 times as much after reshaping as after exchanging rows and "
    "columns",
    rough["reshaped"] > 5 * rough["rows and columns exchanged"],
    f"{rough['reshaped']:.0f} and {rough['rows and columns exchanged']:.0f} grey levels",
)
