"""plot.graph and plot.curves: every layer and every epoch is in the figure, where it belongs."""

from __future__ import annotations

import re

import matplotlib
import numpy
import pytest

import tinynet as tn
from tinynet import plot
from tinynet.layers import Add, Concatenate, Dense, Dropout, Flatten

matplotlib.use("Agg")


def boxes(figure):
    """The text of each box, and its place."""
    texts = [t for t in figure.axes[0].texts if t.get_text()]
    return {t.get_text(): t.get_position() for t in texts}, [t.get_text() for t in texts]


def arrows(figure):
    """Where each arrow starts and ends."""
    found = [t for t in figure.axes[0].texts if getattr(t, "arrow_patch", None) is not None]
    return [(tuple(t.xyann), tuple(t.xy)) for t in found]


def drawn_edges(figure):
    """The arrows as pairs of the names in the boxes."""
    places, _ = boxes(figure)
    names = {place: text.split(" ")[0] for text, place in places.items()}
    return [(names[a], names[b]) for a, b in arrows(figure)]


def rng():
    return numpy.random.default_rng(0)


def test_a_chain_stands_below_each_other_in_order():
    model = tn.Sequential([Flatten(), Dense(4), Dense(2)], input_shape=(3, 3), rng=rng())
    figure = plot.graph(model)
    places, texts = boxes(figure)
    assert texts == [
        "flatten (Flatten)\n(None, 9)",
        "dense (Dense)\n(None, 4)",
        "dense_1 (Dense)\n(None, 2)",
    ]
    assert [places[text] for text in texts] == [(0.5, 0), (0.5, -1), (0.5, -2)]
    assert drawn_edges(figure) == [("flatten", "dense"), ("dense", "dense_1")]
    assert figure.get_suptitle() == "Sequential"
    assert plot.graph(model, "mine").get_suptitle() == "mine"


def test_layers_with_weights_have_another_color():
    model = tn.Sequential([Flatten(), Dense(4)], input_shape=(3, 3), rng=rng())
    texts = [t for t in plot.graph(model).axes[0].texts if t.get_text()]
    colors = [t.get_bbox_patch().get_facecolor() for t in texts]
    assert colors[0] != colors[1]


def test_branches_stand_beside_each_other_and_join():
    x = tn.Input((6,))
    left, right = Dense(4, name="left")(x), Dense(4, name="right")(x)
    model = tn.Model(x, Dense(1, name="last")(Add()([left, right])), rng=rng())
    figure = plot.graph(model)
    places, texts = boxes(figure)
    assert texts[0] == "input (InputLayer)\n(None, 6)"
    heights = {text.split(" ")[0]: y for text, (_, y) in places.items()}
    assert heights == {"input": 0, "left": -1, "right": -1, "add": -2, "last": -3}
    assert len({x for x, _ in places.values()}) == 3  # left, right and the middle
    assert sorted(drawn_edges(figure)) == [
        ("add", "last"),
        ("input", "left"),
        ("input", "right"),
        ("left", "add"),
        ("right", "add"),
    ]


def test_a_way_past_a_layer_is_bent():
    x = tn.Input((4,))
    figure = plot.graph(tn.Model(x, Add()([Dense(4)(x), x]), rng=rng()))
    bends = [
        t.arrowprops["connectionstyle"]
        for t in figure.axes[0].texts
        if getattr(t, "arrow_patch", None) is not None
    ]
    places, _ = boxes(figure)
    heights = {text.split(" ")[0]: y for text, (_, y) in places.items()}
    assert heights == {"input": 0, "dense": -1, "add": -2}  # below the longer way
    assert bends.count("arc3,rad=0.0") == 2
    assert len(bends) == 3
    assert sorted(drawn_edges(figure)) == [("dense", "add"), ("input", "add"), ("input", "dense")]


def test_a_shared_layer_has_a_box_for_each_use_in_one_color():
    x = tn.Input((4,))
    shared = Dense(4, name="shared")
    figure = plot.graph(tn.Model(x, shared(shared(x)), rng=rng()))
    _, texts = boxes(figure)
    assert texts[1:] == ["shared (Dense)\n(None, 4)"] * 2
    assert len(arrows(figure)) == 2
    colored = [t.get_bbox_patch().get_facecolor() for t in figure.axes[0].texts if t.get_text()]
    assert colored[1] == colored[2] != colored[0]


def test_a_part_of_several_outputs_comes_from_the_layer_that_gives_them():
    inner = tn.Input((4,))
    two = tn.Model(inner, [Dense(2)(inner), Dropout(0.5)(inner)], rng=rng(), name="two")
    x = tn.Input((4,))
    figure = plot.graph(tn.Model(x, Concatenate()(two(x))))
    assert drawn_edges(figure) == [("input", "two")] + [("two", "concatenate")] * 2
    assert "two (Model)\n(None, 2), (None, 4)" in boxes(figure)[0]


def test_the_second_half_of_a_graph_begins_with_its_input():
    x = tn.Input((4,))
    code = Dense(2)(x)
    whole = tn.Model(x, Dense(4)(code), rng=rng())
    figure = plot.graph(tn.Model(code, whole.outputs[0]))
    assert boxes(figure)[1] == ["input (InputLayer)\n(None, 2)", "dense (Dense)\n(None, 4)"]
    assert drawn_edges(figure) == [("input", "dense")]


def test_a_subclass_cannot_be_drawn():
    class Own(tn.Module):
        def __init__(self):
            self.one, self.other = Dense(2), Dense(3)

        def forward(self, x):
            return self.other(self.one(x))

    message = (
        "graph: Own connects its parts in its forward, which cannot be drawn. Give a "
        "tn.Sequential or a tn.Model."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        tn.plot.graph(Own().build((4,), rng()))


def test_a_model_of_nothing_is_refused():
    message = "graph: the model has no layers. Add one."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plot.graph(tn.Sequential())


# -- curves ----------------------------------------------------------------------------------------


def history(*epochs):
    made = tn.History()
    made.epochs.extend(epochs)
    return made


def lines(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}


def test_each_number_has_its_curves_with_validation_beside_training():
    figure = plot.curves(
        history(
            {"loss": 3.0, "accuracy": 0.5, "validation loss": 4.0},
            {"loss": 2.0, "accuracy": 0.75, "validation loss": 3.5},
        ),
        "two epochs",
    )
    first, second = figure.axes
    assert (first.get_ylabel(), second.get_ylabel()) == ("loss", "accuracy")
    assert lines(first) == {"training": [[1, 3], [2, 2]], "validation": [[1, 4], [2, 3.5]]}
    assert lines(second) == {"training": [[1, 0.5], [2, 0.75]]}
    assert {axes.get_xlabel() for axes in figure.axes} == {"epoch"}
    assert [t.get_text() for t in first.get_legend().get_texts()] == ["training", "validation"]
    assert figure.get_suptitle() == "two epochs"


def test_a_number_of_some_epochs_has_a_point_for_each_of_them():
    figure = plot.curves(history({"loss": 3.0}, {"loss": 2.0, "validation loss": 4.0}))
    assert lines(figure.axes[0]) == {"training": [[1, 3], [2, 2]], "validation": [[2, 4]]}


def test_a_number_of_the_validation_alone_has_a_place_of_its_own():
    figure = plot.curves(history({"loss": 3.0, "validation accuracy": 0.5}))
    assert [lines(axes) for axes in figure.axes] == [
        {"training": [[1, 3]]},
        {"validation": [[1, 0.5]]},
    ]


def test_an_empty_history_is_refused():
    message = "curves: the history is empty. Train for at least one epoch."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plot.curves(history())
