"""What a notebook shows: arrays as pictures, and tables, in HTML that needs no other file."""

from __future__ import annotations

import base64
import html
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy

SIDES = range(8, 1025)  # pixels of a picture; a smaller array is read as numbers
MOST = 8  # pictures of a batch
SHOWN = 112  # pixels on the screen of the longer side, roughly; larger pictures keep their size


def picture_html(array: Any) -> str | None:
    """The picture as <img>, or those of a batch side by side; None for what is no picture.

    A picture is (H, W), (H, W, 1) or (H, W, 3) with sides from 8 to 1024, of uint8 or of floats in
    [0, 1].  Of a batch (N, H, W, 1) or (N, H, W, 3) the first 8 are shown.  Small ones are enlarged
    by whole factors, each pixel a square.
    """
    if not isinstance(array, numpy.ndarray) or not array.size:
        return None
    pictures = array if array.ndim == 4 else array[None]
    if pictures.ndim == 3:
        pictures = pictures[..., None]
    if pictures.ndim != 4 or pictures.shape[3] not in (1, 3):
        return None
    H, W = pictures.shape[1:3]
    if H not in SIDES or W not in SIDES:
        return None
    if array.dtype.kind == "f":
        if not (pictures.min() >= 0 and pictures.max() <= 1):  # NaN too
            return None
    elif array.dtype != numpy.uint8:
        return None
    return "\n".join(_image(picture) for picture in pictures[:MOST])


def table_html(title: str, header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """A small table with its title above; the first column stands left, the others right."""

    def line(cells: Sequence[Any], kind: str) -> str:
        sides = ["left", *["right"] * (len(cells) - 1)]
        return "".join(
            f'<{kind} style="text-align: {side}">{html.escape(str(cell))}</{kind}>'
            for side, cell in zip(sides, cells, strict=True)
        )

    lines = "\n".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return (
        f"<table>\n<caption>{html.escape(title)}</caption>\n<thead><tr>{line(header, 'th')}</tr>"
        f"</thead>\n<tbody>\n{lines}\n</tbody>\n</table>"
    )


def _image(picture: numpy.ndarray) -> str:
    """One picture (H, W, 1) or (H, W, 3) as an <img> that holds it."""
    if picture.dtype != numpy.uint8:
        picture = (picture * 255).round().astype(numpy.uint8)
    H, W, _ = picture.shape
    factor = max(1, round(SHOWN / max(H, W)))
    data = base64.b64encode(png(picture)).decode()
    return (
        f'<img alt="picture, {H} x {W} pixels" width="{W * factor}" height="{H * factor}" '
        'style="display: inline-block; margin: 2px; image-rendering: pixelated" '
        f'src="data:image/png;base64,{data}">'
    )


def png(picture: numpy.ndarray) -> bytes:
    """A picture (H, W, 1) or (H, W, 3) of uint8 as a PNG file.

    Source: Portable Network Graphics Specification, W3C, 2003.
    """
    H, W, C = picture.shape
    lines = numpy.zeros((H, 1 + W * C), numpy.uint8)  # each begins with 0: not filtered
    lines[:, 1:] = picture.reshape(H, W * C)
    header = struct.pack(">IIBBBBB", W, H, 8, 0 if C == 1 else 2, 0, 0, 0)  # 8 bits; gray or RGB
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
