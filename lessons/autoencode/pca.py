"""Principal component analysis (PCA): the best linear code, by which autoencoders are measured.

No network and no training: the eigenvectors of the covariance of the training pictures.
"""

from __future__ import annotations

import numpy as np


# %% With mean m and the pictures as rows of X,   X - m = U S V^T,   (X - m)^T (X - m) = V S^2 V^T,
#    code = (x - m) V_Z,      x^ = m + code V_Z^T
# where V_Z are the first Z columns of V.  No other linear code of Z numbers loses less: what is
# lost is   1/N (S_{Z+1}^2 + ... + S_D^2)   a picture (Eckart and Young 1936).
def pca(x):
    """Mean, principal components (columns) and singular values, largest first.

    (N, D), N > 1 -> (D,), (D, D), (D,)
    """
    shape = np.shape(x)
    if len(shape) != 2 or shape[0] < 2:
        hint = "Give two examples or more, each a row."
        raise ValueError(f"pca: x must be (N, D) with N > 1, received {shape}. {hint}")
    mean = x.mean(axis=0)
    squares, V = np.linalg.eigh((x - mean).T @ (x - mean))  # smallest first; 0 may come out below 0
    return mean, V[:, ::-1], np.sqrt(squares[::-1].clip(min=0))


def through(x, mean, V):
    """To the code and back: m + (x - m) V V^T, not clipped.  (N, D), (D,), (D, Z) -> (N, D)"""
    return mean + (x - mean) @ V @ V.T


def error(guess, x):
    """1/N sum |x^ - x|^2: the sum over the pixels, the mean over the pictures.  (N, D), (N, D)"""
    return float(((guess - x) ** 2).sum(axis=1, dtype=np.float64).mean())
