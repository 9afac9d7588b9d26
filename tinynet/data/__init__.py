"""Data: data sets, drawn pictures and points, augmentation, minibatches for the training loop."""

from typing import TYPE_CHECKING

from ..messages.names import asked
from . import augment
from .batches import batches
from .drawn.clothes import CLOTHES, clothes
from .drawn.color_pictures import COLOR_CLASSES, color_pictures
from .drawn.digits import digits
from .drawn.faces import FACE_ATTRIBUTES, draw_faces, faces
from .drawn.letters import xo
from .drawn.points import rings, spiral, two_humps, two_humps_density
from .picture import picture
from .published.datasets import DataNotFoundError, cifar10, class_names, fashion_mnist, mnist
from .published.reading import DataError
from .sequences import padded

__all__ = [
    "CLOTHES",
    "COLOR_CLASSES",
    "FACE_ATTRIBUTES",
    "DataError",
    "DataNotFoundError",
    "augment",
    "batches",
    "cifar10",
    "class_names",
    "clothes",
    "color_pictures",
    "digits",
    "draw_faces",
    "faces",
    "fashion_mnist",
    "mnist",
    "padded",
    "picture",
    "rings",
    "spiral",
    "two_humps",
    "two_humps_density",
    "xo",
]

if not TYPE_CHECKING:  # type checkers know the names
    __getattr__ = asked(__name__, __all__)
