"""Numbers: what a picture is to a machine.

Slides    000_fcdcaffc17ab1b77.txt "Vectors, Matrices, Tensors, Color Images",
          001_2cc8296d8a649d23.txt "Images are Numbers", 003_05cde12013bfe355.txt "Image
          Classification" (its 20 x 20 grid is scanned too badly to be used: -97, $7, 1.5)
Question  What does the computer see, where we see a face?
Expect    one grid, printed twice, in which one of 192 numbers differs, and how to know which of
          the two is wrong; then a photograph, magnified until it is a table
Try       COPIES + 100 in `eight_bits`, a brighter picture: which of its pixels become dark?
"""

from __future__ import annotations

import matplotlib.cbook
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from PIL import Image

import tinynet as tn
from tinynet import plot

from ..claim import equals

# The slide prints its picture twice: here the first copy is on the left, the second on the right.
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
COPIES = np.array(SLIDE.split(), np.int64).reshape(16, 2, 12).transpose(0, 2, 1)  # (16, 12, 2)


# %% One grid, two copies.  Where do they differ, and which of the two is right?
# "An image is just a matrix of numbers [0,255]!"  256 values, from 0 on: 256 is not among them.
def slide_grid(device):
    copies = tn.Tensor(COPIES).to(device)
    places = np.argwhere((copies[..., 0] != copies[..., 1]).numpy())
    return {
        "places": places + 1,  # (row, column), counted from 1
        "values": copies.numpy()[tuple(places.T)],
        "range": [copies.min(axis=(0, 1)).numpy(), copies.max(axis=(0, 1)).numpy()],
    }


# %% A picture file has 8 bits for each number, and 256 is 1 00000000: nine.  The ninth is lost.
#    n as uint8 = n mod 256
# So the brightest pixel of all is drawn black, without a warning.  For the same reason a sum of
# pixels must not stay uint8, and a network computes in float32, where 256 is a number like others.
def eight_bits():
    kept = COPIES.astype(np.uint8)
    try:
        np.uint8(256)
        refused = False
    except OverflowError:  # one number at a time, NumPy looks; an array, it converts silently
        refused = True
    return {"grids": kept, "refused": refused, "sum": (np.uint8([200]) + np.uint8([100]))[0]}


# %% Vector, matrix, tensor: 64 numbers in a row, in a square, in a cube.  Only the index changes.
#    v[i] = X[r, c]       with i = 8 r + c
#         = T[d, r, c]    with i = 16 d + 4 r + c
def shapes(device):
    v = tn.Tensor(np.arange(64)).to(device)  # (64,)
    matrix, tensor = v.reshape(8, 8), v.reshape(4, 4, 4)
    return {
        "vector": v.numpy(),
        "matrix": matrix.numpy(),
        "tensor": tensor.numpy(),
        "27": [v[27].item(), matrix[3, 3].item(), tensor[1, 2, 3].item()],
        "back": tensor.reshape(8, 8).reshape(64).numpy(),
    }


def rgb_numbers(height=1080, width=1080, channels=3):
    """How many numbers a colour picture of that size is."""
    return height * width * channels


# %% And out come numbers: a share of 1 for each class.  dog .80, cat .15, car .05
#    p = softmax(log p)    so a network need only find scores; softmax makes them shares
def class_probabilities(device):
    p = np.array([0.80, 0.15, 0.05], np.float64)
    scores = tn.log(tn.Tensor(p).to(device))
    return {"p": p, "sum": round(tn.Tensor(p).to(device).sum().item(), 12),
            "softmax": tn.softmax(scores).numpy().round(12)}  # fmt: skip


# %% A photograph that ships with matplotlib, 600 x 512 pixels of red, green and blue.
def photograph(device="cpu"):
    """(600, 512, 3), float32 from 0 to 255"""
    file = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return tn.Tensor(np.asarray(Image.open(file)).astype(np.float32)).to(device)


def luma(color):
    """Grey as the eye weighs it: 0.299 R + 0.587 G + 0.114 B.  (..., 3) -> (...)"""
    return color @ tn.Tensor([0.299, 0.587, 0.114]).to(color.device)


def main(seed=0, device="cpu", full=False):
    """Nothing here is random and nothing is long: seed and full change nothing."""
    color = photograph(device)
    return {
        "slide": slide_grid(device),
        "bits": eight_bits(),
        "shapes": shapes(device),
        "classes": class_probabilities(device),
        "color": color.numpy(),
        "grey": luma(color).numpy(),
        "white": round(luma(tn.Tensor([255.0, 255.0, 255.0]).to(device)).item(), 3),
    }


def claims(results):
    slide, bits, shape = results["slide"], results["bits"], results["shapes"]
    return [
        equals("numbers in the slide's grid, 16 x 12", 192, COPIES[..., 0].size),
        equals("its two copies differ at (row, column)", [[4, 1]], slide["places"]),
        equals("where they print", [[256, 206]], slide["values"]),
        equals("largest number of each; [0, 255] is the range", [256, 255], slide["range"][1]),
        equals("256 in 8 bits", 0, bits["grids"][3, 0, 0]),
        equals("one number alone, np.uint8(256), is refused", True, bits["refused"]),
        equals("200 + 100 in 8 bits", 44, bits["sum"]),
        equals("number 27 of the vector, in matrix and tensor", [27, 27, 27], shape["27"]),
        equals("from tensor to matrix to vector: as before", shape["vector"], shape["back"]),
        equals("numbers in 1080 x 1080 x 3", 3499200, rgb_numbers()),
        equals(".80 + .15 + .05", 1, results["classes"]["sum"]),
        equals("softmax of their logarithms", [0.8, 0.15, 0.05], results["classes"]["softmax"]),
        equals("luma of white: still white", 255, results["white"]),
    ]


# %% The figures.
def show(results):
    return {
        "grid": draw_grid(results),
        "shapes": draw_shapes(results["shapes"]),
        "magnified": draw_magnified(results),
        "channels": draw_channels(results),
    }


def written(axes, image, title="", size=7, limits=(0, 255)):
    """A grey picture with each pixel's number in it."""
    plot.picture(axes, image, title, limits)
    for (i, j), n in np.ndenumerate(image):
        color = "white" if n < sum(limits) / 2 else "black"
        axes.text(j, i, f"{n:.0f}", ha="center", va="center", color=color, fontsize=size)


def frame(axes, top, left, height, width, color="red"):
    """A line around pixels."""
    place = (left - 0.5, top - 0.5)
    axes.add_patch(Rectangle(place, width, height, fill=False, edgecolor=color, linewidth=2))


def draw_grid(results):
    figure, axes = plt.subplots(1, 4, figsize=(14, 5), layout="constrained")
    plot.picture(axes[0], COPIES[..., 1], "what we see", (0, 255))
    written(axes[1], COPIES[..., 0], "what the computer sees: first copy")
    written(axes[2], COPIES[..., 1], "second copy")
    written(axes[3], results["bits"]["grids"][..., 0], "first copy, stored in 8 bits")
    for place in axes[1:]:
        for row, column in results["slide"]["places"] - 1:
            frame(place, row, column, 1, 1)
    figure.suptitle(
        "The slide's picture is 16 x 12 numbers, and 256 is one more than a pixel holds"
    )
    return figure


def draw_shapes(r):
    places = [list("vvvv"), list("XX01"), list("XX23")]
    settings = {"figsize": (9, 5.6), "height_ratios": [1, 4.5, 4.5], "layout": "constrained"}
    figure, axes = plt.subplot_mosaic(places, **settings)
    written(axes["v"], r["vector"][None], "vector (64,):  v[27]", 5, (0, 63))
    written(axes["X"], r["matrix"], "matrix (8, 8):  X[3, 3]", 8, (0, 63))
    for d, slice_ in enumerate(r["tensor"]):
        written(axes[str(d)], slice_, f"T[{d}]" + "  holds T[1, 2, 3]" * (d == 1), 9, (0, 63))
    for name, row, column in (("v", 0, 27), ("X", 3, 3), ("1", 2, 3)):
        frame(axes[name], row, column, 1, 1)
    figure.suptitle("The same 64 numbers as vector, matrix and tensor (4, 4, 4); number 27 framed")
    return figure


def draw_magnified(results):
    figure, axes = plt.subplots(1, 4, figsize=(14.5, 4.4), layout="constrained")
    image = results["grey"]
    plot.picture(axes[0], image, "600 x 512 pixels", (0, 255))
    above, to_the_left = 0, 0  # of the crop before
    for i, (top, left, size) in enumerate([(130, 190, 120), (164, 200, 48), (178, 216, 16)], 1):
        frame(axes[i - 1], top - above, left - to_the_left, size, size)
        crop = image[top : top + size, left : left + size]
        draw = written if size == 16 else plot.picture
        draw(axes[i], crop, f"{size} x {size}", limits=(0, 255))
        above, to_the_left = top, left
    figure.suptitle("An eye, magnified until it is a table of numbers")
    return figure


def draw_channels(results):
    figure, axes = plt.subplots(2, 5, figsize=(15, 7), layout="constrained")
    color, grey = results["color"], results["grey"]
    titles = ["colour (600, 512, 3)", "red", "green", "blue", "0.299 R + 0.587 G + 0.114 B"]
    top, left, size = 492, 384, 10  # a ribbon
    for i, image in enumerate([color, *color.transpose(2, 0, 1), grey]):
        crop = image[top : top + size, left : left + size]
        plot.picture(axes[0, i], image, titles[i], (0, 255))
        (plot.picture if i == 0 else written)(axes[1, i], crop, limits=(0, 255))
        frame(axes[0, i], top, left, size, size)
    figure.suptitle("A colour picture is three tables; below, the framed 10 x 10 pixels of each")
    return figure
