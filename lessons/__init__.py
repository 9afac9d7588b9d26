"""The lecture's examples, each rebuilt as one short script.  `python -m lessons` lists them.

A lesson has `main(...)`, which computes and returns its results; `claims(results)`, what the lesson
says that one must see, beside what was seen; and `show(results)`, its figures by name.
"""

import os
import sys

# One thread for BLAS.  tinynet shares large products among threads of its own; what a lesson asks
# of NumPy itself is small, and on a busy machine BLAS's second thread makes that ten times slower.
if "OPENBLAS_NUM_THREADS" not in os.environ:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # NumPy reads it when it is loaded
    if "numpy" in sys.modules:  # as `tinynet lessons` has done already
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, "blas")

CHAPTERS = {
    "neuron": ["perceptron", "activations", "dense", "loss", "gradient_descent", "backprop"],
    "convolution": ["numbers", "sharpen", "stride_padding", "volume", "pooling", "xo"],
    "classify": [
        "keras_api",
        "mnist_low_level",
        "mnist",
        "fashion",
        "cifar",
        "regularization",
        "batch_size",
    ],
    "autoencode": [
        "autoencoder",
        "deep_autoencoder",
        "sparse_autoencoder",
        "denoising_autoencoder",
        "contractive_autoencoder",
        "pca_against_autoencoder",
        "latent_size",
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
    "machine": ["speed"],
}

# A file numbers.py would hide Python's own module from whoever works in its folder.
FILES = {"numbers": "pixels"}


def module_of(name: str) -> str:
    """The module that holds a lesson."""
    chapter = next(chapter for chapter, names in CHAPTERS.items() if name in names)
    return f"{__name__}.{chapter}.{FILES.get(name, name)}"
