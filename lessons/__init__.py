"""The lecture's examples, each rebuilt as one short script.  `python -m lessons` lists them.

A lesson is a file of cells: text, and the few lines of code that the text is about.  What lessons
share stands in shared/.  (The chapters autoencode and generate, and speed, have an older form, with
main(), claims() and show(), until they are rewritten.)
"""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from types import SimpleNamespace

# One thread for BLAS.  tinynet shares large products among threads of its own; what a lesson asks
# of NumPy itself is small, and on a busy machine BLAS's second thread makes that ten times slower.
if "OPENBLAS_NUM_THREADS" not in os.environ:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # NumPy reads it when it is loaded
    if "numpy" in sys.modules:  # as `tinynet lessons` has done already
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, "blas")

CHAPTERS = {
    "neuron": [
        "perceptron",
        "activations",
        "dense",
        "loss",
        "softmax",
        "gradient_descent",
        "backprop",
        "autograd",
    ],
    "convolution": [
        "numbers",
        "sharpen",
        "stride_padding",
        "receptive_field",
        "volume",
        "pooling",
        "xo",
    ],
    "classify": [
        "keras_api",
        "mnist_low_level",
        "mnist",
        "fashion",
        "cifar",
        "regularization",
        "batch_size",
    ],
    "practice": ["optimizers", "batch_norm", "dropout", "variations"],
    "autoencode": [
        "autoencoder",
        "deep_autoencoder",
        "sparse_autoencoder",
        "denoising_autoencoder",
        "contractive_autoencoder",
        "pca_against_autoencoder",
        "latent_size",
        "overcomplete",
        "uses",
        "rbm",
        "dbn",
    ],
    "generate": [
        "probability",
        "latent_attribute",
        "reparameterization",
        "vae",
        "fashion_vae",
        "faces_vae",
        "dogs_vae",
    ],
    "adversaries": ["gan", "mode_collapse", "conditional_gan", "cycle_gan"],
    "diffusion": ["noise", "diffusion", "diffusion_digits", "unet", "generators"],
    "sequences": ["recurrent_cell", "five_shapes", "translation", "characters", "ctc"],
    "machine": ["speed", "gpu"],
}

# A file numbers.py would hide Python's own module from whoever works in its folder.
FILES = {"numbers": "pixels"}


def module_of(name: str) -> str:
    """The module that holds a lesson."""
    chapter = next(chapter for chapter, names in CHAPTERS.items() if name in names)
    return f"{__name__}.{chapter}.{FILES.get(name, name)}"


def path_of(name: str) -> Path:
    """The file of a lesson."""
    _, chapter, file = module_of(name).split(".")
    return Path(__file__).parent / chapter / f"{file}.py"


def in_cells(name: str) -> bool:
    """Whether a lesson is written in cells."""
    return path_of(name).read_text(encoding="utf-8").startswith("# %% [markdown]")


def title_of(name: str) -> str:
    """The first line of a lesson, read without running it."""
    source = path_of(name).read_text(encoding="utf-8")
    if source.startswith("# %%"):
        return source.splitlines()[1].lstrip("# ").partition(": ")[2]
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0].partition(": ")[2]


def parts(name: str) -> SimpleNamespace:
    """A lesson's functions and settings, without running the rest of it."""
    from .shared.run import definitions

    return definitions(path_of(name))
