"""Cartoon faces with given attributes, painted from back to front.

Every shape is a signed distance in coordinates from -1 to 1, x to the right and y down.  `u` and
`v` are the coordinates of the tilted head; `f` is u moved by the turn, for eyes, nose and mouth.
"""

from __future__ import annotations

from typing import Any

import numpy

from .shapes import Plane, box, coverage, ellipse, smooth_minimum, to_segment

Numbers = dict[str, numpy.ndarray]  # attributes, (n, 1, 1)

STYLES = ("short", "fringe", "long", "curly", "bun", "spiky")

SKIN = ("fbdcc4", "f0c19c", "d99a6c", "a86b43", "6b3f28")
HAIR = ("231c22", "4a2c22", "7d4427", "b8622b", "e0ac5a", "d9d2c8")
EYES = ("5a3420", "80642c", "4f8a52", "3d7fc0")
SHIRT = ("e4572e", "f2b134", "4fa06d", "2e86ab", "6c4fa0", "c94f7c", "e4572e")
BACKGROUND = ("f6b8a6", "f8dfa4", "c2e3c0", "aedcee", "c9c3ee")
LIPS, INSIDE, TONGUE = "b5483f", "5a1a22", "e0727a"
FRAME, LASH, BLUSH = "2f2a36", "2a1f24", "f0625c"


def portrait(face: Numbers, style: int, size: int) -> numpy.ndarray:
    """Faces with one hair style.  -> (n, 3, size, size), about 0 to 1"""
    return Portrait(face, size).painted(STYLES[style])


def _rgb(code: str) -> numpy.ndarray:
    """A color, given as on web pages.  -> (3,), from 0 to 1"""
    return numpy.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], numpy.float32) / 255


def _along(codes: tuple[str, ...], place: numpy.ndarray) -> numpy.ndarray:
    """The color at a place from 0 to 1 along a row of colors.  (n, 1, 1) -> (n, 3, 1, 1)"""
    colors = numpy.stack([_rgb(code) for code in codes])
    position = place.reshape(-1) * (len(codes) - 1)
    left = numpy.minimum(position.astype(int), len(codes) - 2)
    part = (position - left)[:, None]
    mixed = colors[left] * (1 - part) + colors[left + 1] * part
    return mixed.astype(numpy.float32)[:, :, None, None]


def _zigzag(place: Plane) -> Plane:
    """From -1 to 1 and back in straight lines, with period 1."""
    return 4 * numpy.abs(place - numpy.floor(place + 0.5)) - 1


class Portrait:
    """The coordinates of the pixels, the colors, and the canvas."""

    def __init__(self, face: Numbers, size: int):
        self.face = face
        side = (numpy.arange(size, dtype=numpy.float32) + 0.5) * (2 / size) - 1
        self.x, self.y = side[None, None, :], side[None, :, None]
        self.edge = 3 / size  # one and a half pixels
        angle = 0.14 * face["tilt"]
        across, down = self.x, self.y - 0.7  # about the neck
        cos, sin = numpy.cos(angle), numpy.sin(angle)
        scale = 1 / 1.04
        self.u = (cos * across + sin * down) * scale
        self.v = (cos * down - sin * across) * scale + 0.66
        self.f = self.u - 0.075 * face["turn"]
        self.wide = 0.93 + 0.14 * face["face_width"]
        self.skin = _along(SKIN, face["skin"])
        self.shade = self.skin * _rgb("c98d80")[:, None, None] ** 0.8
        self.hair = _along(HAIR, face["hair_color"])
        self.head = smooth_minimum(
            ellipse(self.u, self.v + 0.12, 0.50 * self.wide, 0.50),
            ellipse(self.u - 0.02 * face["turn"], self.v - 0.13, 0.42 * self.wide, 0.45),
            0.12,
        )
        n = len(face["smile"])
        self.canvas = numpy.empty((n, 3, size, size), numpy.float32)

    def paint(self, distance: Plane, color: Any, strength: Any = 1.0) -> None:
        """Cover the inside of a shape with a color."""
        self.glaze(coverage(distance, self.edge) * strength, color)

    def glaze(self, cover: Plane, color: Any) -> None:
        """Cover with a color: `cover` of each pixel, from 0 to 1."""
        color = _rgb(color)[:, None, None] if isinstance(color, str) else color
        self.canvas += cover[:, None] * (color - self.canvas)

    def painted(self, style: str) -> numpy.ndarray:
        self._background()
        back, front = getattr(self, f"_{style}")()
        dark = self.hair * 0.72
        if back is not None:
            self.paint(back, dark)
        self._body()
        self._skull()
        self._cheeks_and_nose()
        self._eyes()
        self._mouth()
        self._front_hair(front)
        self._brows()
        self._glasses()
        return self.canvas

    # -- behind and below ---------------------------------------------------------------------

    def _background(self) -> None:
        color = _along(BACKGROUND, self.face["background"])
        light = 0.5 * numpy.exp(-1.2 * (self.x**2 + (self.y + 0.1) ** 2))
        self.canvas[...] = color + light[:, None] * (1 - color)

    def _body(self) -> None:
        shirt = _along(SHIRT, self.face["shirt"])
        x, y = self.x, self.y
        trunk = ellipse(x, y - 1.16, 0.74, 0.44) + 0 * self.u
        self.paint(trunk, shirt)
        self.glaze(coverage(trunk, self.edge) * numpy.clip(1 + trunk / 0.16, 0, 1) * 0.2, "20182a")
        collar = ellipse(x, y - 0.74, 0.25, 0.15) + 0 * self.u
        self.paint(numpy.maximum(collar - 0.035, trunk), shirt * 0.8)
        neck = numpy.minimum(box(x, y - 0.6, 0.15, 0.22, 0.05), collar) + 0 * self.u
        self.paint(neck, self.skin)
        shadow = numpy.maximum(neck, ellipse(self.u, self.v - 0.28, 0.36, 0.44))
        self.paint(shadow, self.shade, 0.75)

    def _skull(self) -> None:
        u, v = self.u, self.v
        ears = ellipse(
            numpy.abs(u + 0.03 * self.face["turn"]) - 0.49 * self.wide, v - 0.04, 0.08, 0.115
        )
        self.paint(ears, self.skin)
        self.paint(ears + 0.045, self.shade, 0.6)
        self.paint(self.head, self.skin)
        rim = numpy.clip(1 + self.head / 0.2, 0, 1) ** 2 * coverage(self.head, self.edge)
        self.glaze(0.45 * rim * numpy.clip(0.6 + 0.5 * v - 0.3 * u, 0, 1), self.shade)

    # -- the features -----------------------------------------------------------------------------

    def _cheeks_and_nose(self) -> None:
        f, v = self.f, self.v
        glow = numpy.exp(-(((numpy.abs(f) - 0.3) / 0.1) ** 2) - ((v - 0.24) / 0.07) ** 2)
        self.glaze(glow * self.face["cheeks"] * 0.6 * coverage(self.head, self.edge), BLUSH)
        large = 0.7 + 0.6 * self.face["nose"]
        down = v - 0.165
        tip = numpy.abs(ellipse(f - 0.02 * self.face["turn"], down, 0.058 * large, 0.042 * large))
        below = numpy.clip(down / 0.03, 0, 1)
        self.glaze(coverage(tip - 0.013, self.edge) * below, self.shade * 0.75)
        shine = numpy.exp(-((f / 0.035) ** 2) - ((v - 0.12) / 0.07) ** 2)
        self.glaze(0.28 * shine, "fff4e6")

    def _eyes(self) -> None:
        large = 0.84 + 0.32 * self.face["eye_size"]
        side = numpy.where(self.f < 0, -1, 1).astype(numpy.float32)
        a = self.f - 0.205 * side  # from the middle of the nearer eye
        b = self.v - 0.015
        ball = ellipse(a, b, 0.112 * large, 0.122 * large)
        white = coverage(ball, self.edge)
        self.glaze(white, "ffffff")
        self.glaze(white * numpy.clip(-b / (0.12 * large) - 0.45, 0, 1) * 0.5, "8a7f98")
        a = a - 0.038 * self.face["gaze"]
        far = numpy.sqrt(a * a + b * b) / large
        color = _along(EYES, self.face["eye_color"])
        self.glaze(coverage(far - 0.081, self.edge) * white, color * 0.55)
        self.glaze(coverage(far - 0.066, self.edge) * white, color)
        self.glaze(coverage(far - 0.041, self.edge) * white, "17121a")
        shine = numpy.hypot(a + 0.026 * large, b + 0.032 * large) - 0.023 * large
        second = numpy.hypot(a - 0.028 * large, b - 0.03 * large) - 0.012 * large
        self.paint(shine, "ffffff")
        self.paint(second, "ffffff", 0.7)
        upper = numpy.clip(-b / 0.05, 0, 1)
        self.glaze(coverage(numpy.abs(ball) - 0.012, self.edge) * (0.25 + 0.75 * upper), LASH)

    def _brows(self) -> None:
        side, v = numpy.abs(self.f), self.v + 0.185
        slant = 0.055 * self.face["brows"]
        arch = 1.6 * (side - 0.21) ** 2
        line = to_segment(side, v - arch, (0.115, slant), (0.305, -slant))
        thin = 0.028 - 0.05 * numpy.clip(side - 0.2, 0, 1)
        self.paint(line - thin, self.hair * 0.62, 0.95)

    def _mouth(self) -> None:
        """A parabola, whose ends rise with the smile, and below it a second one if it is open.

        upper(q) = -bend (q^2 - 1/2),   lower(q) = upper(q) + 2 half(q),   q from -1 to 1
        """
        smile = self.face["smile"]
        width, bend = 0.2 + 0.03 * smile, 0.172 * smile
        q = numpy.clip(self.f / width, -1, 1)
        half = 0.078 * self.face["mouth_open"] * (1 - q * q)
        middle = 0.34 - bend * (q * q - 0.5) + half
        steep = 1 / numpy.sqrt(
            1 + (2 * bend * q / width) ** 2
        )  # vertical distance * steep = distance
        beside = numpy.maximum(numpy.abs(self.f) - width, 0)
        across = (numpy.abs(self.v - middle) - half) * steep
        mouth = numpy.sqrt(beside**2 + numpy.maximum(across, 0) ** 2) + numpy.minimum(across, 0)
        lips = 0.6 * _rgb(LIPS)[:, None, None] + 0.25 * self.shade
        self.paint(mouth - 0.026, lips)
        inside = coverage(mouth + 0.012, self.edge) * numpy.clip(half / 0.02, 0, 1)
        self.glaze(inside, INSIDE)
        tongue = ellipse(self.f, self.v - middle - 0.8 * half, 0.6 * width, 0.05)
        self.glaze(inside * coverage(tongue, self.edge), TONGUE)
        teeth = self.v - middle + half - 0.032
        self.glaze(inside * coverage(teeth, self.edge), "fffdf6")

    def _glasses(self) -> None:
        side, v = numpy.abs(self.f), self.v - 0.02
        ring = box(side - 0.212, v, 0.165, 0.15, 0.11)
        bridge = to_segment(side, v, (0.0, -0.045), (0.06, -0.03)) - 0.014
        arm = to_segment(side, v, (0.375, -0.05), (0.5, -0.07)) - 0.014
        on = self.face["glasses"]
        self.paint(ring, "dff1ff", 0.1 * on)
        glint = numpy.abs(self.f - numpy.where(self.f < 0, -0.26, 0.16) + 0.6 * v) - 0.022
        self.paint(numpy.maximum(glint, ring + 0.02), "ffffff", 0.25 * on)
        frame = numpy.minimum(numpy.minimum(numpy.abs(ring) - 0.018, bridge), arm)
        self.paint(frame, FRAME, on)

    # -- hair: behind the head, and in front of it -------------------------------------------------

    def _front_hair(self, front: Plane) -> None:
        shadow = numpy.exp(-numpy.clip(front, 0, 1) / 0.03) * coverage(self.head, self.edge)
        self.glaze(0.3 * shadow, self.shade * 0.8)
        cover = coverage(front, self.edge)
        self.glaze(cover, self.hair)
        depth = numpy.clip(1 + front / 0.12, 0, 1)
        self.glaze(cover * depth * 0.28, self.hair * 0.45)
        ring = numpy.hypot(self.u + 0.02, self.v + 0.08) - 0.5
        strands = 0.88 + 0.12 * numpy.sin(55 * numpy.arctan2(self.u, -self.v - 0.05))
        light = numpy.exp(-((ring / 0.05) ** 2)) * strands * numpy.clip(-self.v - 0.1, 0, 0.4)
        self.glaze(cover * light * 0.75, 0.45 * self.hair + 0.55)

    def _cap(self, line: Plane, bottom: float, grown: float = 0.055, side: float = 0.45) -> Plane:
        """Hair on the head down to a line over the forehead, and beside it down to the bottom."""
        outer = ellipse(self.u, self.v + 0.13, 0.5 * self.wide + grown, 0.5 + 1.6 * grown)
        outer = numpy.minimum(outer, numpy.maximum(self.head - grown, -0.05 - self.v))
        within = numpy.clip(self.v + 0.15, 0, 1) - self.head - 0.035  # no gap at the temples
        beside = side * self.wide - numpy.abs(self.u)
        open_ = numpy.minimum(numpy.minimum(self.v - line, beside), within)
        return numpy.maximum(numpy.maximum(outer, open_), self.v - bottom)

    def _short(self) -> tuple[Plane | None, Plane]:
        swept = -0.36 + 0.2 * self.f + 0.9 * numpy.maximum(self.f + 0.24, 0) ** 2 * 0.5
        return None, self._cap(swept, 0.0)

    def _fringe(self) -> tuple[Plane | None, Plane]:
        back = box(self.u, self.v - 0.0, 0.6 * self.wide, 0.58, 0.4)
        line = -0.225 + 0.25 * self.f**2 + 0.012 * _zigzag(4.5 * self.f)
        return back, self._cap(line, 0.36, 0.075, 0.44)

    def _long(self) -> tuple[Plane | None, Plane]:
        back = box(self.u, self.v - 0.25, (0.6 + 0.06 * self.v) * self.wide, 0.85, 0.5)
        parted = -0.52 + 1.15 * numpy.abs(self.f - 0.04)
        return back, self._cap(parted, 0.5, 0.07, 0.43)

    def _curly(self) -> tuple[Plane | None, Plane]:
        angle = numpy.arctan2(self.u, -self.v - 0.13)
        curls = 0.035 * numpy.abs(numpy.cos(7.5 * angle))
        back = numpy.hypot(self.u / self.wide, self.v + 0.13) - 0.635 - curls
        line = -0.3 + 0.035 * numpy.abs(numpy.sin(11 * self.f)) + 0.2 * self.f**2
        return back, self._cap(line, 0.08, 0.09)

    def _bun(self) -> tuple[Plane | None, Plane]:
        back = numpy.hypot(self.u + 0.03 * self.face["turn"], self.v + 0.77) - 0.155
        return back, self._cap(-0.42 + 0.9 * self.f**2, 0.0, 0.04)

    def _spiky(self) -> tuple[Plane | None, Plane]:
        angle = numpy.arctan2(self.u, -self.v - 0.1)
        spikes = 0.075 * _zigzag(2.2 * angle + 0.5)
        crown = numpy.hypot(self.u / self.wide, self.v + 0.1) - 0.6 - spikes
        front = numpy.maximum(
            crown,
            numpy.minimum(
                self.v + 0.3 - 0.06 * _zigzag(4 * self.f), 0.45 * self.wide - numpy.abs(self.u)
            ),
        )
        return None, numpy.maximum(front, self.v + 0.02)
