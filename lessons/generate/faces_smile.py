"""Where the smile is in the codes of faces: read by a line, walked along, drawn and read again.

For the lesson on cartoon faces.  What is learnt is a dict of the lesson's `learn`.
"""

from __future__ import annotations

import numpy as np

import tinynet as tn

from ..pictures import as_float
from .probe import linear_probe, mean_difference

SMILES = np.linspace(-1, 1, 9)


def encode(encoder, pictures, average):
    """Pictures (N, size, size, 3) -> mean codes (N, Z), by the centered pictures."""
    return tn.predict(encoder, pictures - average, size=32)[0]


def decode(learnt, z):
    """Codes (N, Z) -> pictures (N, size, size, 3) in [0, 1]: the mean of p(x|z), cut off."""
    x = tn.predict(learnt["decoder"], np.asarray(z, np.float32), size=32)
    return np.clip(learnt["average"] + x, 0, 1)


# %% Where is the smile?  Two answers: w, by which it is read, smile = codes w + b; and d, the mean
# code of smiling faces minus that of frowning ones.  A walk goes along d, by as much as w asks for:
#    z(s) = z + (s - (z w + b)) d / (d w),   so that   z(s) w + b = s
def walk(learnt, probe, chosen):
    d = mean_difference(learnt["codes"], learnt["attributes"]["smile"])
    w, z = probe.weights, learnt["codes"][chosen]
    away = SMILES - (z @ w + probe.bias)
    codes = z + np.outer(away, d / (d @ w))
    same = {name: numbers[chosen] for name, numbers in learnt["attributes"].items()}
    drawn = as_float(tn.data.draw_faces(same | {"smile": SMILES}, learnt["size"]))
    return {
        "codes": codes,
        "decoded": decode(learnt, codes),
        "drawn": drawn,  # the same face, as it looks with that smile
        "cosine": float(d @ w / (np.linalg.norm(d) * np.linalg.norm(w))),
    }


def read_all(codes, attributes):
    """{name: Probe}: what a straight line reads of every attribute, on faces not fitted to."""
    whole = {name for name, a in tn.data.FACE_ATTRIBUTES.items() if a.whole}
    return {
        name: linear_probe(codes, numbers.astype(int) if name in whole else numbers)
        for name, numbers in attributes.items()
        if np.ptp(numbers) > 0
    }


# %% Is it the mouth that changes along the walk?  Measured where the drawn smile changes a pixel,
# beside everywhere else.
def mouth_and_rest(walked):
    """How much a pixel of the mouth changes from the first picture to the last, and any other."""
    drawn, decoded = (
        np.abs(walked[k][-1] - walked[k][0]).mean(axis=2) for k in ("drawn", "decoded")
    )
    mouth = drawn > 0.02
    return float(decoded[mouth].mean()), float(decoded[~mouth].mean())


# %% A code may tell what the decoder never draws.  So the faces are drawn again, encoded again, and
# the same line reads the smile from that: is it the smile of the face that it all began with?
def again(learnt, probe):
    read = learnt["codes again"] @ probe.weights + probe.bias
    return tn.metrics.r2(read, learnt["attributes"]["smile"][: len(read)].astype(np.float64))


# %% What is an attribute worth?  Whoever does not know it draws the mean picture, and is off by the
# variance,   sum over all numbers of a picture  var / (2 sigma^2)   nats, while it alone changes.
# What is worth most is learnt first, and a smile is worth little.
def worth(name, sigma, size=64):
    a = tn.data.FACE_ATTRIBUTES[name]
    values = np.linspace(a.low, a.high, int(a.high - a.low) + 1 if a.whole else 9)
    pictures = as_float(tn.data.draw_faces({name: values}, size))
    return float(pictures.var(axis=0).sum() / (2 * sigma**2))
