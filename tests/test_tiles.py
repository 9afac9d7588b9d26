"""Convolution by tiles: the numbers of the plain form, in memory that is bounded."""

from __future__ import annotations

import numpy

from tinynet.devices import cpu, plain
from tinynet.ops.windows import windows


def test_phases_that_begin_a_row_apart_have_room(rng):
    """The pixels 1, 3, 5, ... see another row of y first than 0, 2, 4, ..., with windows of one."""
    ws = windows(numpy.empty((4, 8, 64, 16)), 2, 2, ((1, 0), (1, 0)))
    kernel = rng.random((2, 2, 16, 8), numpy.float32)
    y = rng.random((4, *ws.output, 8), numpy.float32)
    numpy.testing.assert_allclose(
        cpu.spread(y, kernel, None, ws), plain.spread(y, kernel, None, ws), rtol=1e-5
    )
