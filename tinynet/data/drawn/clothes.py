"""Clothes drawn by formulas: the lessons use them when the real Fashion-MNIST is missing.

The ten classes and their order are those of Fashion-MNIST, and so is the difficulty: a shirt, a
T-shirt, a pullover and a coat differ in sleeves, collar and buttons, which may be hard to see.
"""

from __future__ import annotations

from typing import Any

import numpy

from ...messages.arguments import generator, whole
from .shapes import Draw, Plane, box, coverage, draw_in_chunks, to_segment

CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

# Every pixel's place, x to the right and y down, from -1 to 1; (1, 1, 28) and (1, 28, 1).
SIDE = numpy.linspace(-1, 1, 28, dtype=numpy.float32)
EDGE = 0.09  # softness of an outline: a little more than a pixel


def clothes(count: int, rng: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Pictures of clothes in ten classes, in the format of Fashion-MNIST: light on black.

    -> pictures (count, 28, 28, 1), uint8; labels (count,), int64, the place of the name in CLOTHES

    Formulas draw them, so accuracy here says nothing about photographs of clothes.  Shirts,
    T-shirts, pullovers and coats look alike, as in Fashion-MNIST.

    count: at least 0.
    """
    count = whole("clothes", "count", count, 0)
    return draw_in_chunks(count, generator("clothes", rng), (28, 28, 1), _draw)


def _draw(labels: numpy.ndarray, rng: numpy.random.Generator) -> numpy.ndarray:
    pictures = numpy.zeros((len(labels), 28, 28), numpy.float32)
    for label, garment in enumerate(GARMENTS):
        chosen = numpy.flatnonzero(labels == label)
        draw = Draw(len(chosen), rng)
        x = (SIDE[None, None, :] - draw.around(0, 0.05)) / draw.between(0.86, 1.06)
        y = (SIDE[None, :, None] - draw.around(0, 0.03)) / draw.between(0.88, 1.03)
        lean = draw.around(0, 0.03)
        x, y = x + lean * y, y - lean * x
        shape, light = garment(x, y, draw)
        pictures[chosen] = shape * _cloth(x, y, draw) * light
    return pictures[..., None]


def _cloth(x: Plane, y: Plane, draw: Draw) -> Plane:
    """The gray of the cloth: plain or striped across or along, with folds and a little noise."""
    gray = draw.between(0.25, 0.95)
    stripes = numpy.where(draw.chance(0.5) == 1, x, y)
    wave = numpy.sin(stripes * draw.between(8, 22) + draw.between(0, 6.28))
    striped = draw.chance(0.25) * draw.between(0.1, 0.35)
    fold = numpy.sin(draw.between(-4, 4) * x + draw.between(-4, 4) * y + draw.between(0, 6.28))
    noise = draw.rng.standard_normal((draw.n, 28, 28), dtype=numpy.float32)
    return gray * (1 + striped * wave + draw.between(0.02, 0.14) * fold) + 0.03 * noise


def _inked(shape: Plane) -> Plane:
    return coverage(shape, EDGE)


def _line(distance: Plane, width: float = 0.04) -> Plane:
    """1 on a thin line, 0 away from it."""
    return coverage(numpy.abs(distance) - width, EDGE)


def _between_knots(place: Plane, knots: list[float], values: list[Any]) -> Plane:
    """A value at each place along x or y: linear between the knots, constant beyond the ends."""
    result = values[0] + 0 * place
    for left, right, here, there in zip(knots, knots[1:], values, values[1:], strict=False):
        result = result + numpy.clip((place - left) / (right - left), 0, 1) * (there - here)
    return result


# -- for the upper body: a trunk, two sleeves, and an opening for the neck -------------------------


def _upper(
    x: Plane, y: Plane, draw: Draw, long: Plane, hem: float, slim: float, neck: Plane
) -> tuple[Plane, Plane]:
    """long: 1 for long sleeves, 0 for short ones.  hem: end of the trunk.  neck: its depth."""
    shoulder = slim * draw.between(0.4, 0.5)
    waist = shoulder * draw.between(0.8, 0.98)
    half = _between_knots(
        y, [-0.86, -0.66, 0.0, 0.9], [0.26, shoulder, waist, shoulder * draw.between(0.85, 1.1)]
    )
    trunk = numpy.maximum(numpy.abs(x) - half, numpy.maximum(y - draw.around(hem, 0.04), -0.86 - y))
    out = shoulder + numpy.where(long == 1, draw.between(0.12, 0.36), draw.between(0.2, 0.34))
    down = numpy.where(long == 1, draw.between(0.4, 0.75), draw.between(-0.42, -0.15))
    thick = draw.between(0.13, 0.17) - 0.045 * long * numpy.clip(y + 0.6, 0, 1)
    arm = to_segment(numpy.abs(x), y, (shoulder - 0.13, -0.6), (out - 0.08, down)) - thick
    arm = numpy.maximum(arm, y - down)  # cut off at the wrist
    opening = numpy.hypot(x / draw.between(0.14, 0.2), (y + 0.9) / neck) - 1
    shape = numpy.maximum(numpy.minimum(trunk, arm), -0.15 * opening)
    seam = _line(trunk) * coverage(arm + 0.05, EDGE) * (y > -0.55)
    rounded = 1 - 0.25 * numpy.clip(1 + shape / 0.15, 0, 1)  # darker towards the outline
    return _inked(shape), rounded * (1 - draw.between(0.15, 0.5) * seam)


def _shirt_front(x: Plane, y: Plane, draw: Draw, contrast: Plane) -> Plane:
    """A row of buttons below a collar, as strong as the contrast."""
    buttons = _line(x, 0.02) * (numpy.sin(y * draw.between(14, 20)) > 0)
    side = numpy.abs(x)
    collar = coverage(to_segment(side, y, (0.18, -0.86), (0.08, -0.62)) - 0.05, EDGE)
    return 1 - contrast * buttons + 1.2 * contrast * collar


def _t_shirt(x: Plane, y: Plane, draw: Draw) -> tuple[Plane, Plane]:
    shape, light = _upper(x, y, draw, draw.chance(0.1), 0.85, 1.0, draw.between(0.1, 0.32))
    patch = coverage(box(x, y + 0.15, draw.between(0.12, 0.28), draw.between(0.08, 0.22)), EDGE)
    return shape, light * (1 + draw.chance(0.4) * draw.between(-0.6, 0.5) * patch)


def _pullover(x: Plane, y: Plane, draw: Draw) -> tuple[Plane, Plane]:
    shape, light = _upper(x, y, draw, draw.chance(0.97), 0.8, 1.05, draw.between(0.08, 0.2))
    hem = _line(y - draw.between(0.62, 0.74), 0.03)
    return shape, light * (1 - draw.between(0.05, 0.35) * hem)


def _coat(x: Plane, y: Plane, draw: Draw) -> tuple[Plane, Plane]:
    shape, light = _upper(x, y, draw, draw.chance(0.98), 0.93, 1.05, draw.between(0.08, 0.25))
    front = _line(x, 0.025) * draw.between(0.08, 0.7)
    lapel = _line(to_segment(numpy.abs(x), y, (0.2, -0.85), (0.02, draw.between(-0.45, -0.1))))
    pocket = _line(box(numpy.abs(x) - 0.24, y - 0.3, 0.1, 0.02), 0.03) * draw.chance(0.6)
    dark = numpy.maximum(front, draw.between(0.0, 0.5) * numpy.maximum(lapel, pocket))
    return shape, light * (1 - dark)


def _shirt(x: Plane, y: Plane, draw: Draw) -> tuple[Plane, Plane]:
    shape, light = _upper(x, y, draw, draw.chance(0.65), 0.86, 1.0, draw.between(0.08, 0.25))
    return shape, light * _shirt_front(x, y, draw, draw.between(0.04, 0.5))


def _dress(x: Plane, y: Plane, draw: Draw) -> tuple[Plane, Plane]:
    shoulder, waist = draw.between(0.2, 0.32), draw.between(0.16, 0.26)
    half = _between_knots(
        y, [-0.9, -0.75, -0.2, 0.95], [0.16, shoulder, waist, waist + draw.between(0.02, 0.28)]
    )
    trunk = numpy.maximum(numpy.abs(x) - half, numpy.abs(y - 0.02) - draw.around(0.94, 0.02))
    down = draw.between(-0.6, 0.2)
    arm = to_segment(numpy.abs(x), y, (shoulder - 0.08, -0.68), (shoulder + 0.1, down))
    sleeved = numpy.where(draw.chance(0.5) == 1, arm - draw.between(0.06, 0.1), 1)
    neck = numpy.hypot(x / draw.between(0.1, 0.16), (y + 0.95) / draw.between(0.15, 0.4)) - 1
    shape = numpy.maximum(numpy.minimum(trunk, sleeved), -0.15 * neck)
    belt = _line(y + 0.2) * draw.between(-0.4, 0.4)
    folds = numpy.sin(x * draw.between(15, 30)) * (y > -0.2) * draw.between(0, 0.2)
    return _inked(shape), 1 - belt + folds


# -- everything else -------------------------------------------------------------------------------


def _trousers(x: Plane, y: Plane, draw: Draw) -> tuple[Plane, Plane]:
    hip, hem = draw.between(0.3, 0.4), draw.between(0.22, 0.42)
    half = _between_knots(y, [-0.95, -0.45, 0.9], [hip * draw.between(0.8, 0.95), hip, hem])
    legs = numpy.maximum(numpy.abs(x) - half, numpy.abs(y) - draw.around(0.94, 0.03))
    crotch = draw.between(-0.5, -0.2)
    gap = numpy.abs(x) - numpy.clip(y - crotch, 0, None) * draw.between(0.08, 0.22)
    fly = _line(x, 0.02) * (y < crotch) * draw.between(0, 0.5)
    crease = _line(numpy.abs(x) - half / 2, 0.02) * draw.between(-0.3, 0.3)
    return _inked(numpy.maximum(legs, -gap - 0.05)), 1 - fly - crease


def _bag(x: Plane, y: Plane, draw: Draw) -> tuple[Plane, Plane]:
    width, height = draw.between(0.55, 0.88), draw.between(0.35, 0.6)
    middle = 0.9 - height
    wider = width * (1 + draw.between(-0.15, 0.2) * (y - middle))
    sack = box(x, y - middle, wider, height, 0.12)
    grip, rise = width * draw.between(0.4, 0.8), draw.between(0.3, 0.65)
    ring = numpy.hypot(x / grip, (y - middle + height) / rise) - 1
    handle = numpy.where(draw.chance(0.8) == 1, numpy.abs(ring) * 0.4 - draw.between(0.03, 0.06), 1)
    flap = _line(y - middle + height * draw.between(-0.2, 0.6), 0.03) * draw.between(0, 0.6)
    clasp = coverage(box(x, y - middle + 0.05, 0.09, 0.06), EDGE) * draw.between(-0.5, 0.5)
    edge = 1 - 0.3 * _line(sack + 0.06)
    shape = numpy.minimum(sack, numpy.maximum(handle, y - middle))
    return _inked(shape), edge * (1 - flap + clasp)


def _sneaker(x: Plane, y: Plane, draw: Draw) -> tuple[Plane, Plane]:
    floor, opening = draw.between(0.36, 0.5), draw.between(-0.42, -0.2)
    bridge = draw.between(-0.16, -0.02)
    top = _between_knots(
        x,
        [-0.95, -0.8, -0.5, -0.1, 0.2, 0.5, 0.9],
        [floor - 0.1, floor - 0.36, floor - 0.42, bridge, opening, opening + 0.1, opening],
    )
    shoe = numpy.maximum(numpy.abs(x) - 0.93, numpy.maximum(y - floor, top - y))
    sole = coverage(floor - 0.13 - y, EDGE) * draw.between(-0.5, 0.7)
    slanted = x + 0.6 * y - draw.between(0.1, 0.4)
    mark = _line(slanted, 0.05) * (y > opening + 0.15) * draw.between(-0.6, 0.6)
    laces = _line(y - top - 0.07, 0.03) * (numpy.sin(x * 25) > 0) * (numpy.abs(x) < 0.3)
    return _inked(shoe), 1 + sole + mark - draw.between(0.2, 0.7) * laces


def _boot(x: Plane, y: Plane, draw: Draw) -> tuple[Plane, Plane]:
    top, floor = draw.between(-0.9, -0.65), draw.between(0.55, 0.75)
    toe, instep = draw.between(-0.95, -0.75), draw.between(0.0, 0.2)
    outline = _between_knots(
        x,
        [-0.95, -0.6, -0.12, 0.1, 0.8],
        [floor - 0.25, floor - 0.42, instep, top + 0.05, top],
    )
    heel = draw.between(0.0, 0.28)
    under = _between_knots(
        x, [-0.4, 0.0, 0.3, 0.36], [floor, floor - 0.6 * heel, floor - heel, floor]
    )
    back = draw.between(0.65, 0.85)
    boot = numpy.maximum(numpy.maximum(toe - x, x - back), numpy.maximum(y - under, outline - y))
    sole = coverage(under - 0.1 - y, EDGE) * draw.between(-0.6, 0.3)
    zip_line = _line(x - draw.between(0.3, 0.6), 0.02) * (y < 0.3) * draw.between(0, 0.6)
    cuff = _line(y - outline - 0.12, 0.03) * (x > 0) * draw.between(-0.3, 0.5)
    return _inked(boot), 1 + sole - zip_line - cuff


def _sandal(x: Plane, y: Plane, draw: Draw) -> tuple[Plane, Plane]:
    floor, heel = draw.between(0.3, 0.55), draw.between(0.02, 0.6)
    ball, back = (draw.between(-0.25, 0.05), floor - 0.04), (0.78, floor - heel)
    thick = draw.between(0.04, 0.1)
    sole = numpy.minimum(
        to_segment(x, y, (-0.85, floor - 0.04), ball), to_segment(x, y, ball, back)
    )
    post = to_segment(x, y, back, (draw.between(0.72, 0.84), floor)) - 0.05
    shape = numpy.minimum(sole - thick, post)
    for where, often in ((-0.6, 0.9), (-0.3, 0.6), (0.05, 0.5), (0.62, 0.8)):
        left = draw.around(where, 0.05)
        level = floor - heel * numpy.clip((left + 0.1) / 0.9, 0, 1)
        ring = numpy.hypot(
            (x - left) / draw.between(0.18, 0.3), (y - level) / draw.between(0.3, 0.6)
        )
        strap = numpy.maximum(numpy.abs(ring - 1) * 0.25 - draw.between(0.04, 0.07), y - level)
        shape = numpy.minimum(shape, numpy.where(draw.chance(often) == 1, strap, 1))
    return _inked(shape), 1 - 0.4 * coverage(sole - 0.03, EDGE) * draw.between(-1, 1)


GARMENTS = (  # in the order of CLOTHES
    _t_shirt,
    _trousers,
    _pullover,
    _dress,
    _coat,
    _sandal,
    _shirt,
    _sneaker,
    _bag,
    _boot,
)
