"""Small color pictures drawn by formulas: the lessons use them when the real CIFAR-10 is missing.

Any thing can have any color and any background, so that a network has to look at shapes: the
colors alone say next to nothing about the class.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy

from ...messages.arguments import generator, whole
from .shapes import Draw, Plane, box, coverage, draw_in_chunks, to_segment

COLOR_CLASSES = (
    "sun",
    "tree",
    "house",
    "car",
    "boat",
    "fish",
    "flower",
    "ball",
    "star",
    "cat",
)


def color_pictures(
    count: int, rng: numpy.random.Generator, size: int = 32
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Color pictures of ten kinds of things, in the format of CIFAR-10.

    -> pictures (count, size, size, 3), uint8, red, green and blue;
       labels (count,), int64, the place of the name in COLOR_CLASSES

    Formulas draw them, far simpler than photographs: accuracy here says nothing about CIFAR-10,
    which also has other classes.

    count: at least 0.  size: pixels a side, at least 16.
    """
    count = whole("color_pictures", "count", count, 0)
    size = whole("color_pictures", "size", size, 16)
    generator("color_pictures", rng)
    return draw_in_chunks(count, rng, (size, size, 3), functools.partial(_draw, size))


def _draw(size: int, labels: numpy.ndarray, rng: numpy.random.Generator) -> numpy.ndarray:
    pictures = numpy.empty((len(labels), size, size, 3), numpy.float32)
    for label, thing in enumerate(THINGS):
        chosen = numpy.flatnonzero(labels == label)
        scene = Scene(len(chosen), rng, size)
        thing(scene.x, scene.y, scene)
        pictures[chosen] = scene.canvas.transpose(0, 2, 3, 1)
    noise = rng.standard_normal(pictures.shape, dtype=numpy.float32)
    return pictures + 0.025 * noise


class Scene(Draw):
    """A background, and the place of each pixel in the coordinates of the thing to be painted.

    x, y: (n, size, size), to the right and down; the thing is about from -1 to 1.
    canvas: (n, 3, size, size), numbers from 0 to 1.
    """

    def __init__(self, n: int, rng: numpy.random.Generator, size: int):
        super().__init__(n, rng)
        side = numpy.linspace(-1, 1, size, dtype=numpy.float32)
        u, v = side[None, None, :], side[None, :, None]
        horizon = self.between(-0.2, 0.9)
        wave = 0.12 * numpy.sin(u * self.between(1, 6) + self.between(0, 6.28))
        sky, ground = self.color(), self.color()
        fade = (self.around(0, 0.1) * u + self.around(0, 0.15) * v)[:, None]
        self.canvas = sky + fade + numpy.zeros((n, 3, size, size), numpy.float32)
        self.edge: Any = 4 / size  # about two pixels
        self.paint(horizon + wave - v + self.where(0.7, 0, 9), ground + fade)  # 3 in 10: no ground

        angle, scale = self.around(0, 0.12), self.between(0.55, 0.9)
        self.edge = 3 / size / scale  # the same in the coordinates of the thing
        cos, sin = numpy.cos(angle) / scale, numpy.sin(angle) / scale
        u, v = u - self.around(0, 0.14), v - self.around(0, 0.14)
        self.x = (cos * u + sin * v) * self.where(0.5, 1, -1)  # half of them are mirrored
        self.y = cos * v - sin * u

    def color(self, low: float = 0.25, high: float = 1.0) -> numpy.ndarray:
        """A color of any hue, with brightness from low to high.  -> (n, 3, 1, 1)"""
        hue = 6 * self.rng.random((self.n, 1, 1, 1), dtype=numpy.float32)
        part = numpy.array([0, 4, 2], numpy.float32).reshape(3, 1, 1)
        pure = numpy.clip(numpy.abs((hue + part) % 6 - 3) - 1, 0, 1)
        return self.between(low, high)[..., None] * (
            1 + self.between(0.1, 0.9)[..., None] * (pure - 1)
        )

    def where(self, probability: float, this: Any, that: Any) -> Any:
        return numpy.where(self.chance(probability) == 1, this, that).astype(numpy.float32)

    def paint(self, distance: Plane, color: Any) -> None:
        """Cover the inside of a shape with a color."""
        cover = coverage(distance, self.edge)[:, None]
        self.canvas += cover * (color - self.canvas)


# -- shapes and things -----------------------------------------------------------------------------


def _disc(x: Plane, y: Plane, radius: Any) -> Plane:
    return numpy.hypot(x, y) - radius


def _ellipse(x: Plane, y: Plane, half_width: Any, half_height: Any) -> Plane:
    return (numpy.hypot(x / half_width, y / half_height) - 1) * numpy.minimum(
        half_width, half_height
    )


def _triangle(x: Plane, y: Plane, half_width: Any, height: Any) -> Plane:
    """The triangle that stands on y = 0, with its top at (0, -height)."""
    return numpy.maximum(y, numpy.abs(x) - half_width * (1 + y / height))


def _sun(x: Plane, y: Plane, scene: Scene) -> None:
    color = scene.color(0.7)
    angle = numpy.arctan2(y, x)
    rays = numpy.rint(scene.between(7.5, 12.5))
    beam = (numpy.cos(rays * angle) - scene.between(0.2, 0.6)) * 0.12
    scene.paint(numpy.maximum(_disc(x, y, scene.between(0.8, 1.0)), -beam), color)
    inner = _disc(x, y, scene.between(0.42, 0.55))
    scene.paint(inner - 0.08, scene.canvas[:, :, :1, :1].copy())  # a ring of sky
    scene.paint(inner, color)


def _tree(x: Plane, y: Plane, scene: Scene) -> None:
    trunk = box(x, y - 0.6, scene.between(0.08, 0.16), 0.4)
    scene.paint(trunk, scene.color(0.2, 0.6))
    leaves, width = scene.color(), scene.between(0.45, 0.7)
    round_crown = numpy.minimum(
        _disc(numpy.abs(x) - 0.3, y + 0.1, width * 0.72), _disc(x, y + 0.5, width * 0.8)
    )
    fir = numpy.minimum(
        _triangle(x, y - 0.4, width, 0.9), _triangle(x, y + 0.15, width * 0.8, 0.85)
    )
    scene.paint(scene.where(0.5, 1, 0) * (round_crown - fir) + fir, leaves)


def _house(x: Plane, y: Plane, scene: Scene) -> None:
    wall, width = scene.color(), scene.between(0.6, 0.85)
    scene.paint(box(x, y - 0.4, width, 0.5), wall)
    scene.paint(_triangle(x, y + 0.08, width + 0.15, scene.between(0.5, 0.85)), scene.color())
    dark = scene.color(0.1, 0.4)
    scene.paint(box(x + width * 0.5, y - 0.6, 0.15, 0.3), dark)
    scene.paint(box(x - width * 0.4, y - 0.35, 0.2, 0.17), scene.color(0.8))


def _car(x: Plane, y: Plane, scene: Scene) -> None:
    color, dark = scene.color(), scene.color(0.05, 0.25)
    roof = scene.between(0.4, 0.6)
    cabin = numpy.maximum(
        numpy.abs(x + 0.1) - 0.35 - 0.5 * (y + roof), numpy.abs(y + roof / 2) - roof / 2
    )
    scene.paint(cabin, color)
    scene.paint(box(x, y - 0.2, 1.0, 0.26, 0.12), color)
    window = numpy.maximum(cabin + 0.12, 0.06 - numpy.abs(x + 0.1))
    scene.paint(window, scene.color(0.7))
    wheel = _disc(numpy.abs(x) - scene.between(0.5, 0.62), y - 0.48, scene.between(0.2, 0.28))
    scene.paint(wheel, dark)
    scene.paint(wheel + 0.15, scene.color(0.6))


def _boat(x: Plane, y: Plane, scene: Scene) -> None:
    sail = scene.color(0.6)
    height = scene.between(0.9, 1.2)
    scene.paint(box(x, y + 0.3, 0.05, height - 0.25), scene.color(0.1, 0.5))
    for side, part in ((1, scene.between(0.6, 0.9)), (-1, scene.between(0.25, 0.6))):
        away = numpy.maximum(0.08 - side * x, side * x - part * (1 + (y - 0.25) / height))
        scene.paint(numpy.maximum(away, y - 0.25), sail)
    hull = numpy.maximum(numpy.abs(x) - 1.0 + 0.9 * (y - 0.35), numpy.abs(y - 0.6) - 0.25)
    scene.paint(hull, scene.color())
    sea = y - 0.78 - 0.05 * numpy.sin(x * scene.between(6, 10))
    scene.paint(-sea, scene.color(0.3, 0.8))


def _fish(x: Plane, y: Plane, scene: Scene) -> None:
    color = scene.color()
    height = scene.between(0.35, 0.6)
    body = _ellipse(x + 0.15, y, 0.75, height)
    tail = numpy.maximum(numpy.abs(y) - 0.15 - 0.7 * (x - 0.5), numpy.maximum(x - 0.95, 0.45 - x))
    fin = numpy.maximum(_triangle(x, y + 0.25, 0.35, 0.5), y + 0.2)
    scene.paint(numpy.minimum(tail, fin), color * scene.between(0.5, 0.9)[..., None])
    scene.paint(body, color)
    bands = numpy.sin(x * scene.between(7, 11)) * 0.15 + scene.where(0.5, 0, 1)
    scene.paint(numpy.maximum(body + 0.04, numpy.maximum(bands, -x - 0.45)), scene.color())
    scene.paint(_disc(x + 0.58, y + 0.1, 0.13), 0.95)
    scene.paint(_disc(x + 0.6, y + 0.1, 0.07), 0.05)


def _flower(x: Plane, y: Plane, scene: Scene) -> None:
    green = scene.color(0.3, 0.8)
    scene.paint(to_segment(x, y, (0, 0), (scene.around(0, 0.1), 1.2)) - 0.06, green)
    scene.paint(_ellipse(x - 0.25, y - 0.75 + 0.5 * x, 0.28, 0.11), green)
    y = y + 0.3
    petals = numpy.rint(scene.between(4.6, 8.4))
    angle = numpy.arctan2(y, x) + scene.between(0, 6.28)
    reach = 0.48 + 0.17 * numpy.cos(petals * angle)
    scene.paint(numpy.hypot(x, y) - reach, scene.color(0.5))
    scene.paint(_disc(x, y, scene.between(0.17, 0.26)), scene.color())


def _ball(x: Plane, y: Plane, scene: Scene) -> None:
    radius = scene.between(0.6, 0.9)
    disc = _disc(x, y, radius)
    scene.paint(disc, scene.color())
    turn = scene.between(0, 6.28)
    u = numpy.cos(turn) * x + numpy.sin(turn) * y
    v = numpy.cos(turn) * y - numpy.sin(turn) * x
    band = numpy.abs(u) - radius * scene.between(0.15, 0.4)
    wedge = numpy.sin(3 * numpy.arctan2(v, u + 0.15)) * 0.25
    pattern = numpy.where(scene.chance(0.5) == 1, band, wedge)
    scene.paint(numpy.maximum(disc, pattern), scene.color())
    light = numpy.clip(1 - numpy.hypot(x + 0.25, y + 0.3), 0, 1)
    shade = coverage(disc, scene.edge) * (0.5 * light - 0.25)
    scene.canvas += shade[:, None]


def _star(x: Plane, y: Plane, scene: Scene) -> None:
    fifth = 2 * numpy.pi / 5
    angle = numpy.arctan2(x, -y) + scene.around(0, 0.2)
    angle = numpy.abs((angle + fifth / 2) % fifth - fifth / 2)  # from the nearest point
    radius = numpy.hypot(x, y)
    # The distance of each place from the side between the point (1, 0) and the notch.
    notch = scene.between(0.38, 0.52)
    up, along = notch * numpy.sin(fifth / 2), 1 - notch * numpy.cos(fifth / 2)
    beyond = (radius * numpy.cos(angle) - 1) * up + radius * numpy.sin(angle) * along
    distance = beyond / numpy.hypot(up, along)
    scene.paint(distance - 0.06, scene.color(0.1, 0.9))
    scene.paint(distance + 0.06, scene.color(0.4))


def _cat(x: Plane, y: Plane, scene: Scene) -> None:
    fur = scene.color()
    wide = scene.between(0.65, 0.85)
    side = numpy.abs(x)
    tall = scene.between(0.7, 0.95)
    ears = _triangle(side - wide * 0.62, y + 0.2, 0.34, tall)
    scene.paint(ears, fur * 0.8)
    scene.paint(ears + 0.13, scene.color(0.5))
    scene.paint(_ellipse(x, y - 0.15, wide, 0.65), fur)
    scene.paint(_ellipse(side - 0.3, y, 0.17, 0.14), scene.color(0.75))
    scene.paint(_ellipse(side - 0.3, y, 0.06, 0.14), 0.05)
    scene.paint(_triangle(x, -(y - 0.25), 0.12, 0.16), scene.color(0.1, 0.5))
    whiskers = numpy.minimum(
        to_segment(side, y, (0.2, 0.42), (0.85, 0.32)),
        to_segment(side, y, (0.2, 0.5), (0.85, 0.55)),
    )
    scene.paint(whiskers - 0.015, scene.where(0.5, 0.05, 0.95)[..., None])


THINGS = (_sun, _tree, _house, _car, _boat, _fish, _flower, _ball, _star, _cat)  # COLOR_CLASSES
