"""Models in the three ways to build them: Sequential, a graph of Input and Model, a subclass.

The networks of the lectures are here by their numbers of parameters, which the slides print.
"""

from __future__ import annotations

import copy
import gc
import inspect
import re
import types
import weakref

import numpy
import pytest

import tinynet as tn
from tinynet.devices import device_of, move
from tinynet.layers import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    MaxPooling2D,
    Reshape,
)
from tinynet.layers.regularizers import L1, L2
from tinynet.models import parts, sequential
from tinynet.models.module import give_generator, inference
from tinynet.models.summary import amount, shape_text


def seeded(seed=0):
    return numpy.random.default_rng(seed)


def ones(*shape, dtype="float32"):
    return numpy.ones(shape, dtype)


def batch(*shape, seed=0):
    return seeded(seed).standard_normal(shape, numpy.float32)


def names(model):
    return [layer.name for layer in model.layers]


def size(model, trained=None):
    weights = model.weights().values()
    return sum(w.size for w in weights if trained is None or w.requires_grad == trained)


class Pair(tn.Module):
    """Two outputs of one input."""

    def __init__(self):
        self.one = Dense(2)
        self.other = Dense(3)

    def forward(self, x):
        return [self.one(x), self.other(x)]


class Autoencoder(tn.Module):
    """Parts of all kinds: a model, a list of layers, a layer, a tensor."""

    def __init__(self):
        self.encoder = tn.Sequential([Flatten(), Dense(3, "relu")])
        self.blocks = [Dense(2), "no module", Dense(5, activation="tanh")]
        self.decoder = Dense(4)
        self.scale = tn.Tensor([2.0], requires_grad=True)
        self.offset = tn.Tensor([1.0])

    def forward(self, x):
        x = self.encoder(x)
        x = self.blocks[2](self.blocks[0](x))
        return self.decoder(x) * self.scale + self.offset


AUTOENCODER = [
    ("scale", (1,)),
    ("offset", (1,)),
    ("encoder.dense.kernel", (4, 3)),
    ("encoder.dense.bias", (3,)),
    ("blocks.0.kernel", (3, 2)),
    ("blocks.0.bias", (2,)),
    ("blocks.2.kernel", (2, 5)),
    ("blocks.2.bias", (5,)),
    ("decoder.kernel", (5, 4)),
    ("decoder.bias", (4,)),
]


# -- Sequential ------------------------------------------------------------------------------------


def test_layers_follow_one_another():
    first, second = Dense(3, activation="relu"), Dense(2)
    model = tn.Sequential([first, second], input_shape=(4,), rng=seeded())
    x = batch(5, 4)
    expected = numpy.maximum(x @ first.kernel.numpy(), 0) @ second.kernel.numpy()
    numpy.testing.assert_allclose(model(x).numpy(), expected, rtol=1e-5, atol=1e-6)
    assert model.output_shape((4,)) == model.made_shape == (2,)


def test_the_lectures_three_layers_on_3_by_3_ones():
    model = tn.Sequential([Dense(2, activation="relu"), Dense(3, activation="relu"), Dense(4)])
    model.build((3,), seeded())
    assert model(ones(3, 3)).shape == (3, 4)
    assert size(model) == 33
    last = model.pop()
    assert last.name == "dense_2"
    assert model(ones(3, 3)).shape == (3, 3)
    assert size(model) == 17
    model.add(Dense(4, name="again"))
    assert names(model) == ["dense", "dense_1", "again"]
    assert size(model) == 33


def layers():
    return [Conv2D(2, 3), BatchNormalization(), Flatten(), Dropout(0.5), Dense(3)]


def test_all_ways_to_build_give_the_same_weights():
    shape = (6, 6, 1)
    at_once = tn.Sequential(layers(), input_shape=shape, rng=seeded())
    added = tn.Sequential(input_shape=shape, rng=seeded())
    for layer in layers():
        added.add(layer)
    built = tn.Sequential(layers()).build(shape, seeded())
    called = tn.Sequential(layers(), rng=seeded())
    called(ones(2, *shape))
    expected = {name: w.tobytes() for name, w in at_once.state_dict().items()}
    for model in (added, built):
        assert {name: w.tobytes() for name, w in model.state_dict().items()} == expected
        assert model.input_shape == shape
    trained = {name: w.tobytes() for name, w in called.state_dict().items()}
    del trained["batch_normalization.moving_mean"], trained["batch_normalization.moving_variance"]
    assert trained.items() < expected.items()  # the first call moved the statistics
    assert called.input_shape == shape


def test_a_layers_own_generator_goes_before_the_models():
    own = Dense(3, rng=seeded(7))
    tn.Sequential([Dense(2), own], input_shape=(4,), rng=seeded())
    expected = Dense(3).build((2,), seeded(7))
    assert own.kernel.numpy().tobytes() == expected.kernel.numpy().tobytes()


def test_layers_without_a_name_get_one():
    model = tn.Sequential([Dense(2), Dense(2, name="dense_1"), LeakyReLU(), Dense(2), LeakyReLU()])
    assert names(model) == ["dense", "dense_1", "leaky_re_lu", "dense_2", "leaky_re_lu_1"]
    model.add(MaxPooling2D())
    model.add(Pair())
    assert names(model)[5:] == ["max_pooling2d", "pair"]


def test_a_name_is_free_again_after_pop():
    model = tn.Sequential([Dense(2), Dense(3)])
    model.pop()
    model.add(Dense(4))
    assert names(model) == ["dense", "dense_1"]


def test_a_layer_that_was_taken_off_can_be_put_back():
    model = tn.Sequential([Dense(2), Dense(3)], input_shape=(4,), rng=seeded())
    before = model.state_dict()
    model.add(model.pop())
    assert list(model.weights()) == list(before)
    model.layers.insert(0, model.pop())
    assert [name for name, _ in model.children()] == ["dense", "dense_1"]  # by their places


def test_a_layer_may_be_called_otherwise_in_another_model():
    shared = Dense(2)
    one = tn.Sequential([Dense(4), shared], input_shape=(4,), rng=seeded())
    assert list(one.weights())[2:] == ["dense_1.kernel", "dense_1.bias"]
    other = tn.Sequential([shared])
    assert list(other.weights()) == ["dense.kernel", "dense.bias"]
    assert [row.name for row in other.rows()] == ["dense"]
    x = tn.Input((4,))
    graph = tn.Model(x, tn.Sequential([Dense(3)])(one.layers[0](x)), rng=seeded())
    both = tn.Sequential([*other.layers, tn.Sequential([Dense(2)]).layers[0]])
    assert [row.name for row in graph.rows()[1:]] == ["dense", "sequential"]
    assert [name for name, _ in both.children()] == ["dense", "dense_1"]  # no clash
    other.load_state_dict({"dense.kernel": ones(4, 2), "dense.bias": ones(2)})
    assert (one.layers[1].bias.numpy() == 1).all()


def test_a_name_given_by_hand_is_the_same_everywhere():
    shared = Dense(2, name="dense_1")
    tn.Sequential([Dense(2), shared])
    assert [name for name, _ in tn.Sequential([shared, Dense(2)]).children()] == [
        "dense_1",
        "dense",
    ]
    shared.name = "renamed"
    assert [name for name, _ in tn.Sequential([shared]).children()] == ["renamed"]


def test_a_layer_that_could_not_be_added_has_no_name_of_the_model():
    model = tn.Sequential([Dense(2), Dense(2, name="b")], input_shape=(3,), rng=seeded())
    lone, twin = Conv2D(2, 3), Dense(2, name="b")
    for layer in (lone, twin):
        with pytest.raises(ValueError):
            model.add(layer)
    assert (lone.name, lone.given_name, lone.rng, lone.built) == (None, None, None, False)
    assert (twin.name, twin.rng, twin.built) == ("b", None, False)
    model.pop()
    model.add(twin)
    assert names(model) == ["dense", "b"]


def test_all_layers_fit_or_none_is_built():
    parts = [Dense(2), Flatten(), Conv2D(2, 3)]
    for make in (
        lambda: tn.Sequential(parts, input_shape=(4, 4, 1), rng=seeded()),
        lambda: tn.Sequential(parts).build((4, 4, 1), seeded()),
    ):
        with pytest.raises(ValueError, match=r"Conv2D 'conv2d': input \(N, 32\), and it takes"):
            make()
        assert not any(part.built for part in parts)
    tn.Sequential(parts[:2], input_shape=(7,), rng=seeded())  # another shape is still free


def test_a_layer_that_does_not_fit_is_not_added():
    model = tn.Sequential([Dense(2)], input_shape=(3,), rng=seeded())
    with pytest.raises(ValueError, match=r"^Conv2D 'conv2d': input \(N, 2\), and it takes picture"):
        model.add(Conv2D(2, 3))
    assert names(model) == ["dense"]
    assert model(ones(1, 3)).shape == (1, 2)


def test_models_stand_in_models():
    head = tn.Sequential([Dense(3), Dense(2)], name="head")
    x = tn.Input((2,))
    graph = tn.Model(x, Dense(4)(x), rng=seeded())
    model = tn.Sequential([Flatten(), head, graph, Pair()], input_shape=(5, 1), rng=seeded())
    assert list(model.weights()) == [
        *(f"head.{name}.{w}" for name in ("dense", "dense_1") for w in ("kernel", "bias")),
        *(f"model.dense.{w}" for w in ("kernel", "bias")),
        *(f"pair.{name}.{w}" for name in ("one", "other") for w in ("kernel", "bias")),
    ]
    assert head.layers[0].kernel.shape == (5, 3)
    assert [y.shape for y in model(ones(7, 5, 1))] == [(7, 2), (7, 3)]
    assert model.output_shape((5, 1)) == [(2,), (3,)]


def test_an_empty_model_changes_nothing():
    x = tn.Tensor(ones(2, 3))
    assert tn.Sequential()(x) is x
    assert tn.Sequential(input_shape=(3,)).output_shape((3,)) == (3,)


def test_the_first_call_tells_the_shape_to_what_is_added_later():
    model = tn.Sequential([Pair(), Activation(lambda y: y)], rng=seeded())
    model.layers = [tn.Sequential([Autoencoder()])]
    give_generator(model, seeded())
    model(ones(3, 4))
    assert model.input_shape == (4,)
    model.add(Dense(7))
    assert model(ones(3, 4)).shape == (3, 7)


# -- graphs ----------------------------------------------------------------------------------------


def test_a_chain_is_what_sequential_is():
    x = tn.Input((4,))
    graph = tn.Model(x, Dense(2)(Dense(3, "relu")(x)), rng=seeded())
    chain = tn.Sequential([Dense(3, "relu"), Dense(2)], input_shape=(4,), rng=seeded())
    assert list(graph.weights()) == list(chain.weights())
    assert graph(batch(5, 4)).numpy().tobytes() == chain(batch(5, 4)).numpy().tobytes()
    assert graph.output_shape((4,)) == (2,)


def test_branches_join():
    x = tn.Input((4,))
    left, right = Dense(3, name="left"), Dense(3, name="right")
    joined = Concatenate()([left(x), Add()([left(x), right(x)])])
    model = tn.Model(x, joined, rng=seeded())
    y = model(batch(5, 4)).numpy()
    one, other = left(batch(5, 4)).numpy(), right(batch(5, 4)).numpy()
    numpy.testing.assert_allclose(y, numpy.concatenate([one, one + other], 1), rtol=1e-6)
    assert joined.shape == model.output_shape((4,)) == (6,)


def test_a_shared_layer_has_its_weights_once_and_its_gradients_added():
    x = tn.Input((3,))
    shared = Dense(3, use_bias=False)
    model = tn.Model(x, shared(shared(x)), rng=seeded())
    assert model.layers == [shared]
    assert list(model.weights()) == ["dense.kernel"]
    assert [w is shared.kernel for w in model.parameters()] == [True]
    model(batch(5, 3)).backward(batch(5, 3, seed=1))
    got = shared.kernel.grad

    def twice(w):
        return tn.Tensor(batch(5, 3)) @ w @ w

    w = tn.Tensor(shared.kernel.data, requires_grad=True)
    twice(w).backward(batch(5, 3, seed=1))
    numpy.testing.assert_allclose(got, w.grad, rtol=1e-6)


def test_several_inputs_and_outputs_are_lists():
    a, b = tn.Input((3,)), tn.Input((2,), name="labels")
    total = Concatenate()([a, b])
    model = tn.Model([a, b], [Dense(4)(total), total], rng=seeded())
    one, two = model([ones(6, 3), 2 * ones(6, 2)])
    assert one.shape == (6, 4)
    numpy.testing.assert_array_equal(two.numpy(), [[1, 1, 1, 2, 2]] * 6)
    assert model.output_shape([(3,), (2,)]) == [(4,), (5,)]
    assert model((ones(6, 3), ones(6, 2)))[1].shape == (6, 5)


def test_a_list_of_one_gives_a_list_of_one():
    x = tn.Input((3,))
    y = Dense(2)(x)
    assert isinstance(tn.Model(x, [y], rng=seeded())(ones(1, 3)), list)
    assert tn.Model([x], y, rng=seeded())([ones(1, 3)]).shape == (1, 2)
    assert tn.Model([x], y, rng=seeded())(ones(1, 3)).shape == (1, 2)


def test_the_second_half_of_a_graph_is_a_model_of_its_own():
    x = tn.Input((6,))
    code = Dense(2, name="code")(x)
    whole = tn.Model(x, Dense(6, name="output")(Dense(4, name="hidden")(code)), rng=seeded())
    decoder = tn.Model(code, whole.outputs[0])
    encoder = tn.Model(x, code)
    assert list(decoder.weights()) == [
        "hidden.kernel",
        "hidden.bias",
        "output.kernel",
        "output.bias",
    ]
    assert list(encoder.weights()) == ["code.kernel", "code.bias"]
    x = batch(3, 6)
    assert decoder(encoder(x)).numpy().tobytes() == whole(x).numpy().tobytes()
    assert [row[:4] for row in decoder.rows()] == [
        ("input", "InputLayer", (2,), 0),
        ("hidden", "Dense", (4,), 12),
        ("output", "Dense", (6,), 30),
    ]


def test_models_and_modules_are_layers_of_a_graph():
    x = tn.Input((5,))
    one, other = Pair().build((5,), seeded())(tn.Sequential([Dense(5)])(x))
    inner = tn.Input((3,))
    block = tn.Model(inner, Dense(3)(inner), rng=seeded())
    model = tn.Model(x, [one, block(other)], rng=seeded())
    assert names(model) == ["sequential", "pair", "model"]
    assert [y.shape for y in model(ones(7, 5))] == [(7, 2), (7, 3)]
    assert [row.sources for row in model.rows()] == ["", "input", "sequential", "pair[1]"]
    both = tn.Input((3,)), tn.Input((3,))
    several = tn.Model(list(both), [Add()(list(both)), both[0]])
    first, second = several([other, other])
    assert (first.shape, second.shape) == ((3,), (3,))


def test_values_of_the_graph_show_what_they_are():
    x = tn.Input(784)
    assert repr(x) == "Symbol((N, 784), Input)"
    assert repr(Dense(2, name="head")(x)) == "Symbol((N, 2), of Dense 'head')"


# -- a subclass ------------------------------------------------------------------------------------


def test_a_subclass_finds_its_weights_in_the_order_of_its_attributes():
    model = Autoencoder().build((2, 2), rng=seeded())
    assert [(name, w.shape) for name, w in model.weights().items()] == AUTOENCODER
    assert [w.requires_grad for w in model.weights().values()] == [True, False] + [True] * 8
    assert len(model.parameters()) == 9
    assert (model.input_shape, model.made_shape) == ((2, 2), (4,))
    assert model(ones(3, 2, 2)).shape == (3, 4)


def test_parts_are_called_by_their_attributes_in_errors():
    model = Autoencoder().build((2, 2), rng=seeded())
    assert [module.label for module in model.modules()] == [
        "Autoencoder",
        "Sequential 'encoder'",
        "Flatten 'flatten'",
        "Dense 'dense'",
        "Dense 'blocks.0'",
        "Dense 'blocks.2'",
        "Dense 'decoder'",
    ]
    assert model.decoder.kernel.name == "decoder.kernel"


def test_building_leaves_modes_and_statistics_as_they_are():
    class Normalized(tn.Module):
        def __init__(self):
            self.norm = BatchNormalization()
            self.drop = Dropout(0.5)

        def forward(self, x):
            return self.drop(self.norm(x) + 1)

    model = Normalized()
    model.drop.eval()
    model.build((3,), seeded())
    assert [module.training for module in model.modules()] == [True, True, False]
    assert not model.norm.moving_mean.numpy().any()


def test_a_shared_part_has_its_weights_once():
    class Tied(tn.Module):
        def __init__(self):
            self.one = Dense(3)
            self.same = self.one
            self.all = (self.one, Dense(3))

        def forward(self, x):
            return self.all[1](self.same(self.one(x)))

    model = Tied().build((3,), seeded())
    assert list(model.weights()) == ["one.kernel", "one.bias", "all.1.kernel", "all.1.bias"]
    assert [row.parameters for row in model.rows()] == [12, 0, 0, 12]
    assert len(model.modules()) == 3


class Nested(tn.Module):
    """Parts in dictionaries and in lists of lists."""

    def __init__(self, rng=None):
        self.heads = {"one": Dense(2), "other": [Dense(3), (Dense(4),)]}
        self.scales = [[tn.Tensor([1.0], requires_grad=True)], {"last": tn.Tensor([2.0])}]
        self._cache = [tn.Tensor([3.0])]
        self.calls = 0
        if rng is not None:
            self.rng = rng

    def forward(self, x):
        self.calls += 1
        x = self.heads["other"][1][0](self.heads["other"][0](self.heads["one"](x)))
        return x * self.scales[0][0] + self.scales[1]["last"]


NESTED = [
    *("scales.0.0", "scales.1.last", "heads.one.kernel", "heads.one.bias"),
    *("heads.other.0.kernel", "heads.other.0.bias"),
    *("heads.other.1.0.kernel", "heads.other.1.0.bias"),
]


class Hidden(tn.Module):
    def __init__(self, name, part):
        setattr(self, name, part)

    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("name", "part", "message"),
    [
        ("_encoder", lambda: Dense(5), "names that begin with _ are skipped. Call it encoder."),
        ("_list", lambda: [{"a": Dense(5)}], "names that begin with _ are skipped. Call it list."),
        (
            "pair",
            lambda: types.SimpleNamespace(encoder=Dense(5)),
            "SimpleNamespace is no Module. Derive it from tn.Module.",
        ),
    ],
    ids=["an underscore", "in a list", "a plain object"],
)
def test_parts_where_the_walk_does_not_look_are_told(name, part, message):
    model = Hidden(name, part())
    assert model.modules() == [model]
    for act in (lambda: model.build((4,)), model.summary, lambda: Hidden(name, part())(ones(2, 4))):
        with pytest.warns(tn.MistakeWarning, match=message):
            act()


def test_parts_in_dictionaries_and_nested_lists_are_found():
    model = Nested().build((4,), seeded())
    assert list(model.weights()) == NESTED
    assert len(model.parameters()) == 7
    assert [module.training for module in model.eval().modules()] == [False] * 4
    model(ones(1, 4)).sum().backward()
    assert all(w.grad is not None for w in model.parameters())


def test_modules_are_found_once_and_from_the_top_down_in_cycles_too():
    one, other, last = tn.Module(), tn.Module(), Flatten()
    one.sizes = (1, "no module", None)
    one.parts = {"a": [other, (one, [other])], "b": last}
    one.list = [last, other]
    other.back = [one]
    assert one.modules() == [one, other, last]
    assert other.modules() == [other, one, last]
    assert one.penalty() == 0.0


def test_a_subclass_says_with_children_what_its_parts_are():
    """One walk for names, modes, penalties and generators: `_hidden` is found, `seen` is not."""

    class Revealed(tn.Module):
        def children(self):
            yield "part", self._hidden

    class Longer(tn.Sequential):
        def __init__(self):
            self.head = Dense(1)
            super().__init__([Dense(2)])

    class Renamed(tn.Sequential):
        def children(self):
            yield from (("own", layer) for layer in self.layers[:1])

    revealed = Revealed()
    revealed._hidden, revealed.seen = Flatten(), Dense(2)
    for model in (revealed, Longer(), Renamed([Dense(2), Dense(3)])):
        assert model.modules() == [module for _, module in model.named_modules()]
    assert revealed.modules() == [revealed, revealed._hidden]
    assert not revealed.eval()._hidden.training and revealed.seen.training


def test_a_shared_part_gets_the_generator_of_the_first_that_holds_it():
    """Depth first, in the order of the attributes."""
    own, given = numpy.random.default_rng(5), numpy.random.default_rng(1)
    inner, outer, shared = tn.Module(), tn.Module(), Dense(2)
    inner.rng, inner.layer = own, shared
    outer.inner, outer.layer = inner, shared
    give_generator(outer, given)
    assert (outer.rng, inner.rng, shared.rng) == (given, own, own)


def test_the_penalty_needs_no_names(monkeypatch):
    model = tn.Sequential([Dense(2, kernel_regularizer=L1(1), kernel_initializer="ones")])
    model.build((3,))
    monkeypatch.setattr(sequential, "names_of", None)
    assert model.penalty().item() == 6


def test_inference_is_for_a_block_and_every_part_has_its_own_mode_afterwards():
    model = nested()
    model.layers[1].eval()
    before = [part.training for part in model.modules()]
    x = tn.Tensor(ones(2, 3), requires_grad=True)
    with pytest.raises(KeyError), inference():
        assert not any(part.training for part in model.modules())
        assert not model(x).requires_grad
        raise KeyError
    assert [part.training for part in model.modules()] == before
    assert model(x).requires_grad


def test_a_generator_of_ones_own_draws_the_weights():
    built, called, inside = (Nested(seeded(7)) for _ in range(3))
    built.build((4,))
    called(ones(1, 4))
    tn.Sequential([inside], input_shape=(4,), rng=seeded())
    expected = Nested().build((4,), seeded(7)).state_dict()
    for model in (built, called, inside):
        for name, w in model.state_dict().items():
            assert w.tobytes() == expected[name].tobytes(), name


def test_the_shape_of_what_was_built_is_known_without_computing():
    model = Nested().build((4,), seeded())
    calls = model.calls
    assert (model.input_shape, model.made_shape, model.output_shape((4,))) == ((4,), (4,), (4,))
    assert model.calls == calls
    assert model.output_shape((5, 4)) == (5, 4)  # another one is computed
    model(ones(2, 6, 4))
    assert (model.input_shape, model.made_shape) == ((4,), (4,))


def test_a_shared_tensor_is_one_weight():
    model = Autoencoder().build((2, 2), rng=seeded())
    model.again = model.scale
    assert "again" not in model.weights()


def test_what_forward_keeps_is_no_weight():
    class Keeping(tn.Module):
        def __init__(self):
            self.code = Dense(2)

        def forward(self, x):
            self.kept = self.code(x)
            return self.kept

    model = Keeping().build((3,), seeded())  # without recording: what is kept is a leaf
    assert list(model.weights()) == ["code.kernel", "code.bias"]
    model(ones(1, 3))
    assert list(model.state_dict()) == ["code.kernel", "code.bias"]


def test_weights_that_were_computed_are_weights():
    model = Pair()
    model.start = tn.Tensor([1.0]) * 3
    model.start.requires_grad = True
    model.build((2,), seeded())
    assert next(iter(model.weights())) == "start"


def test_a_module_without_weights_has_none():
    class Double(tn.Module):
        def forward(self, x):
            return x * 2

    model = Double().build((3,))
    assert (model.parameters(), model.device, model.penalty()) == ([], "cpu", 0.0)
    assert model(tn.Tensor([[1.0]])).item() == 2


# -- tables ----------------------------------------------------------------------------------------

CHAIN = """\
Model: "sequential"
_______________________________________________________________________
Layer (type)                               Output shape         Param #
=======================================================================
conv2d (Conv2D)                            (None, 26, 26, 32)       320
batch_normalization (BatchNormalization)   (None, 26, 26, 32)       128
max_pooling2d (MaxPooling2D)               (None, 13, 13, 32)         0
flatten (Flatten)                          (None, 5408)               0
dense (Dense)                              (None, 10)            54,090
=======================================================================
Total params: 54,538 (213.04 KB)
Trainable params: 54,474 (212.79 KB)
Non-trainable params: 64 (256.00 B)
_______________________________________________________________________
"""
GRAPH = """\
Model: "encoder"
___________________________________________________________________
Layer (type)                Output shape   Param #   Connected to
===================================================================
input (InputLayer)          (None, 6)            0
labels (InputLayer)         (None, 4)            0
shared (Dense)              (None, 6)           42   input
shared (Dense)              (None, 6)            0   shared
concatenate (Concatenate)   (None, 10)           0   shared, labels
===================================================================
Total params: 42 (168.00 B)
Trainable params: 42 (168.00 B)
Non-trainable params: 0 (0.00 B)
___________________________________________________________________
"""
SUBCLASS = """\
Model: "autoencoder"
_____________________________________________
Layer (type)           Output shape   Param #
=============================================
encoder (Sequential)   (None, 3)           15
blocks.0 (Dense)       (None, 2)            8
blocks.2 (Dense)       (None, 5)           15
decoder (Dense)        (None, 4)           24
=============================================
Total params: 64 (256.00 B)
Trainable params: 63 (252.00 B)
Non-trainable params: 1 (4.00 B)
_____________________________________________
"""


def chain():
    parts = [Conv2D(32, 3), BatchNormalization(), MaxPooling2D(), Flatten(), Dense(10)]
    return tn.Sequential(parts, input_shape=(28, 28, 1), rng=seeded())


def graph():
    x, labels = tn.Input((6,)), tn.Input((4,), name="labels")
    shared = Dense(6, name="shared")
    joined = Concatenate()([shared(shared(x)), labels])
    return tn.Model([x, labels], joined, rng=seeded(), name="encoder")


@pytest.mark.parametrize(
    ("make", "table"),
    [(chain, CHAIN), (graph, GRAPH), (lambda: Autoencoder().build((2, 2), seeded()), SUBCLASS)],
    ids=["chain", "graph", "subclass"],
)
def test_the_whole_table(make, table, capsys):
    make().summary()
    assert capsys.readouterr().out == table


def test_a_graph_that_is_a_chain_has_no_column_of_sources(capsys):
    x = tn.Input((2,), name="dense")  # a name that a layer has too
    tn.Model(x, Dense(3)(x), rng=seeded()).summary()
    printed = capsys.readouterr().out
    assert "Connected to" not in printed
    assert "dense (Dense)        (None, 3)            9\n" in printed


def test_a_single_layer_is_its_own_row(capsys):
    Dense(2).build((3,), seeded()).summary()
    assert 'Model: "dense"' in capsys.readouterr().out
    layer = Dense(2, name="head").build((3,), seeded())
    assert [tuple(row) for row in layer.rows()] == [("head", "Dense", (2,), 8, "")]


def test_shapes_are_unknown_before_they_are():
    model = tn.Sequential([tn.Sequential()])
    assert [row.shape for row in model.rows()] == [None]
    assert shape_text(None) == "?"
    assert shape_text(()) == "(None,)"
    assert shape_text([(2,), (3, 4)]) == "(None, 2), (None, 3, 4)"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        (0, "0 (0.00 B)"),
        (255, "255 (1020.00 B)"),
        (256, "256 (1.00 KB)"),
        (448, "448 (1.75 KB)"),
        (576, "576 (2.25 KB)"),
        (1_770_128, "1,770,128 (6.75 MB)"),
        (954_307, "954,307 (3.64 MB)"),
    ],
)
def test_amounts_are_written_as_the_lectures_tables_have_them(numbers, text):
    w = tn.Tensor(numpy.broadcast_to(numpy.float32(0), (numbers,)))
    assert amount([w]) == text


# -- the lectures' networks ------------------------------------------------------------------------


def mnist_cnn():
    def step(layer):
        return [layer, BatchNormalization(), Activation("relu")]

    return tn.Sequential(
        [
            *step(Conv2D(32, 3)),
            *step(Conv2D(32, 3)),
            MaxPooling2D(),
            *step(Conv2D(64, 3)),
            *step(Conv2D(64, 3)),
            MaxPooling2D(),
            Flatten(),
            *step(Dense(512)),
            Dropout(0.2),
            Dense(10),
        ],
        input_shape=(28, 28, 1),
        rng=seeded(),
    )


def test_the_keras_network_for_mnist():
    model = mnist_cnn()
    expected = [320, 128, 9_248, 128, 18_496, 256, 36_928, 256, 524_800, 2_048, 5_130]
    assert [row.parameters for row in model.rows() if row.parameters] == expected
    assert (size(model), size(model, True), size(model, False)) == (597_738, 596_330, 1_408)


def test_the_network_for_fashion_mnist():
    parts = [Conv2D(32, 3, activation="relu"), Conv2D(64, 3, activation="relu"), MaxPooling2D()]
    parts += [Dropout(0.25), Flatten(), Dense(128, "relu"), Dropout(0.5), Dense(10)]
    model = tn.Sequential(parts, input_shape=(28, 28, 1), rng=seeded())
    assert [r.parameters for r in model.rows() if r.parameters] == [320, 18_496, 1_179_776, 1_290]
    assert size(model) == 1_199_882


def test_the_network_of_tensorflow_1():
    parts = []
    for filters in (32, 64):
        parts += [Conv2D(filters, 5, padding="same", activation="relu"), MaxPooling2D()]
    parts += [Flatten(), Dense(1024, "relu"), Dropout(0.5), Dense(10)]
    model = tn.Sequential(parts, input_shape=(28, 28, 1), rng=seeded())
    assert [r.parameters for r in model.rows() if r.parameters] == [832, 51_264, 3_212_288, 10_250]
    assert size(model) == 3_274_634


@pytest.mark.parametrize(
    ("sizes", "number"),
    [
        ((64, 784), 101_200),
        ((32, 784), 50_992),
        ((512, 256, 128, 64, 128, 256, 512, 784), 1_149_520),
        ((1024, 1024, 1024, 1024, 1024, 784), 5_805_840),
    ],
    ids=["64", "32", "deep", "sparse"],
)
def test_the_autoencoders(sizes, number):
    x = y = tn.Input((784,))
    for units in sizes:
        y = Dense(units, kernel_initializer="zeros")(y)
    assert size(tn.Model(x, y)) == number


def test_the_encoder_of_cartoon_faces():
    x = y = tn.Input((256, 256, 3))
    for i, filters in enumerate((32, 64, 64, 64, 64), 1):
        y = Conv2D(filters, 3, strides=2, padding="same", name=f"conv_{i}")(y)
        y = LeakyReLU(name=f"lrelu_{i}")(BatchNormalization(name=f"bn_{i}")(y))
    y = Flatten()(y)
    outputs = [Dense(200, name="mean")(y), Dense(200, name="log_var")(y)]
    model = tn.Model(x, outputs, rng=seeded())
    assert [row.parameters for row in model.rows() if row.parameters] == [
        *(896, 128, 18_496, 256, 36_928, 256, 36_928, 256, 36_928, 256, 819_400, 819_400),
    ]
    assert (size(model), size(model, False)) == (1_770_128, 576)
    shapes = [row.shape for row in model.rows() if row.name.startswith("conv")]
    assert shapes == [(128, 128, 32), (64, 64, 64), (32, 32, 64), (16, 16, 64), (8, 8, 64)]


def test_the_decoder_of_cartoon_faces():
    parts = [Dense(4096), Reshape((8, 8, 64))]
    for filters in (64, 64, 64, 32):
        parts += [Conv2DTranspose(filters, 3, strides=2, padding="same"), BatchNormalization()]
        parts += [LeakyReLU()]
    parts += [Conv2DTranspose(3, 3, strides=2, padding="same", activation="sigmoid")]
    model = tn.Sequential(parts, input_shape=(200,), rng=seeded())
    rows = [row.parameters for row in model.rows() if row.parameters]
    assert rows == [823_296, *(36_928, 256) * 3, 18_464, 128, 867]
    assert (size(model), size(model, False)) == (954_307, 448)
    assert model.made_shape == (256, 256, 3)


# -- modes, devices, states, penalties -------------------------------------------------------------


def nested():
    x = tn.Input((4,))
    inner = tn.Model(x, Dropout(0.5)(Dense(4)(x)), rng=seeded())
    parts = [Dense(4), tn.Sequential([BatchNormalization(), inner]), Dense(2)]
    return tn.Sequential(parts, input_shape=(3,), rng=seeded())


def test_train_and_eval_reach_every_part():
    model = nested()
    assert model.eval() is model
    assert [module.training for module in model.modules()] == [False] * 8
    y = model(batch(5, 3)).numpy()
    assert y.tobytes() == model(batch(5, 3)).numpy().tobytes()
    assert model.train() is model
    assert [module.training for module in model.modules()] == [True] * 8
    assert (model(batch(5, 3)).numpy() != y).any()


# -- freezing --------------------------------------------------------------------------------------


def test_what_is_frozen_gets_no_gradient_and_goes_on_when_thawed():
    model = nested()
    part = model.layers[1]
    everything = [w.name for w in model.parameters()]
    untrained = [name for name, w in model.weights().items() if not w.requires_grad]
    model(batch(5, 3)).sum().backward()
    assert model.trainable and part.trainable
    part.trainable = False
    part.trainable = False  # twice is once
    assert not (model.trainable or part.trainable) and model.layers[0].trainable
    frozen = list(part.weights().values())
    assert [w.grad for w in frozen] == [None] * len(frozen)
    assert {id(w) for w in model.parameters()}.isdisjoint(map(id, frozen))
    assert list(model.weights()) == list(nested().weights())
    model(batch(5, 3)).sum().backward()
    assert [w.grad for w in frozen] == [None] * len(frozen)
    model.trainable = True
    assert [w.name for w in model.parameters()] == everything
    assert [name for name, w in model.weights().items() if not w.requires_grad] == untrained


def test_a_frozen_weight_that_was_computed_is_still_a_weight():
    model = Pair()
    model.start = tn.Tensor([1.0]) * 3
    model.start.requires_grad = True
    model.build((2,), seeded())
    model.trainable = False
    assert next(iter(model.weights())) == "start"
    model.trainable = True
    assert model.start.requires_grad


# -- devices and states ----------------------------------------------------------------------------


def test_a_move_that_fails_moves_nothing(monkeypatch):
    model = chain()
    model(batch(2, 28, 28, 1)).sum().backward()
    arrays = [(w.data, w.grad) for w in model.weights().values()]
    calls = iter(range(100))

    def full(array, device):
        if next(calls) == 3:
            raise MemoryError
        return array.copy()

    monkeypatch.setattr(parts, "move", full)
    with pytest.raises(MemoryError):
        model.to("gpu")
    for w, (data, grad) in zip(model.weights().values(), arrays, strict=True):
        assert w.data is data
        assert w.grad is grad


@pytest.mark.parametrize("kind", ["tensors", "arrays of the gpu"])
def test_a_state_may_hold_tensors_and_arrays_of_the_gpu(kind, pretended_gpu):
    model, other = chain(), chain()
    for w in other.weights().values():
        w.data += 1
    expected = other.state_dict()
    if kind == "tensors":
        model.load_state_dict(other.weights())
    else:
        state = other.state_dict()
        model.load_state_dict({name: move(w, "gpu") for name, w in state.items()})
    assert model.device == "cpu"
    for name, w in model.state_dict().items():
        assert type(w) is numpy.ndarray
        assert w.tobytes() == expected[name].tobytes()


def moved(device):
    """A network's outputs and gradients there, with weights that were moved there."""
    model = chain().to(device)
    assert {w.device for w in model.weights().values()} == {model.device} == {device}
    model(tn.Tensor(batch(2, 28, 28, 1)).to(device))
    y = model.eval()(tn.Tensor(batch(2, 28, 28, 1)).to(device))
    y.backward(tn.Tensor(batch(2, 10, seed=1)).to(device).data)
    assert {device_of(w.grad) for w in model.parameters()} == {device}
    state = model.state_dict()
    assert {type(w) for w in state.values()} == {numpy.ndarray}
    model.load_state_dict({name: w + 1 for name, w in state.items()})
    assert model.device == device
    for name, w in model.state_dict().items():
        numpy.testing.assert_array_equal(w, state[name] + 1)
    return [tn.Tensor(y.data).numpy(), *(tn.Tensor(w.grad).numpy() for w in model.parameters())]


def test_a_model_moves_to_a_device(device):
    for here, there in zip(moved("cpu"), moved(device), strict=True):
        numpy.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-4)


def test_a_model_moves_to_a_pretended_gpu_and_back(pretended_gpu):
    model = chain()
    model(batch(2, 28, 28, 1)).sum().backward()
    model.to("gpu")
    assert [w.grad for w in model.parameters()] == [None] * 6
    assert model.to("cpu").device == "cpu"


def test_a_state_comes_back_in_place_and_is_a_copy():
    model, other = nested(), nested()
    for w in other.weights().values():
        w.data += 1
    tensors = list(model.weights().values())
    arrays = [w.data for w in tensors]
    state = other.state_dict()
    model.load_state_dict(state)
    assert list(state) == list(model.weights())
    for (name, w), tensor, array in zip(model.weights().items(), tensors, arrays, strict=True):
        assert w is tensor
        assert w.data is array
        assert w.data.tobytes() == state[name].tobytes()
        assert w.data is not state[name]
    state["dense.bias"][...] = 9
    assert not (other.layers[0].bias.numpy() == 9).any()


def test_a_state_that_does_not_fit_is_told_in_full_and_changes_nothing():
    model = tn.Sequential([Dense(2), Dense(3)], input_shape=(4,), rng=seeded())
    before = model.state_dict()
    state = {name: w + 1 for name, w in before.items()}
    del state["dense.kernel"]
    state["dense.bias"] = ones(3)
    state["dense_1.kernel"] = ones(2, 3, dtype="float64")
    state["dense_1.bias"] = "bias"
    state["dense_2.kernel"] = ones(1, 1)
    message = (
        "Sequential: the state does not fit, 5 differences:\n"
        "  missing: dense.kernel (4, 2) float32\n"
        "  shape: dense.bias is (2,) here, and (3,) in what is loaded\n"
        "  dtype: dense_1.kernel is float32 here, and float64 in what is loaded\n"
        "  kind: dense_1.bias is an array here, and str in what is loaded\n"
        "  unexpected: dense_2.kernel (1, 1) float32\n"
        "Nothing was loaded. Build it as it was when it was saved."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        model.load_state_dict(state)
    for name, w in model.state_dict().items():
        assert w.tobytes() == before[name].tobytes()


def test_the_penalty_is_the_sum_over_all_parts_and_shared_ones_once():
    x = tn.Input((2,))
    shared = Dense(2, use_bias=False, kernel_initializer="ones", kernel_regularizer=L2(1))
    inner = tn.Model(x, shared(shared(x)))
    last = Dense(
        1, kernel_initializer="ones", kernel_regularizer=L1(0.5), activity_regularizer=L1(1)
    )
    model = tn.Sequential([inner, last], input_shape=(2,))
    assert model.penalty().item() == 4 + 1
    model(ones(3, 2))  # 2, 4, 8 in all three examples
    penalty = model.penalty()
    assert penalty.item() == 4 + 1 + 8
    penalty.backward()
    # L2: 2 w = 2.  Activity: w1 w1 w2 of ones, its mean over the examples: 2 * 2 * 2 / 2 = 4.
    numpy.testing.assert_array_equal(shared.kernel.grad, numpy.full((2, 2), 2 + 4))
    assert model.penalty().item() == 5


# -- errors ----------------------------------------------------------------------------------------

X = tn.Input((3,))
Y = tn.Input((2,))
P = tn.Input((8, 8, 1))
OPERATORS = (
    "Symbol: a value of the functional graph has no numbers yet, so operators do not work on it. "
    "Use layers: Add()([a, b]), Concatenate()([a, b]), Activation(function)(a)."
)
ONE = Dense(2, name="one")
ERRORS = {
    "a layer in the place of the list": (
        lambda: tn.Sequential(Dense(2)),
        TypeError,
        "Sequential: layers is Dense. Give a list, [Dense(10)].",
    ),
    "a number in the place of the list": (
        lambda: tn.Sequential(3, name="m"),
        TypeError,
        "Sequential 'm': layers is int. Give a list, [Dense(10)].",
    ),
    "a class in the place of a layer": (
        lambda: tn.Sequential([Flatten]),
        TypeError,
        "Sequential: Flatten is a class. Write Flatten(...).",
    ),
    "a word in the place of a layer": (
        lambda: tn.Sequential(["relu"]),
        TypeError,
        "Sequential: 'relu' is not a layer. Give a layer, for example Dense(10).",
    ),
    "a seed as generator": (
        lambda: tn.Sequential([], rng=0),
        TypeError,
        "Sequential: rng is int. Give a generator, numpy.random.default_rng(0).",
    ),
    "a seed as a graph's generator": (
        lambda: tn.Model(X, Flatten()(X), rng=0, name="m"),
        TypeError,
        "Model 'm': rng is int. Give a generator, numpy.random.default_rng(0).",
    ),
    "one name twice": (
        lambda: tn.Sequential([Dense(2, name="a"), Flatten(name="a")]),
        ValueError,
        "Sequential: two layers are called 'a'. Give them different names.",
    ),
    **{
        f"a name with a slash, {make.__name__}": (
            lambda make=make, given=given: make(*given, name="a/b"),
            ValueError,
            f"{make.__name__}: name must be a printable word without dots and slashes, received "
            "'a/b'.",
        )
        for make, given in ((tn.Sequential, ()), (tn.Model, (X, X)), (tn.Input, ((3,),)))
    },
    "an Input in a Sequential": (
        lambda: tn.Sequential([tn.Input((28, 28, 1)), Flatten()]),
        TypeError,
        "Sequential: an Input belongs to a graph, tn.Model. Here, leave it out and give the model "
        "input_shape=(28, 28, 1).",
    ),
    "a state that is none": (
        lambda: tn.Sequential(name="m").load_state_dict([ones(2)]),
        TypeError,
        "Sequential 'm': the state is list. Give what state_dict() or tn.load(path) returned.",
    ),
    "freezing before there are weights": (
        lambda: setattr(Dense(2, name="d"), "trainable", False),
        ValueError,
        "Dense 'd': it has no weights yet, as it has seen no input. Give the model input_shape= "
        "and rng=, call build(input_shape, rng), or call it once.",
    ),
    "one layer twice": (
        lambda: tn.Sequential([ONE, ONE]),
        ValueError,
        "Sequential: the layer Dense 'one' is already in it. Make a second one, or share it in a "
        "graph of Input and Model.",
    ),
    "one name twice in a graph": (
        lambda: tn.Model(X, Flatten(name="a")(Flatten(name="a")(X))),
        ValueError,
        "Model: two layers are called 'a'. Give them different names.",
    ),
    "nothing to take off": (
        lambda: tn.Sequential().pop(),
        ValueError,
        "Sequential: there is no layer to take off.",
    ),
    "no generator": (
        lambda: tn.Sequential([Dense(2)], input_shape=(3,)),
        ValueError,
        "Dense 'dense': there is no generator to draw its kernel with. Give the model, or the "
        "layer, rng=numpy.random.default_rng(0); a Module of your own takes it in "
        "build(input_shape, rng).",
    ),
    "weights before there are any": (
        lambda: tn.Sequential([tn.Sequential([Dense(2)])]).parameters(),
        ValueError,
        "Dense 'dense': it has no weights yet, as it has seen no input. Give the model "
        "input_shape= and rng=, call build(input_shape, rng), or call it once.",
    ),
    "layers that do not fit": (
        lambda: tn.Sequential([Conv2D(2, 3), MaxPooling2D(4)], input_shape=(5, 5, 1), rng=seeded()),
        ValueError,
        "MaxPooling2D 'max_pooling2d': input (N, 3, 3, C) is smaller than the window (4, 4). "
        "Use padding='same', a smaller window, or one pooling less.",
    ),
    "deep inside": (
        lambda: nested()(ones(2, 7)),
        ValueError,
        "Dense 'dense': input (N, 7) has 7 features, and its kernel takes 3. Give it (N, ..., 3).",
    ),
    "an input shape with the batch": (
        lambda: tn.Sequential([], input_shape=(None, 3)),
        ValueError,
        "Sequential: input_shape must be whole numbers of at least 1 without the batch, for "
        "example (28, 28, 1), received (None, 3). If None is the batch, leave it out. A length is "
        "a number, the longest; a Sequential takes shorter ones too.",
    ),
    "a length of None": (
        lambda: tn.Input((5, None)),
        ValueError,
        "Input: input_shape must be whole numbers of at least 1 without the batch, for example "
        "(28, 28, 1), received (5, None). A length is a number, the longest; a Sequential takes "
        "shorter ones too.",
    ),
    "pictures with the batch": (
        lambda: tn.Input((None, 28, 28, 1)),
        ValueError,
        "Input: input_shape must be whole numbers of at least 1 without the batch, for example "
        "(28, 28, 1), received (None, 28, 28, 1). If None is the batch, leave it out.",
    ),
    "a mask for a model": (
        lambda: tn.Sequential([Dense(2)])(ones(1, 3), mask=ones(1)),
        TypeError,
        "Sequential: a call takes no mask=. Its layers find the padding: begin with "
        "Embedding(..., mask_zero=True) or Masking().",
    ),
    "a second input by its name": (
        lambda: tn.Module()(ones(1, 3), code=ones(1)),
        TypeError,
        "Module: a call takes no code=. Several inputs come as one list: model([x, code]), "
        "forward(self, inputs).",
    ),
    "an Input of nothing": (
        lambda: tn.Input((0,)),
        ValueError,
        "Input: input_shape must be whole numbers of at least 1 without the batch, for example "
        "(28, 28, 1), received (0,).",
    ),
    "an array as input": (
        lambda: tn.Model(ones(3), X),
        TypeError,
        "Model: inputs is ndarray. Give a value that began with tn.Input(shape), or a list of such "
        "values.",
    ),
    "no outputs": (
        lambda: tn.Model(X, []),
        TypeError,
        "Model: outputs is list. Give a value that began with tn.Input(shape), or a list of such "
        "values.",
    ),
    "an Input left out": (
        lambda: tn.Model(X, Concatenate()([X, Y])),
        ValueError,
        "Model: an output depends on an Input (N, 2) that is not among the inputs. Add it to them.",
    ),
    "an input that nothing uses": (
        lambda: tn.Model([X, Y], Flatten()(X)),
        ValueError,
        "Model: no output depends on input 1, (N, 2). Leave it out, or use it.",
    ),
    "too few inputs": (
        lambda: tn.Model([X, Y], Concatenate()([X, Y]))(ones(1, 3)),
        ValueError,
        "Model: received 1 input(s), and it has 2: (N, 3), (N, 2). Give a list of "
        "them, in this order.",
    ),
    "too many inputs": (
        lambda: tn.Model([X], Flatten()(X))([ones(1, 3)] * 2),
        ValueError,
        "Model: received 2 input(s), and it has 1: (N, 3). Give it alone.",
    ),
    "too few shapes": (
        lambda: tn.Model([X, Y], Concatenate()([X, Y])).output_shape((3,)),
        ValueError,
        "Model: received 1 input(s), and it has 2: (N, 3), (N, 2). Give a list of "
        "them, in this order.",
    ),
    "pictures of another size, which every layer would take": (
        lambda: tn.Model(P, Conv2D(2, 3)(P), rng=numpy.random.default_rng(0))(ones(1, 6, 6, 1)),
        ValueError,
        "Model: input (N, 6, 6, 1) is not what its Input was made for, (N, 8, 8, 1). Reshape, pad "
        "or scale it, or build another model.",
    ),
    "a picture without a batch": (
        lambda: tn.Model(P, Flatten()(P))(ones(8, 8, 1)),
        ValueError,
        "Model: input (8, 8, 1) has no batch axis, and its Input was made for (N, 8, 8, 1). Add "
        "the batch: x[None].",
    ),
    "the second input without a batch": (
        lambda: tn.Model([X, Y], Concatenate()([X, Y]), name="two")([ones(1, 3), ones(2)]),
        ValueError,
        "Model 'two': input (2,) has no batch axis, and its Input was made for (N, 2). Add the "
        "batch: x[None].",
    ),
    "a shape of another size": (
        lambda: tn.Model(P, Flatten()(P), name="encoder").output_shape((6, 6, 1)),
        ValueError,
        "Model 'encoder': input (N, 6, 6, 1) is not what its Input was made for, (N, 8, 8, 1). "
        "Reshape, pad or scale it, or build another model.",
    ),
    "shapes that do not join": (
        lambda: Add()([X, Y]),
        ValueError,
        "Add: inputs (N, 3), (N, 2) must have equal shapes. Make them equal first, with Dense or a "
        "1x1 Conv2D.",
    ),
    "one value to join": (
        lambda: Add()(X),
        TypeError,
        "Add: it joins several inputs, received Symbol. Give a list of at least two, [a, b].",
    ),
    "two values where one is taken": (
        lambda: Flatten()([X, Y]),
        TypeError,
        "Flatten: it takes one input, received a list of 2. Join them first, "
        "Concatenate()([a, b]). If a layer with return_state=True gave it, take [0], or leave "
        "return_state out.",
    ),
    "a function of a value": (
        lambda: tn.relu(X),
        TypeError,
        "relu: x is Symbol((N, 3), Input). Give a tensor, an array or numbers.",
    ),
    "a module without forward": (
        lambda: tn.Module()(ones(1, 3)),
        NotImplementedError,
        "Module: it has no forward(x). Write one.",
    ),
    **{
        f"a value {how}": (lambda f=f: f(X), TypeError, OPERATORS)
        for how, f in {
            "plus": lambda x: x + x,
            "after plus": lambda x: 1 + x,
            "minus": lambda x: x - 1,
            "after minus": lambda x: 1 - x,
            "times": lambda x: x * 2,
            "after times": lambda x: 2 * x,
            "over": lambda x: x / 2,
            "under": lambda x: 1 / x,
            "to a power": lambda x: x**2,
            "as a power": lambda x: 2**x,
            "with sign": lambda x: -x,
            "with index": lambda x: x[0],
            "matmul": lambda x: x @ x,
            "plus an array": lambda x: ones(3) + x,
        }.items()
    },
}


@pytest.mark.parametrize("case", ERRORS)
def test_the_message_says_where_what_and_how_to_mend_it(case):
    make, kind, message = ERRORS[case]
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        make()


def test_an_error_in_a_layer_within_a_layer_names_the_inner_one():
    class Outer(Layer):
        def create(self, shape):
            self.inner = Dense(2, name="inner", rng=self.rng)
            self.inner.build((3,))

        def forward(self, x):
            return self.inner(x)

    with pytest.raises(ValueError, match=r"^Dense 'inner': input \(N, 4\) has 4 features"):
        Outer(rng=seeded())(ones(1, 4))


def test_a_frozen_batch_norm_keeps_its_statistics_and_normalizes_by_them():
    model = tn.Sequential([BatchNormalization(center=False, scale=False)], (3,), rng=seeded())
    norm, x = model.layers[0], 5 + batch(8, 3)
    norm.trainable = False
    assert not norm.trainable and not model.trainable
    numpy.testing.assert_allclose(model.train()(x).data, x / numpy.sqrt(1.001), rtol=1e-5)
    assert not norm.moving_mean.data.any()
    norm.trainable = True
    assert model.trainable
    model(x)
    assert norm.moving_mean.data.all()


def test_a_weight_frozen_through_one_part_is_frozen_for_the_other_that_shares_it():
    first, second = (Dense(3).build((3,), seeded(i)) for i in range(2))
    second.kernel = first.kernel
    first.trainable = False
    assert not second.trainable and second.parameters() == [second.bias]
    assert "kernel" in second.weights()
    second.trainable = True
    assert second.trainable and first.kernel.requires_grad
    assert not first.trainable  # its bias is frozen
    first.trainable = True
    assert first.trainable


def test_the_shapes_of_what_was_built_follow_its_layers():
    class Outer(tn.Module):
        def __init__(self):
            self.inner = tn.Sequential([Dense(5), Dense(2)])

        def forward(self, x):
            return self.inner(x)

    model = Outer().build((3,), seeded())
    assert model.output_shape((3,)) == (2,)
    model.inner.pop()
    assert model.output_shape((3,)) == (5,)
    assert [row.shape for row in model.rows()] == [(5,)]
    model.inner.add(Dense(7))
    assert model.output_shape((3,)) == (7,)
    assert [row.shape for row in model.rows()] == [(7,)]


def test_layers_that_are_unfrozen_one_by_one_make_the_model_trainable():
    model = tn.Sequential([Dense(4), Dropout(0.5), Dense(2)], (3,), rng=seeded())
    model.trainable = False
    for layer in model.layers:
        if layer.weights():
            layer.trainable = True
    assert model.trainable


def test_a_copy_knows_what_is_frozen():
    first, second = (Dense(3).build((3,), seeded(i)) for i in range(2))
    second.kernel = first.kernel
    model = tn.Sequential([first, second], (3,), rng=seeded())
    first.trainable = False
    twin = copy.deepcopy(model)
    assert twin.layers[1].kernel is twin.layers[0].kernel
    assert not twin.layers[1].trainable and not twin.layers[0].trainable
    twin.layers[1].trainable = True
    assert twin.layers[0].kernel.requires_grad and not first.kernel.requires_grad


def test_a_model_is_freed_with_its_last_name():
    model = Nested().build((4,), seeded())
    gone = weakref.ref(model)
    gc.collect()
    gc.disable()
    try:
        del model
        assert gone() is None
    finally:
        gc.enable()


def test_a_predict_that_fails_leaves_the_penalties_of_a_training():
    model = tn.Sequential([Dense(4, activity_regularizer=L1(1))], (3,), rng=seeded())
    model(batch(2, 3))
    with pytest.raises(ValueError):
        tn.predict(model, batch(2, 5))
    assert model.penalty().item() > 0


def test_after_ctrl_c_in_inference_everything_is_recorded_again(monkeypatch):
    class Interrupted(tn.no_grad):
        def __enter__(self):
            super().__enter__()
            raise KeyboardInterrupt

    model = tn.Sequential([Dense(4)], (3,), rng=seeded())
    monkeypatch.setattr("tinynet.models.module.no_grad", Interrupted)
    with pytest.raises(KeyboardInterrupt), inference():
        pass
    assert model.training and model(batch(2, 3)).requires_grad


# -- what a person sees and reaches for ------------------------------------------------------------


def test_a_layer_shows_its_arguments_and_what_is_known_once_it_is_built():
    layer = Dense(3, activation="relu", use_bias=False, name="out")
    assert repr(layer) == "Dense 'out'(units=3, activation='relu', use_bias=False)"
    layer.build((4,), seeded())
    assert repr(layer).endswith("): (N, 4) -> (N, 3), 12 parameters")
    assert repr(Flatten()) == "Flatten()"


def test_a_model_shows_its_parts_in_one_line_and_its_table_in_a_notebook():
    model = tn.Sequential([Dense(3), Dense(2, name="<b>")], input_shape=(4,), rng=seeded())
    assert repr(model) == ("Sequential(dense=Dense, <b>=Dense): (N, 4) -> (N, 2), 23 parameters")
    assert repr(tn.Sequential([Dense(1)] * 1)) == "Sequential(dense=Dense)"
    shown = model._repr_html_()
    assert shown.startswith("<pre>Model:") and "Total params: 23" in shown
    assert "&lt;b&gt;" in shown and "<b>" not in shown
    assert tn.Sequential([Dense(3)])._repr_html_() is None  # it has no weights to count yet


def test_the_layers_of_a_sequential_by_number_slice_and_name():
    model = tn.Sequential([Dense(3), Flatten(), Dense(2)], input_shape=(4,), rng=seeded())
    first, second, third = model
    assert [first, second, third] == model.layers and len(model) == 3
    assert (model[0], model[-1], model["dense_1"]) == (first, third, third)
    assert model[1:].layers == [second, third]
    assert (model[:1](ones(2, 4)).numpy() == first(ones(2, 4)).numpy()).all()
    with pytest.raises(KeyError, match=r"no layer is called 'out'\. There are \['dense', 'flat"):
        model["out"]
    assert bool(tn.Sequential())


def test_named_parameters_are_those_that_are_trained():
    model = tn.Sequential([Dense(3), Dense(2)], input_shape=(4,), rng=seeded())
    model[0].trainable = False
    assert [name for name, _ in model.named_parameters()] == ["dense_1.kernel", "dense_1.bias"]


def test_an_attribute_called_label_is_answered_with_another_name():
    class Told(tn.Module):
        def __init__(self):
            self.label = tn.layers.Embedding(10, 4)

    with pytest.raises(AttributeError, match=r"^Told: label is what errors call it"):
        Told()


def test_help_shows_every_argument_with_its_default_and_meaning():
    parameters = inspect.signature(tn.layers.Conv2D).parameters
    assert list(parameters)[:3] == ["filters", "kernel_size", "strides"]
    assert parameters["kernel_initializer"].default == "glorot_uniform"
    assert "others" not in parameters and "common" not in parameters
    for name in tn.layers.__all__:
        layer = getattr(tn.layers, name)
        for argument in inspect.signature(layer).parameters:
            described = rf"(^|\.  ) *(\w+, )*{argument}(, \w+)*: "
            assert re.search(described, layer.__doc__, re.MULTILINE), (name, argument)


def test_a_model_whose_forward_returns_nothing_says_so():
    class Nothing(tn.Module):
        def forward(self, x):
            x * 2

    class NoLayer(tn.layers.Layer):
        def forward(self, x):
            x * 2

    for make in (
        lambda: Nothing()(ones(2, 3)),
        lambda: Nothing().build((3,)),
        lambda: NoLayer()(ones(2, 3)),
    ):
        with pytest.raises(TypeError, match=r": forward returned nothing\. End it with `return y`"):
            make()


def test_a_step_never_searches_for_a_misspelt_name(rng, monkeypatch):
    """getattr(module, name, default) would: it took a tenth of a nested model's step."""

    def searched(name, *others):
        raise AssertionError(f"searched for {name}")

    inner = tn.Sequential([Dense(3, activation="relu"), BatchNormalization()])
    x = tn.Input((4,))
    model = tn.Model(x, Dense(1)(inner(x)), rng=rng)
    model(numpy.ones((5, 4), numpy.float32))
    monkeypatch.setattr("tinynet.messages.names.nearest", searched)
    optimizer = tn.optim.Adam(model.parameters())
    tn.fit(model, [(numpy.ones((5, 4)), numpy.ones((5, 1)))], tn.mse, optimizer, epochs=1)
