"""The slide's tables of the encoder and the decoder, as printed, beside those of our own networks.

Six of the slide's numbers cannot be right: they contradict the layers, or one another.
"""

from __future__ import annotations

from typing import NamedTuple

import matplotlib.pyplot as plt

from tinynet.models.summary import amount, shape_text

ENCODER = """\
input_layer (InputLayer); (None, 256, 256, 3); 0
conv_1 (Conv2D); (None, 128, 128, 32); 896
bn_1 (BatchNormalization); (None, 128, 128, 32); 128
lrelu_1 (LeakyReLU); (None, 128, 128, 32); 0
conv_2 (Conv2D); (None, 64, 64, 64); 18,496
bn_2 (BatchNormalization); (None, 64, 64, 64); 256
lrelu_2 (LeakyReLU); (None, 64, 64, 64); 0
conv_3 (Conv2D); (None, 32, 32, 64); 36,928
bn_3 (BatchNormalization); (None, 32, 32, 64); 256
lrelu_3 (LeakyReLU); (None, 32, 32, 64); 0
conv_4 (Conv2D); (None, 16, 16, 64); 36,928
bn_4 (BatchNormalization); (None, 16, 16, 64); 256
lrelu_4 (LeakyReLU); (None, 16, 16, 64); 0
conv_5 (Conv2D); (None, 8, 8, 64); 36,928
bn_5 (BatchNormalization); (None, 8, 8, 64); 256
lrelu_5 (LeakyReLU); (None, 8, 8, 64); 0
Flatten (Flatten); (None, 4096); 0
mean (Dense); (None, 200); 819,400
log_var (Dense); (None, 200); 819,400
Total params; ; 1,770,128 (6.75 MB)
Trainable params; ; 1,769,582 (6.75 MB)
Non-trainable params; ; 576 (2.25 KB)
in words; ; 1.77 million"""

DECODER = """\
input_layer (InputLayer); (None, 200); 0
dense_1 (Dense); (None, 4096); 823,296
Reshape (Reshape); (None, 8, 8, 64); 0
conv_transpose_1 (Conv2DTranspose); (None, 16, 16, 64); 36,928
bn_1 (BatchNormalization); (None, 16, 16, 64); 256
lrelu_1 (LeakyReLU); (None, 16, 16, 64); 0
conv_transpose_2 (Conv2DTranspose); (None, 32, 32, 64); 36,928
bn_2 (BatchNormalization); (None, 32, 32, 64); 256
lrelu_2 (LeakyReLU); (None, 32, 32, 64); 0
conv_transpose_3 (Conv2DTranspose); (None, 64, 64, 64); 36,928
bn_3 (BatchNormalization); (None, 64, 64, 64); 256
lrelu_3 (LeakyReLU); (None, 64, 64, 64); 0
conv_transpose_4 (Conv2DTranspose); (None, 128, 128, 32); 18,464
bn_4 (BatchNormalization); (None, 128, 128, 32); 128
lrelu_4 (LeakyReLU); (None, 128, 128, 32); 0
conv_transpose_5 (Conv2DTranspose); (None, 256, 256, 3); 807
Total params; ; 954,387 (3.64 MB)
Trainable params; ; 952,859 (3.64 MB)
Non-trainable params; ; 448 (1.76 KB)
in words; ; 974,000"""


WRONG = [  # what the slide prints, and what is right
    ("1,769,582 (6.75 MB)", "1,769,552 (6.75 MB)"),
    ("807", "867"),
    ("954,387 (3.64 MB)", "954,307 (3.64 MB)"),
    ("952,859 (3.64 MB)", "953,859 (3.64 MB)"),
    ("448 (1.76 KB)", "448 (1.75 KB)"),
    ("974,000", "954,000"),
]


class Line(NamedTuple):
    layer: str
    shape: str
    printed: str  # what the slide says
    ours: str

    @property
    def wrong(self) -> bool:
        return self.printed != self.ours


def compared(slide, model, words):
    """Every row of the slide's table, with our number beside it.  words: how to say the total.

    ValueError where a layer or a shape is not the slide's: then the numbers are not comparable.
    """
    weights = list(model.weights().values())
    rows = [
        (f"{r.name} ({r.kind})", shape_text(r.shape), f"{r.parameters:,}") for r in model.rows()
    ]
    rows += [
        ("Total params", "", amount(weights)),
        ("Trainable params", "", amount(w for w in weights if w.requires_grad)),
        ("Non-trainable params", "", amount(w for w in weights if not w.requires_grad)),
        ("in words", "", words(sum(w.size for w in weights))),
    ]
    printed = [line.split("; ") for line in slide.splitlines()]
    if [row[:2] for row in rows] != [(layer, shape) for layer, shape, _ in printed]:
        raise ValueError(
            f"compared: {model.label} is not the slide's: {rows} for {printed}. Build it with the "
            "slide's layers, names and sizes."
        )
    return [
        Line(layer, shape, said, ours)
        for (layer, shape, said), (_, _, ours) in zip(printed, rows, strict=True)
    ]


def tables(encoder, decoder):
    """Both tables.  encoder, decoder: networks of the slide's own size."""
    return {
        "Encoder": compared(ENCODER, encoder, lambda n: f"{n / 1e6:.2f} million"),
        "Decoder": compared(DECODER, decoder, lambda n: f"{round(n, -3):,}"),
    }


def wrong(found):
    """What the slide prints wrongly: (printed, right) in its order."""
    return [(line.printed, line.ours) for lines in found.values() for line in lines if line.wrong]


def print_tables(found):
    for name, lines in found.items():
        print(f'  Model: "{name}", the slide\'s table')
        for layer, shape, printed, ours in lines:
            note = f"   <- the slide prints {printed}" if printed != ours else ""
            print(f"    {layer:<34} {shape:<22} {ours:>19}{note}")


def draw_tables(found):
    """Both tables side by side, the wrong numbers struck out and ours beside them."""
    longest = max(map(len, found.values()))
    figure, places = plt.subplots(1, len(found), figsize=(14, 0.25 * longest), layout="constrained")
    for axes, (name, lines) in zip(places, found.items(), strict=True):
        axes.set(xlim=(0, 1), ylim=(longest + 0.5, -1.8))
        axes.set_axis_off()
        axes.set_title(f'Model: "{name}"', fontsize=11, loc="left")
        for x, align, text in (
            (0.0, "left", "Layer (type)"),
            (0.42, "left", "Output shape"),
            (0.78, "right", "slide"),
            (1.0, "right", "right"),
        ):
            axes.text(x, -1.1, text, ha=align, va="center", fontsize=9, weight="bold")
        axes.plot([0, 1], [-0.6, -0.6], color="0.3", linewidth=0.8)
        for i, line in enumerate(lines):
            if not line.shape and lines[i - 1].shape:
                axes.plot([0, 1], [i - 0.45, i - 0.45], color="0.3", linewidth=0.8)
            color = "#b3261e" if line.wrong else "black"
            style = {"va": "center", "fontsize": 8.5}
            axes.text(0.0, i, line.layer, **style)
            axes.text(0.42, i, line.shape, **style)
            if line.wrong:
                axes.axhspan(i - 0.45, i + 0.45, color="#fbdcd8", zorder=0)
                axes.text(1.0, i, line.ours, ha="right", color="#1a6b35", weight="bold", **style)
            axes.text(0.78, i, line.printed, ha="right", color=color, **style)
    count = len(wrong(found))
    figure.suptitle(f"The slide's tables of the cartoon-face VAE: {count} numbers cannot be right")
    return figure
