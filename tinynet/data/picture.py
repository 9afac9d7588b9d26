"""One's own picture, from a file, in the form that the networks of the lessons take."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy

from ..messages.arguments import boolean, pair, shown

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
MOST = 80_000_000  # pixels: a small file can claim billions, and phones take 50 million


def picture(
    path: str | os.PathLike[str],
    size: int | tuple[int, int] | None = (28, 28),
    invert: bool | str = "auto",
    color: bool = False,
) -> numpy.ndarray:
    """Read a picture from a file, as a batch of one.  -> float32 (1, H, W, 1) in [0, 1]

        x = tn.data.picture("seven.png")  # a photograph of a 7 on paper
        tn.predict(model, x).argmax()

    path: of a .png, .jpg, .gif, .bmp, .tif or .webp file of at most 80 million pixels.
    size: (H, W), or one number for both.  The whole picture is fitted into it with its proportions
        kept, and stands in the middle.  What stays free has the background's shade: the median of
        the picture's border, its outermost pixels.  None keeps the picture's own size.
    invert: True gives 1 - x, False leaves the picture as it is.  The digits of MNIST are light on
        black, and a pen is dark on paper.  "auto" looks at the picture after it was fitted: where
        the background is above the middle between the darkest and the lightest pixel, it becomes 0
        (as does all that is lighter), the darkest pixel becomes 1, and what is between lies evenly
        between.  Other pictures, and those in color, stay as they are.
    color: whether to keep colors, (1, H, W, 3).

    Crop a photograph until the digit fills most of it: in MNIST it is 20 of 28 pixels high.  A
    phone's rotation is undone, what is transparent becomes white, and of several pictures in a file
    this is the first.

    FileNotFoundError where there is no such file.  ValueError for a file that is no picture, is
    damaged or too large, and for a wrong size or invert; TypeError for a wrong path or color.
    ImportError without Pillow, which reads the file.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"picture: path is {type(path).__name__}. Give the name of a file, for example "
            '"seven.png".'
        )
    try:
        room = None if size is None else pair(size, "size")
    except ValueError as error:
        raise ValueError(f"picture: {error} None keeps the picture's own.") from None
    if room and room[0] * room[1] > MOST:
        raise ValueError(f"picture: size {room} has more than {MOST:,} pixels. Give a smaller one.")
    if not (isinstance(invert, bool) or (isinstance(invert, str) and invert == "auto")):
        raise ValueError(
            f'picture: invert must be True, False or "auto", received {shown(invert)}.'
        )
    color = boolean("picture", "color", color)

    pixels, background = _fitted(_read(Path(path), color, room), room)
    if invert is True:
        pixels = 1 - pixels
    elif invert == "auto" and not color:
        darkest = pixels.min()
        if background > (darkest + pixels.max()) / 2:
            pixels = ((background - pixels) / (background - darkest)).clip(0, 1)
    return pixels[None]


def _read(file: Path, color: bool, room: tuple[int, int] | None) -> numpy.ndarray:
    """The pixels (H, W, 1) or (H, W, 3) in [0, 1]."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise ImportError(
            "picture: Pillow, which reads pictures, is not installed. Install it: pip install "
            "pillow"
        ) from None
    if not file.is_file():
        raise FileNotFoundError(
            f"picture: there is no file {file.name!r} in the folder {file.absolute().parent}. "
            "Check the name and folder."
        )
    with open(file, "rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of large pictures and odd headers
        try:
            Image.init()
            formats = [name for name in FORMATS if name in Image.OPEN]
            image: Any = Image.open(stream, formats=formats)
            if image.width * image.height > MOST:
                raise Image.DecompressionBombError
            image = ImageOps.exif_transpose(image)
            if room and image.mode in ("L", "RGB", "RGBA", "CMYK"):
                # far larger than needed: shrunk first, it takes a tenth of the memory
                image = image.reduce(max(1, min(image.size) // (8 * max(room))))
            if image.mode[0] in "IF":  # gray of 16 bits, or numbers
                pixels = numpy.asarray(image, numpy.float32) / (1 if image.mode == "F" else 65535)
            else:
                sheet = Image.new("RGBA", image.size, "white")
                sheet.alpha_composite(image.convert("RGBA"))
                pixels = numpy.asarray(sheet.convert("RGB" if color else "L"), numpy.float32) / 255
        except Image.DecompressionBombError:
            raise ValueError(
                f"picture: {file.name!r} has more than {MOST:,} pixels. Save it smaller."
            ) from None
        except Exception as error:  # a damaged file makes Pillow raise almost anything
            unknown = isinstance(error, UnidentifiedImageError)
            reason = "Pillow does not know its format" if unknown else error
            raise ValueError(
                f"picture: {file.name!r} cannot be read: {reason}. Save it anew as PNG or JPEG."
            ) from None
    if not (pixels.min() >= 0 and pixels.max() <= 1):  # NaN too
        raise ValueError(
            f"picture: {file.name!r} holds numbers outside the range of shades. Save it anew as "
            "PNG or JPEG."
        )
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    return pixels.repeat(3, axis=2) if color and pixels.shape[2] == 1 else pixels


def _fitted(
    pixels: numpy.ndarray, room: tuple[int, int] | None
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The picture in the middle of the room, in its own proportions; and its background (C,)."""
    from PIL import Image

    own = pixels.shape[:2]
    H, W = room or own
    scale = min(H / own[0], W / own[1])
    high, wide = (max(1, round(scale * side)) for side in own)
    fitted = numpy.empty((high, wide, pixels.shape[2]), numpy.float32)
    for c in range(pixels.shape[2]):
        channel = Image.fromarray(pixels[:, :, c])
        fitted[:, :, c] = channel.resize((wide, high), Image.Resampling.LANCZOS)
    fitted = fitted.clip(0, 1)  # Lanczos overshoots at edges
    border = numpy.concatenate([fitted[0], fitted[-1], fitted[:, 0], fitted[:, -1]])
    background = numpy.median(border, axis=0)
    sheet = numpy.full((H, W, pixels.shape[2]), background)
    top, left = (H - high) // 2, (W - wide) // 2
    sheet[top : top + high, left : left + wide] = fitted
    return sheet, background
