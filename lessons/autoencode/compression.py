"""Compression: a picture in 32 bytes, by its code or without a network.  A part of uses."""

from __future__ import annotations

import numpy as np
from PIL import Image

import tinynet as tn
from lessons.autoencode.restoring import bicubic
from lessons.claim import at_least, at_most, equals
from tinynet import plot


# %% A file holds bits, so each number of the code becomes one of 2^bits levels:
#    q = round((z - low) / (high - low) * (2^bits - 1)),   z' = low + q (high - low) / (2^bits - 1)
# low and high are those of the training pictures; codes outside are cut off.
def rounded(codes, low, high, bits=8):
    """The codes as they come back from a file, of so many bits a number.  (N, Z) -> (N, Z)

    low, high: (Z,), or numbers.  bits: 1 to 8.
    """
    if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 8:
        raise ValueError(f"rounded: bits must be a whole number from 1 to 8, received {bits!r}.")
    levels = 2**bits - 1
    step = np.where(high > low, (high - low) / levels, 1).astype(codes.dtype)
    return low + np.clip(np.rint((codes - low) / step), 0, levels) * step


# Without a network: PCA, the best linear code of 32 numbers (fitted to the same pictures), and
# fewer pixels of fewer bits, enlarged again: 8 x 8 of 4 bits are 32 bytes, too.
def directions(x, Z):
    """The mean of (N, D) and the Z directions of largest variance.  -> (D,), (D, Z)"""
    mean = x.mean(axis=0)
    centred = x - mean
    return mean, np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :Z]


def shrunk(x, side=8, bits=4):
    """(N, H, W, 1) to side x side pixels of so many bits, and back by bicubic interpolation."""
    small = [Image.fromarray(p[..., 0]).resize((side, side), Image.Resampling.BOX) for p in x]
    return bicubic(rounded(np.stack(small)[..., None], 0, 1, bits), x.shape[1:3])


def codes(x, test, encoder, mean, V):
    """Of the training and the test pictures, (N, D) and (M, D), by the network and by PCA."""
    network = tn.predict(encoder, x), tn.predict(encoder, test)
    return {"code": network, "PCA": ((x - mean) @ V, (test - mean) @ V)}


def compress(data, codes, decoder, mean, V, bits=8):
    """The test pictures in a file and back, three ways.  codes: what `codes` gives."""

    def decoded(z):
        return tn.sigmoid(tn.Tensor(tn.predict(decoder, z))).numpy().reshape(data.test.shape)

    files = {
        by: rounded(z, seen.min(axis=0), seen.max(axis=0), bits) for by, (seen, z) in codes.items()
    }
    linear = np.clip(mean + files["PCA"] @ V.T, 0, 1).reshape(data.test.shape)
    pictures = {
        "autoencoder": decoded(files["code"]),
        "PCA": linear,
        "8 x 8 pixels": shrunk(data.test),
    }
    numbers = files["code"].shape[1]
    return {
        "original": data.test,
        "source": data.source,
        "bytes": [numbers * bits // 8, numbers * bits // 8, 8 * 8 * 4 // 8],
        "pictures": pictures,
        "psnr": {name: tn.metrics.psnr(y, data.test) for name, y in pictures.items()},
        "not rounded": tn.metrics.psnr(decoded(codes["code"][1]), data.test),
    }


def claims(results):
    psnr = results["psnr"]
    others = max(psnr["PCA"], psnr["8 x 8 pixels"])
    lost = results["not rounded"] - psnr["autoencoder"]
    return [
        equals("bytes a picture: code, PCA, pixels", [32, 32, 32], results["bytes"]),
        at_least("dB above the better of the other two", 1, psnr["autoencoder"] - others),
        at_most("dB lost by 8 bits a number", 0.1, lost),
    ]


def draw(results, count=10):
    rows = {f"{results['original'][0].size} bytes": results["original"][:count]}
    for (name, y), size in zip(results["pictures"].items(), results["bytes"], strict=True):
        rows[f"{name}, {size} bytes\n{results['psnr'][name]:.1f} dB"] = y[:count]
    return plot.rows(rows, f"Compression: {results['source']}, unseen by all three", limits=(0, 1))
