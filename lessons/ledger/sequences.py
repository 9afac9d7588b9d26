"""The ledger's rows of the chapter sequences: the five shapes of a recurrent network, and CTC."""

from __future__ import annotations

import itertools

import numpy as np

import tinynet as tn
from tinynet.layers import GRU, Dense, Embedding, SimpleRNN, TimeDistributed

from .row import statement

# -- what the rows call ----------------------------------------------------------------------------


def given_and_made():
    """Of the five shapes: what one example is, and what its network makes of it.

    An image has 8 x 8 pixels.  A sentence has 5 words of 20, its translation 4 of 30.  A video has
    6 images.  There are 3 labels.
    """
    rng = np.random.default_rng(0)
    image, words, video, said = tn.Input((64,)), tn.Input((5,)), tn.Input((6, 64)), tn.Input((4,))
    reads, writes = Embedding(20, 8)(words), Embedding(30, 8)(said)

    def written(state):
        return Dense(30)(GRU(8, return_sequences=True)(writes, initial_state=state))

    shapes = {
        "one to one": tn.Model(image, Dense(3)(image), rng=rng),
        "one to many": tn.Model([image, said], written(Dense(8)(image)), rng=rng),
        "many to one": tn.Model(words, Dense(3)(SimpleRNN(8)(reads)), rng=rng),
        "English to Portuguese": tn.Model([words, said], written(GRU(8)(reads)), rng=rng),
        "video": tn.Model(
            video, TimeDistributed(Dense(3))(GRU(8, return_sequences=True)(video)), rng=rng
        ),
    }
    return {name: model.outputs[0].shape for name, model in shapes.items()}


def five_shapes_exist():
    return given_and_made() == {
        "one to one": (3,),
        "one to many": (4, 30),
        "many to one": (3,),
        "English to Portuguese": (4, 30),
        "video": (6, 3),
    }


def ctc_sums_all_paths():
    """Four steps, three classes, class 0 blank: all 81 paths, each with its probability."""
    logits = np.random.default_rng(0).normal(size=(1, 4, 3))
    p = np.exp(logits[0]) / np.exp(logits[0]).sum(axis=1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        read = [k for k, _ in itertools.groupby(path) if k]
        if read == [1, 2]:
            total += p[range(4), path].prod()
    return abs(np.exp(-tn.ctc_loss(logits, [[1, 2]]).item()) - total) < 1e-12


# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    statement("B28", "001:1469", "A recurrent network has five shapes.",
              "image, words or video in; label, words or labels out", five_shapes_exist,
              "Lesson five_shapes trains all five."),
    statement("C12", "002:397", "CTC is one of Keras' loss classes.", "CTC", ctc_sums_all_paths,
              "The slide has the name alone. Lesson ctc computes it, and reads lines of digits "
              "with it."),
]  # fmt: skip
