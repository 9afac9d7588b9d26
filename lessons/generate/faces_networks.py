"""The encoder and the decoder of the slide's cartoon faces, layer by layer as its tables say."""

from __future__ import annotations

import math

import tinynet as tn
from tinynet.layers import (
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Flatten,
    LeakyReLU,
    Reshape,
)

FILTERS = (32, 64, 64, 64, 64)
LATENT = 200


# %% The slide's networks, with its names.  Five times the picture is halved, and in the decoder
# doubled again: 256 -> 8 -> 256.  Pictures of 64 go down to 2 x 2 by the same layers.
# (Batch-norm's momentum is not on the slide.  With Keras' 0.99 the statistics need more steps than
# the short training here has; with 0.9 they follow.)
def _after(h, i):
    return LeakyReLU(name=f"lrelu_{i}")(BatchNormalization(momentum=0.9, name=f"bn_{i}")(h))


def encoder(size=256, latent=LATENT, rng=None):
    """(N, size, size, 3) -> [mean (N, Z), log_var (N, Z)]"""
    _check_size("encoder", size)
    x = h = tn.Input((size, size, 3), name="input_layer")
    for i, filters in enumerate(FILTERS, 1):
        h = _after(Conv2D(filters, 3, strides=2, padding="same", name=f"conv_{i}")(h), i)
    h = Flatten(name="Flatten")(h)
    codes = [Dense(latent, name="mean")(h), Dense(latent, name="log_var")(h)]
    return tn.Model(x, codes, rng=rng, name="Encoder")


def decoder(size=256, latent=LATENT, rng=None):
    """(N, Z) -> mean of p(x|z), (N, size, size, 3)"""
    _check_size("decoder", size)
    z = tn.Input((latent,), name="input_layer")
    small = (size // 32, size // 32, FILTERS[-1])
    h = Reshape(small, name="Reshape")(Dense(math.prod(small), name="dense_1")(z))
    for i, filters in enumerate((64, 64, 64, 32), 1):
        up = Conv2DTranspose(filters, 3, strides=2, padding="same", name=f"conv_transpose_{i}")
        h = _after(up(h), i)
    last = Conv2DTranspose(3, 3, strides=2, padding="same", name="conv_transpose_5")
    return tn.Model(z, last(h), rng=rng, name="Decoder")


def _check_size(where, size):
    if isinstance(size, bool) or not isinstance(size, int) or size < 32 or size % 32:
        raise ValueError(
            f"{where}: size must be a multiple of 32, which is halved five times; received "
            f"{size!r}. Try 64, or the slide's 256."
        )
