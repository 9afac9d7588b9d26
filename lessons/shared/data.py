"""The pictures that lessons learn from, scaled to [0, 1]: real ones, or drawn where none are."""

from __future__ import annotations

import numpy as np

from .. import pictures
from ..pictures import Pictures
from . import session


def mnist(train: int | None, test: int | None) -> Pictures:
    """The first handwritten digits of MNIST: pictures (N, 28, 28, 1), labels (N,)."""
    return _remembered(pictures.mnist(train, test))


def fashion_mnist(train: int | None, test: int | None) -> Pictures:
    """The first clothes of Fashion-MNIST: pictures (N, 28, 28, 1), labels (N,)."""
    return _remembered(pictures.fashion_mnist(train, test))


def cifar10(train: int | None, test: int | None) -> Pictures:
    """The first color pictures of CIFAR-10: pictures (N, 32, 32, 3), labels (N,)."""
    return _remembered(pictures.cifar10(train, test))


def photograph() -> np.ndarray:
    """Grace Hopper, as she comes with matplotlib: (600, 512, 3), float32, 0 to 255."""
    import matplotlib.cbook
    from PIL import Image

    file = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return np.asarray(Image.open(file)).astype(np.float32)


def _remembered(found: Pictures) -> Pictures:
    session.current().drawn |= not found.real
    return found
