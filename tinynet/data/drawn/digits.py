"""Digits drawn by formulas: the lessons use them when the real MNIST is missing.

Each digit has a few forms, and each form is a few strokes through points.  Every picture moves the
points, slants and stretches the strokes and draws the width of its pen.
"""

from __future__ import annotations

import functools
import itertools

import numpy

from ...messages.arguments import generator, whole
from .shapes import draw_in_chunks

# The forms of each digit: strokes through points (x to the right, y down, in a box from -1 to 1).
# A stroke is a smooth curve, closed if its last point is its first.  If it begins at a point of
# another stroke, there is a corner.
FORMS: dict[int, list[list[list[tuple[float, float]]]]] = {
    0: [
        [[(0, -1), (-0.55, -0.6), (-0.65, 0.1), (-0.45, 0.75), (0.05, 1), (0.5, 0.65), (0.65, 0),
          (0.45, -0.75), (0, -1)]],
        [[(0.2, -0.9), (-0.35, -0.8), (-0.6, 0), (-0.4, 0.8), (0.1, 1), (0.55, 0.55), (0.6, -0.3),
          (0.3, -0.95), (-0.1, -0.95)]],
    ],
    1: [
        [[(0, -1), (0.02, -0.3), (-0.02, 0.35), (0, 1)]],
        [[(-0.4, -0.6), (-0.15, -0.8), (0.05, -1)], [(0.05, -1), (0.05, 0), (0.05, 1)]],
        [[(-0.4, -0.55), (-0.15, -0.75), (0, -1)], [(0, -1), (0, 0), (0, 1)],
         [(-0.5, 1), (0, 1), (0.5, 0.97)]],
    ],
    2: [
        [[(-0.6, -0.6), (-0.2, -0.98), (0.4, -0.85), (0.5, -0.35), (0.1, 0.25), (-0.6, 0.95)],
         [(-0.6, 0.95), (0, 0.95), (0.7, 0.9)]],
        [[(-0.6, -0.55), (-0.15, -1), (0.45, -0.8), (0.4, -0.2), (-0.05, 0.4), (-0.5, 0.85),
          (-0.6, 0.55), (-0.25, 0.5), (0.2, 0.85), (0.7, 0.85)]],
    ],
    3: [
        [[(-0.5, -0.75), (-0.05, -1), (0.45, -0.75), (0.35, -0.25), (-0.1, -0.05)],
         [(-0.1, -0.05), (0.45, 0.15), (0.55, 0.6), (0.1, 0.98), (-0.55, 0.75)]],
        [[(-0.5, -0.95), (0, -0.98), (0.5, -0.95)], [(0.5, -0.95), (0.2, -0.5), (-0.1, -0.1)],
         [(-0.1, -0.1), (0.45, 0.1), (0.5, 0.65), (0.05, 1), (-0.55, 0.75)]],
    ],
    4: [
        [[(-0.45, -0.9), (-0.55, -0.3), (-0.5, 0.1)], [(-0.5, 0.1), (0.1, 0.1), (0.65, 0.05)],
         [(0.35, -0.95), (0.3, 0), (0.25, 1)]],
        [[(0.25, -1), (-0.2, -0.4), (-0.65, 0.25)], [(-0.65, 0.25), (0, 0.25), (0.65, 0.22)],
         [(0.25, -1), (0.25, 0), (0.25, 1)]],
    ],
    5: [
        [[(-0.45, -0.95), (-0.48, -0.5), (-0.5, -0.1)],
         [(-0.5, -0.1), (0.05, -0.25), (0.55, 0.15), (0.4, 0.75), (-0.1, 1), (-0.6, 0.75)],
         [(-0.45, -0.95), (0.1, -0.95), (0.6, -1)]],
        [[(0.6, -0.95), (0.1, -1), (-0.35, -0.85), (-0.45, -0.4), (0, -0.15), (0.45, 0.2),
          (0.35, 0.75), (-0.1, 1), (-0.55, 0.8)]],
    ],
    6: [
        [[(0.35, -1), (-0.2, -0.55), (-0.5, 0.15), (-0.4, 0.8), (0.05, 1), (0.5, 0.7),
          (0.4, 0.2), (0, 0.05), (-0.45, 0.4)]],
        [[(0.1, -1), (-0.25, -0.4), (-0.4, 0.3), (-0.25, 0.85), (0.1, 0.98), (0.45, 0.6),
          (0.2, 0.2), (-0.25, 0.45)]],
    ],
    7: [
        [[(-0.6, -0.85), (0, -0.9), (0.55, -0.95)], [(0.55, -0.95), (0.2, -0.2), (-0.15, 1)]],
        [[(-0.6, -0.85), (0, -0.9), (0.6, -0.95)], [(0.6, -0.95), (0.15, -0.1), (-0.2, 1)],
         [(-0.3, 0), (0.05, 0), (0.5, -0.05)]],
        [[(-0.6, -0.5), (-0.5, -0.85), (0, -0.85), (0.55, -0.95)],
         [(0.55, -0.95), (0.35, -0.1), (0.2, 1)]],
    ],
    8: [
        [[(0.1, -0.02), (-0.4, -0.35), (-0.35, -0.85), (0.1, -1), (0.45, -0.7), (0.1, -0.02),
          (-0.4, 0.35), (-0.4, 0.85), (0.05, 1), (0.45, 0.7), (0.4, 0.3), (0.1, -0.02)]],
        [[(0.45, -0.75), (0, -1), (-0.45, -0.65), (-0.1, -0.15), (0.35, 0.3), (0.3, 0.85),
          (-0.15, 0.98), (-0.45, 0.6), (-0.15, 0.1), (0.3, -0.3), (0.45, -0.75)]],
    ],
    9: [
        [[(0.45, -0.6), (0.05, -1), (-0.4, -0.75), (-0.4, -0.25), (0.05, -0.05), (0.4, -0.35),
          (0.45, -0.6)], [(0.45, -0.6), (0.42, 0.2), (0.35, 1)]],
        [[(0.4, -0.75), (0, -0.98), (-0.45, -0.6), (-0.25, -0.1), (0.2, -0.2), (0.4, -0.75),
          (0.45, 0.1), (0.2, 0.8), (-0.35, 0.95)]],
    ],
}  # fmt: skip
SEGMENTS = 24  # straight pieces of a form
CURVE = 8  # pieces from one point of a stroke to the next, before SEGMENTS of them are chosen


def digits(count: int, rng: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Digits that look handwritten, in the format of MNIST: light ink on black.

    -> pictures (count, 28, 28, 1), uint8; labels (count,), int64, 0 to 9

    Formulas draw them from two or three forms a digit.  A network learns on them as on MNIST, but
    its accuracy here says nothing about real handwriting.  As in MNIST, a digit fills a box of
    20 x 20 pixels, and its center of mass is in the middle.

    count: at least 0.
    """
    count = whole("digits", "count", count, 0)
    return draw_in_chunks(count, generator("digits", rng), (28, 28, 1), _write)


def _write(labels: numpy.ndarray, rng: numpy.random.Generator) -> numpy.ndarray:
    forms, curves, first, forms_of = _forms()
    n = len(labels)
    form = first[labels] + rng.integers(0, forms_of[labels])

    # The hand: every point of the form misses its place a little.
    points = forms[form] + 0.09 * rng.standard_normal((n, *forms.shape[1:]), dtype=numpy.float32)
    ends = curves[form] @ points  # (n, 2 * SEGMENTS, 2): the curves through the points
    x, y = ends[:, :, 0], ends[:, :, 1]

    def draw(low: float, high: float) -> numpy.ndarray:  # (n, 1), to broadcast over the points
        return rng.uniform(low, high, (n, 1)).astype(numpy.float32)

    for strength, waves in ((0.14, 1.5), (0.06, 3.5)):  # the paper: bent, coarsely then finely
        x, y = (
            x + strength * numpy.sin(waves * y * draw(0.6, 1.4) + draw(0, 6.28)),
            y + strength * numpy.sin(waves * x * draw(0.6, 1.4) + draw(0, 6.28)),
        )
    x = x * draw(0.75, 1.3)
    x = x - draw(-0.25, 0.6) * y  # most hands lean to the right
    angle = draw(-0.18, 0.18)
    x, y = numpy.cos(angle) * x - numpy.sin(angle) * y, numpy.sin(angle) * x + numpy.cos(angle) * y

    # As in MNIST: the box is scaled to 20 pixels, the center of mass moves to the middle.
    radius = numpy.clip(1.25 + 0.4 * rng.standard_normal((n, 1), dtype=numpy.float32), 0.7, 2.3)
    box = numpy.maximum(numpy.ptp(x, axis=1), numpy.ptp(y, axis=1))[:, None]
    scale = (20 - 2 * radius) * draw(0.84, 1.0) / box
    x, y = x * scale, y * scale
    from_x, to_x, from_y, to_y = x[:, ::2], x[:, 1::2], y[:, ::2], y[:, 1::2]
    length = numpy.hypot(to_x - from_x, to_y - from_y)
    middle_x, middle_y = (
        ((start + end) / 2 * length).sum(axis=1, keepdims=True) / length.sum(axis=1, keepdims=True)
        for start, end in ((from_x, to_x), (from_y, to_y))
    )
    move_x, move_y = 13.5 - middle_x + draw(-1, 1), 13.5 - middle_y + draw(-1, 1)
    distance = _to_nearest(from_x + move_x, from_y + move_y, to_x + move_x, to_y + move_y)
    ink = numpy.clip((radius[:, :, None] + 0.5 - distance) / draw(0.9, 1.7)[:, :, None], 0, 1)
    return (ink * draw(0.85, 1.0)[:, :, None])[..., None]


def _to_nearest(
    from_x: numpy.ndarray, from_y: numpy.ndarray, to_x: numpy.ndarray, to_y: numpy.ndarray
) -> numpy.ndarray:
    """The distance of each pixel from the nearest of S pieces.  4 of (n, S) -> (n, 28, 28)"""
    pixel = numpy.arange(28, dtype=numpy.float32)
    nearest = numpy.full((len(from_x), 28, 28), 1e6, numpy.float32)
    for piece in range(from_x.shape[1]):
        along_x, along_y = (to - start for to, start in ((to_x, from_x), (to_y, from_y)))
        along_x, along_y = along_x[:, piece, None], along_y[:, piece, None]  # (n, 1)
        x, y = pixel - from_x[:, piece, None], pixel - from_y[:, piece, None]  # (n, 28)
        length = along_x**2 + along_y**2 + 1e-6
        part = (x * along_x / length)[:, None, :] + (y * along_y / length)[:, :, None]
        numpy.clip(part, 0, 1, out=part)
        # |place - part * along|^2, expanded: fewer passes over the pixels
        square = part * length[:, :, None]
        square -= 2 * ((x * along_x)[:, None, :] + (y * along_y)[:, :, None])
        square *= part
        square += (x**2)[:, None, :] + (y**2)[:, :, None]
        numpy.minimum(nearest, square, out=nearest)
    return numpy.sqrt(numpy.maximum(nearest, 0))


@functools.cache
def _forms() -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """The points of every form, its curves, and each digit's first form and number of forms.

    -> (forms, P, 2), (forms, 2 * SEGMENTS, P), (10,), (10,)

    The ends of the pieces are weighted sums of the points: curves @ points for any points.
    """
    every = [strokes for digit in range(10) for strokes in FORMS[digit]]
    points = [list(dict.fromkeys(p for stroke in strokes for p in stroke)) for strokes in every]
    most = max(map(len, points))
    forms = numpy.zeros((len(every), most, 2), numpy.float32)
    curves = numpy.zeros((len(every), 2 * SEGMENTS, most), numpy.float32)
    for i, strokes in enumerate(every):
        forms[i, : len(points[i])] = points[i]
        paths = [_smooth([points[i].index(p) for p in stroke], most) for stroke in strokes]
        curves[i] = _in_pieces(paths, forms[i])
    number = numpy.array([len(FORMS[digit]) for digit in range(10)])
    return forms, curves, numpy.cumsum(number) - number, number


def _smooth(stroke: list[int], most: int) -> numpy.ndarray:
    """The weights of the points along a Catmull-Rom curve through them.  -> (places, P)"""
    unit = numpy.eye(most)
    closed = stroke[0] == stroke[-1]
    before, after = (stroke[-2], stroke[1]) if closed else (stroke[0], stroke[-1])
    chain = unit[[before, *stroke, after]]
    t = numpy.arange(CURVE)[:, None] / CURVE
    path = []
    for a, b, c, d in zip(chain, chain[1:], chain[2:], chain[3:], strict=False):
        slope_b, slope_c = (c - a) / 2, (d - b) / 2
        path.append(
            (1 + 2 * t) * (1 - t) ** 2 * b
            + t * (1 - t) ** 2 * slope_b
            + t**2 * (3 - 2 * t) * c
            + t**2 * (t - 1) * slope_c
        )
    return numpy.concatenate([*path, unit[stroke[-1:]]])


def _in_pieces(paths: list[numpy.ndarray], points: numpy.ndarray) -> numpy.ndarray:
    """Start and end of SEGMENTS pieces, divided among the strokes by their lengths."""
    lengths = numpy.array(
        [numpy.hypot(*numpy.diff(path @ points, axis=0).T).sum() for path in paths]
    )
    pieces = numpy.maximum(1, numpy.floor(lengths / lengths.sum() * SEGMENTS)).astype(int)
    while pieces.sum() < SEGMENTS:
        pieces[numpy.argmax(lengths / pieces)] += 1
    while pieces.sum() > SEGMENTS:
        pieces[numpy.argmax(pieces)] -= 1
    ends = []
    for path, many in zip(paths, pieces, strict=True):
        places = path[numpy.linspace(0, len(path) - 1, many + 1).round().astype(int)]
        ends += [end for pair in itertools.pairwise(places) for end in pair]
    return numpy.array(ends)
