"""Compression: a picture in 32 bytes, by its code or without a network.  A part of uses."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

import tinynet as tn
from tinynet import plot

from ..claim import at_least, at_most
from .restoring import bicubic, drawn


# %% A file holds bits, so each number of the code becomes one of 2^bits levels:
#    q = round((z - low) / (high - low) * (2^bits - 1)),   z' = low + q (high - low) / (2^bits - 1)
# low and high are those of the training pictures; codes outside are cut off.
def rounded(codes, low, high, bits=8):
    """The codes as they come back from a file, of so many bits a number.  (N, Z) -> (N, Z)

    low, high: (Z,), or numbers.  bits: 1 to 8.
    """
    if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 8:
        raise ValueError(
            f"rounded: bits must be a whole number from 1 to 8, received {bits!r}. Give 8, a byte "
            "a number."
        )
    levels = 2**bits - 1
    step = np.where(high > low, (high - low) / levels, 1).astype(codes.dtype)
    return low + np.clip(np.rint((codes - low) / step), 0, levels) * step


# Without a network: PCA, the best linear code of 32 numbers (fitted to the same pictures), and
# fewer pixels of fewer bits, enlarged again.  In 32 bytes fit 5 x 5 pixels of 8 bits, or 16 x 16 of
# one, and more; which is best, the training pictures say.
def shrunk(x, side, bits):
    """(N, H, W, 1) to side x side pixels of so many bits, and back by bicubic interpolation."""
    small = [Image.fromarray(p[..., 0]).resize((side, side), Image.Resampling.BOX) for p in x]
    return bicubic(rounded(np.stack(small)[..., None], 0, 1, bits), x.shape[1:3])


def best_split(x, size):
    """The pixels a side and the bits a pixel that keep most of (N, H, W, 1) in so many bytes."""
    splits = [(math.isqrt(8 * size // bits), bits) for bits in range(1, 9)]
    return max(splits, key=lambda split: tn.metrics.psnr(shrunk(x, *split), x))


def codes(x, test, encoder, mean, V):
    """Of the training and the test pictures, (N, D) and (M, D), by the network and by PCA."""
    network = tn.predict(encoder, x), tn.predict(encoder, test)
    return {"code": network, "PCA": ((x - mean) @ V, (test - mean) @ V)}


def compress(data, codes, decoder, mean, V, bits=8):
    """The test pictures in a file and back, three ways.  codes: what `codes` gives."""
    files = {
        by: rounded(z, seen.min(axis=0), seen.max(axis=0), bits) for by, (seen, z) in codes.items()
    }
    size = math.ceil(files["code"].shape[1] * bits / 8)
    side, pixel_bits = best_split(data.train[:1000], size)
    small = f"{side} x {side} pixels"
    pictures = {
        "autoencoder": drawn(decoder, files["code"]),
        "PCA": np.clip(mean + files["PCA"] @ V.T, 0, 1),
        small: shrunk(data.test, side, pixel_bits),
    }
    pictures = {name: y.reshape(data.test.shape) for name, y in pictures.items()}
    whole = drawn(decoder, codes["code"][1]).reshape(data.test.shape)
    print(f"  the best pixels in {size} bytes: {side} x {side} of {pixel_bits}-bit grey")
    return {
        "original": data.test,
        "source": data.source,
        "bits": bits,
        "bytes": [size, size, math.ceil(side**2 * pixel_bits / 8)],
        "pictures": pictures,
        "psnr": {name: tn.metrics.psnr(y, data.test) for name, y in pictures.items()},
        "not rounded": tn.metrics.psnr(whole, data.test),
    }


def claims(results):
    network, *others = results["psnr"].values()
    lost = results["not rounded"] - network
    return [
        at_least("dB above the better of PCA and fewer pixels", 1.5, network - max(others)),
        at_most(f"dB lost by {results['bits']} bits a number", 0.1, lost),
    ]


def draw(results, count=10):
    rows = {f"{results['original'][0].size} bytes": results["original"][:count]}
    for (name, y), size in zip(results["pictures"].items(), results["bytes"], strict=True):
        rows[f"{name}, {size} bytes\n{results['psnr'][name]:.1f} dB"] = y[:count]
    return plot.rows(rows, f"Compression: {results['source']}, unseen by all three", limits=(0, 1))
