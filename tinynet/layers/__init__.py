"""Layers, with Keras' words, arithmetic and defaults."""

from typing import TYPE_CHECKING

from ..messages.names import asked
from .activation import Activation, LeakyReLU, Softmax
from .base import Layer
from .convolution import Conv2D, Conv2DTranspose
from .dense import Dense
from .embedding import Embedding
from .merge import Add, Concatenate
from .noise import Dropout, GaussianNoise, SpatialDropout2D
from .normalization import BatchNormalization, GroupNormalization, LayerNormalization
from .pooling import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D
from .recurrent import GRU, LSTM, SimpleRNN
from .sequence import Bidirectional, Masking, TimeDistributed
from .shape import Flatten, Reshape, UpSampling2D, ZeroPadding2D

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "Add",
    "AveragePooling2D",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Conv2D",
    "Conv2DTranspose",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePooling2D",
    "GroupNormalization",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPooling2D",
    "Reshape",
    "SimpleRNN",
    "Softmax",
    "SpatialDropout2D",
    "TimeDistributed",
    "UpSampling2D",
    "ZeroPadding2D",
]

if not TYPE_CHECKING:  # type checkers know the names
    __getattr__ = asked(__name__, __all__)
