"""Sharpen: what one small table of numbers does to a photograph.

Slides    000_fcdcaffc17ab1b77.txt "2D Convolutions" (one value), 001_2cc8296d8a649d23.txt "The
          Convolution Operation" (the map, and both kernels), 003_05cde12013bfe355.txt
          "Convolution" (numpy.convolve) and "TensorFlow: Convolution" (the photograph)
Question  How do nine numbers sharpen a photograph, and can a machine find them by itself?
Expect    10 where the slide prints 15, and why; then a kernel learnt from one photograph and its
          sharpened copy, each weight within 0.01, after 600 steps of gradient descent
Try       momentum=0 in `main`: what is the error after 600 steps, and which weights are wrong?
"""

from __future__ import annotations

import matplotlib.cbook
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from tqdm import tqdm

import tinynet as tn
from tinynet import plot

from ..claim import at_most, equals

SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], np.float32)  # sum 1: brightness stays
EDGES = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)  # sum 0: flat areas become 0


def filtered(pictures, kernel, padding="valid", bias=None):
    """One kernel laid over each picture.  (N, H, W), (KH, KW) -> (N, OH, OW)"""
    if not isinstance(kernel, tn.Tensor):
        kernel = tn.Tensor(kernel).to(pictures.device)
    w = kernel[:, :, None, None]  # (KH, KW, 1, 1)
    return tn.conv2d(pictures[..., None], w, bias, padding=padding)[..., 0]


# %% One output value.  The slide multiplies the patch with the kernel, column by column:
#    5*0 + 9*-1 + 13*0 + 6*-1 + 10*5 + 14*-1 + 7*0 + 11*-1 + 15*0 + 5 = 15
# The last + 5 has no pixel and no weight: it is a bias, which the slide never introduces.
def one_value(device):
    patch = tn.Tensor([[[5, 6, 7], [9, 10, 11], [13, 14, 15]]]).to(device)
    terms = (patch.numpy()[0] * SHARPEN).T.ravel()  # .T: the slide goes down the columns
    return {
        "terms": terms,
        "value": filtered(patch, SHARPEN).item(),
        "value_with_bias": filtered(patch, SHARPEN, bias=[5.0]).item(),
    }


# %% The feature map: the filter stands at 3 x 3 places, and each place gives one number.
def feature_map(device):
    rows = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
    kernel = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], np.float32)
    image = tn.Tensor([rows]).to(device)  # (1, 5, 5)
    stills = tn.im2col(image[..., None], 3)[0].reshape(9, 3, 3)  # the nine places, one by one
    return {
        "image": image.numpy()[0],
        "kernel": kernel,
        "stills": stills.numpy(),
        "map": filtered(image, kernel).numpy()[0],
    }


# %% Convolution flips the kernel, correlation does not.  Networks correlate, and say convolve.
def flipped(device):
    x, w = np.arange(5, dtype=np.float32), np.array([[1, -1, 2]], np.float32)
    line = tn.Tensor(x).to(device).reshape(1, 1, 5)
    full = ((0, 0), (2, 2))  # wherever the kernel touches the line
    return {
        "numpy": np.convolve(x, w[0]),
        "correlation": filtered(line, w, full).numpy().ravel(),
        "convolution": filtered(line, w[:, ::-1].copy(), full).numpy().ravel(),
    }


# %% A real photograph: one that ships with matplotlib.
def photograph(device):
    file = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    color = tn.Tensor(np.asarray(Image.open(file)).astype(np.float32)).to(device)  # (H, W, 3)
    # ITU-R 601-2 luma.  A weighted sum of channels is a convolution too, with a 1 x 1 kernel.
    luma = tn.Tensor([0.299, 0.587, 0.114]).to(device).reshape(1, 1, 3, 1)
    grey = tn.conv2d(color[None], luma)[..., 0]  # (1, H, W)

    channels = color.transpose(2, 0, 1)  # (3, H, W): three grey pictures
    # The kernel of the slide's gradient magnitude is lost; "detect edges" takes its place here.
    mirrored = tn.pad(grey, ((0, 0), (1, 1), (1, 1)), mode="symmetric")
    edges = tn.abs(filtered(mirrored, EDGES))
    return {
        "color": color.numpy(),
        "grey": grey.numpy()[0],
        "sharp_color": filtered(channels, SHARPEN, "same").numpy().transpose(1, 2, 0),
        "edges_color": tn.abs(filtered(channels, EDGES, "same")).numpy().transpose(1, 2, 0),
        "sharp_zeros": filtered(grey, SHARPEN, "same").numpy()[0],
        "sharp_mirrored": filtered(mirrored, SHARPEN).numpy()[0],
        "edges": edges.numpy()[0],
        "edges_brighter": tn.minimum(edges + 100, 255).numpy()[0],
    }


# %% The kernel, learnt.  What is known: a photograph, and its sharpened copy.
#    loss(w) = mean (conv2d(x, w) - y)^2
#    velocity <- momentum * velocity + gradient,    w <- w - lr * velocity
# Neighbouring pixels are nearly equal, so the loss bends 1,500 times more with the weights' sum
# than with some of their differences.  Momentum keeps going where the slope is small but steady.
def learn(grey, steps, lr, momentum, seed, device):
    x = tn.Tensor((grey - grey.mean()) / 255).to(device)[None]  # (1, H, W)
    y = filtered(x, SHARPEN)
    start = np.random.default_rng(seed).normal(0, 0.1, (3, 3)).astype(np.float32)
    # A leaf on the device: what .to() gives of a tensor that is trained is a result, not a leaf.
    w = tn.Tensor(start, requires_grad=True, device=device, name="kernel")
    optimizer = tn.optim.SGD([w], lr, momentum)
    path, losses = [w.numpy().copy()], []
    for _ in tqdm(range(steps), desc="learning the kernel", disable=None, leave=False):
        optimizer.zero_grad()
        loss = tn.mse(filtered(x, w), y)
        loss.backward()
        optimizer.step()
        path.append(w.numpy().copy())
        losses.append(loss.item())
    return {"path": np.array(path), "losses": np.array(losses), "learnt": w.numpy()}


def main(steps=600, lr=1.2, momentum=0.97, seed=0, device="cpu", full=False):
    """Everything that the figures and the claims need.  full: learn from the whole photograph."""
    results = {"one": one_value(device), "map": feature_map(device), "flipped": flipped(device)}
    results["photo"] = photo = photograph(device)
    crop = photo["grey"] if full else photo["grey"][60:260, 150:350]  # the face
    return results | learn(crop, steps, lr, momentum, seed, device)


def claims(results):
    one, flipped = results["one"], results["flipped"]
    return [
        equals("the slide's terms", [0, -9, 0, -6, 50, -14, 0, -11, 0], one["terms"]),
        equals("their sum (the slide prints 15)", 10, one["value"]),
        equals("with the slide's undeclared bias of 5", 15, one["value_with_bias"]),
        equals("feature map", [[4, 3, 4], [2, 4, 3], [2, 3, 4]], results["map"]["map"]),
        equals("numpy.convolve, as printed", [0, 1, 1, 3, 5, 2, 8], flipped["numpy"]),
        equals("conv2d with the kernel flipped", flipped["numpy"], flipped["convolution"]),
        equals("conv2d, kernel as it is", [0, 2, 3, 5, 7, -1, 4], flipped["correlation"]),
        at_most("largest error of a learnt weight", 0.01, abs(results["learnt"] - SHARPEN).max()),
    ]


# %% The figures.
def show(results):
    return {
        "arithmetic": draw_arithmetic(results["map"]),
        "photograph": draw_photograph(results["photo"]),
        "borders": draw_borders(results["photo"]),
        "learning": draw_learning(results),
    }


def draw_arithmetic(r):
    stills = [still * r["kernel"] for still in r["stills"]]
    titles = ["image", "filter", "feature map"]
    titles += [f"still {i}: sum {still.sum():g}" for i, still in enumerate(stills, 1)]
    title = "Each still: one window of the image, times the filter"
    images = [r["image"], r["kernel"], r["map"], *stills]
    return plot.grid(images, titles, title, columns=3, width=2, draw=plot.matrix)


def draw_photograph(photo):
    shown = {
        "grey": "0.299 R + 0.587 G + 0.114 B",
        "sharp_zeros": "sharpened",
        "edges": "|detect edges|",
        "edges_brighter": "|detect edges| + 100, at most 255",
        "color": "photograph",
        "sharp_color": "sharpened, each channel",
        "edges_color": "|detect edges|, each channel",
    }
    images = [photo[name] for name in shown]
    title = "Two kernels on a photograph"
    return plot.grid(images, list(shown.values()), title, columns=4, width=2.8, limits=(0, 255))


def draw_borders(photo):
    corner = (slice(0, 20), slice(-20, None))  # the sky, top right
    shown = {
        "grey": "grey",
        "sharp_zeros": "sharpened, zeros outside",
        "sharp_mirrored": "sharpened, mirrored outside",
    }
    images = [photo[name][corner] for name in shown]
    title = "20 x 20 pixels, top right: zeros outside look like an edge, and sharpening draws it"
    return plot.grid(images, list(shown.values()), title, columns=3, width=3.3, limits=(50, 255))


def draw_learning(results):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    left.semilogy(results["losses"], linewidth=0.6)
    left.set(title="loss", xlabel="step", ylabel="mean squared error")
    for color, name, places in (("C3", "centre", [4]), ("C0", "sides", [1, 3, 5, 7]),
                                ("C7", "corners", [0, 2, 6, 8])):  # fmt: skip
        lines = middle.plot(results["path"].reshape(-1, 9)[:, places], color=color, linewidth=1)
        lines[0].set_label(name)
    middle.legend()
    middle.hlines([5, 0, -1], 0, len(results["losses"]), colors="black", linestyles=":")
    middle.set(title="the nine weights (dotted: 5, 0 and -1)", xlabel="step", ylabel="weight")
    plot.matrix(right, results["learnt"].round(3) + 0.0, "the kernel that was learnt", "{:.3f}")
    figure.suptitle("The sharpen kernel, found from a photograph and its sharpened copy")
    return figure
