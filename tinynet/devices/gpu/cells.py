"""A step of a recurrent cell, and of its way back: one launch where ops/cells.py has a dozen.

All arrays are of float32, and what is written lies in C order.
"""

from __future__ import annotations

from ..arrays import Array, xp
from .launch import launch, ready


def rnn(z: Array, s: Array, relu: bool, after: Array) -> None:
    launch("cells.rnn", after.size, z, s, int(relu), after, UNITS=after.shape[1])


def rnn_back(dh: Array, h: Array, relu: bool, dz: Array) -> None:
    launch("cells.rnn_back", dz.size, ready(dh), h, int(relu), dz, UNITS=dz.shape[1])


def gru(z: Array, s: Array, bias: Array, h: Array, recalled: Array, after: Array) -> None:
    launch("cells.gru", after.size, z, s, bias, ready(h), recalled, after, UNITS=after.shape[1])


def gru_back(dh: Array, z: Array, h: Array, recalled: Array, dz: Array, ds: Array) -> Array:
    past = xp(dh).empty(dh.shape, dh.dtype)
    values = ready(dh), z, ready(h), recalled, dz, ds, past
    launch("cells.gru_back", past.size, *values, UNITS=past.shape[1])
    return past


def lstm(z: Array, s: Array, c: Array, new_h: Array, new_c: Array, squashed: Array) -> None:
    launch("cells.lstm", new_h.size, z, s, ready(c), new_h, new_c, squashed, UNITS=new_h.shape[1])


def lstm_back(dh: Array, dc: Array, z: Array, c: Array, squashed: Array, dz: Array) -> None:
    values = ready(dh), dc, z, ready(c), squashed, dz
    launch("cells.lstm_back", dc.size, *values, UNITS=dc.shape[1])
