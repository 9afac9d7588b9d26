"""Data: where examples come from, and how they reach the training loop."""

from . import augment
from .batches import batches
from .clothes import CLOTHES, clothes
from .colors import COLOR_CLASSES, color_pictures
from .datasets import DataNotFoundError, cifar10, class_names, fashion_mnist, mnist
from .digits import digits
from .faces import FACE_ATTRIBUTES, draw_faces, faces
from .files import DataError
from .letters import xo

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
    "xo",
]
