"""One filter on one picture: what the rows on convolution and on pooling share."""

from __future__ import annotations

import numpy as np

import tinynet as tn


def conv(image, kernel, stride=1, padding="valid"):
    """One kernel on one picture.  (H, W), (KH, KW) -> (OH, OW)"""
    x = tn.Tensor(np.float32(image)[None, :, :, None])
    w = tn.Tensor(np.float32(kernel)[:, :, None, None])
    return tn.conv2d(x, w, stride=stride, padding=padding).numpy()[0, :, :, 0]


def side(H, K, stride=1, padding="valid"):
    """Of the map of a K x K filter on H x H."""
    return conv(np.ones((H, H)), np.ones((K, K)), stride, padding).shape[0]
