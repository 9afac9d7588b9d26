"""cost: the lectures' own numbers, what pullbacks really hold, and a model that notices nothing."""

from __future__ import annotations

import math
import os

import numpy
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import tinynet as tn
from lessons import parts
from lessons.generate import dogs_vae, faces_networks, fashion_vae
from tinynet.devices.cpu import convolution, workspace
from tinynet.diagnosis.kept_memory import arrays_of, owner
from tinynet.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    MaxPooling2D,
)

MIB = 2**20
fashion, mnist, mnist_low_level = map(parts, ("fashion", "mnist", "mnist_low_level"))


class LowLevel(tn.Module):
    """The TF1 network of the lesson, which has neither layers nor a model."""

    def __init__(self, rng):
        self.w = mnist_low_level.model(rng)
        self.rng = rng

    def forward(self, x):
        return mnist_low_level.network(x, self.w, 0.5, self.rng)[0]


MODELS = {
    "Keras MNIST": mnist.model,
    "TF1": LowLevel,
    "Fashion-MNIST": fashion.model,
    "cartoon encoder": lambda rng: faces_networks.encoder(rng=rng),
    "dog encoder": dogs_vae.encoder,
}
SHAPES = {"TF1": (28, 28, 1)}


@pytest.fixture(scope="module")
def costs():
    """Of every lecture model, for one example."""
    rng = numpy.random.default_rng(0)
    return {name: tn.cost(model(rng), SHAPES.get(name)) for name, model in MODELS.items()}


def sliding(found):
    return [
        row for row in found.rows if row.receptive_field and not math.isinf(row.jump[0] or math.inf)
    ]


# -- the lectures' models --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fields", "jump"),
    [
        ("Keras MNIST", [3, 5, 6, 10, 14, 16], 4),
        ("TF1", [5, 6, 14, 16], 4),
        ("Fashion-MNIST", [3, 5, 6], 2),
        ("cartoon encoder", [3, 7, 15, 31, 63], 32),
        ("dog encoder", [5, 9, 17], 8),
    ],
)
def test_receptive_fields(costs, name, fields, jump):
    rows = sliding(costs[name])
    assert [row.receptive_field for row in rows] == [(n, n) for n in fields]
    assert rows[-1].jump == (jump, jump)


@pytest.mark.fast_form
@pytest.mark.parametrize(
    ("name", "batch", "row", "mebibytes"),
    [
        ("TF1", 1000, "conv2d_1", 598),
        ("cartoon encoder", 128, "conv_2", 576),
        ("cartoon encoder", 128, "conv_1", 216),
        ("Fashion-MNIST", 128, "conv2d_1", 81),
        ("Keras MNIST", 64, "conv2d_1", 40.5),
    ],
)
def test_columns_in_one_piece_and_bounded(name, batch, row, mebibytes, rng):
    found = tn.cost(MODELS[name](rng), SHAPES.get(name), batch)
    (line,) = [line for line in found.rows if line.name == row]
    assert line.columns == pytest.approx(mebibytes * MIB, rel=3e-4)
    assert line.workspace < line.columns / 2
    assert found.columns >= line.columns and found.workspace >= line.workspace


@pytest.mark.fast_form
def test_the_workspace_is_within_the_budget_whatever_the_batch(rng):
    with tn.workspace_budget("1 MiB"):
        for batch in (1, 1000, 100_000):
            found = tn.cost(LowLevel(rng), (28, 28, 1), batch)
            assert 0 < found.workspace <= found.budget == MIB
        found = tn.cost(faces_networks.encoder(rng=rng), batch=128)
        assert 0 < found.workspace <= MIB < found.columns


@pytest.mark.numpy_form
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("layer", [Conv2D, Conv2DTranspose])
@pytest.mark.parametrize("channels", [3, 8])  # transposed, the second is scattered
@pytest.mark.parametrize("batch", [1, 200])
def test_the_workspace_is_what_the_convolution_borrows(
    batch, channels, layer, stride, padding, rng, monkeypatch
):
    borrowed = []

    def watched(size):
        borrowed.append(size)
        return workspace.borrowed(size)

    monkeypatch.setattr(convolution, "borrowed", watched)
    model = tn.Sequential(
        [layer(4, 2, strides=stride, padding=padding)], input_shape=(7, 8, channels), rng=rng
    )
    with tn.workspace_budget("40 KB"):
        (row,) = tn.cost(model, batch=batch).rows
        borrowed.clear()
        with tn.no_grad():
            model(tn.Tensor(numpy.zeros((batch, 7, 8, channels), numpy.float32)))
    (size,) = set(borrowed)
    at_once = min(tn.get_threads(), len(borrowed), 40_000 // size)
    assert row.workspace == size * at_once


@pytest.mark.fast_form
def test_more_threads_take_more_workspace_until_the_budget_is_spent(rng):
    def told(threads):
        tn.set_threads(threads)
        found = tn.cost(mnist.model(rng), batch=64)
        (line,) = [line for line in str(found).splitlines() if line.startswith("Largest")]
        return found.workspace, line

    try:
        with tn.workspace_budget("12 MiB"):
            (one, line), (two, lines), (many, _) = (told(n) for n in (1, 2, 256))
    finally:
        tn.set_threads(None)
    assert two == 2 * one and one <= many <= 12 * MIB < many + one
    assert line.endswith(" MiB (1 thread, budget 12 MiB); in one piece 40.5 MiB")
    assert lines.endswith(" MiB (2 threads, budget 12 MiB); in one piece 40.5 MiB")


def test_on_a_gpu_the_columns_are_there_in_one_piece(rng, pretended_gpu):
    layers = [Conv2D(4, 3), Conv2DTranspose(2, 3, strides=2)]
    model = tn.Sequential(layers, input_shape=(8, 8, 1), rng=rng).to("gpu")
    found = tn.cost(model, batch=10)
    assert [row.workspace for row in found.rows] == [row.columns for row in found.rows]
    assert found.columns == 10 * 6 * 6 * max(9 * 1, 9 * 2) * 4
    assert found.threads is found.budget is None
    assert "workspace: 25.3 KiB, the columns in one piece\n" in str(found)


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    [
        ("Keras MNIST", 597_738, 10_235_008),
        ("TF1", 3_274_634, 13_883_904),
        ("Fashion-MNIST", 1_199_882, 11_992_448),
        ("cartoon encoder", 1_770_128, 140_836_864),
        ("dog encoder", 4_634_240, 46_923_776),
    ],
)
def test_parameters_and_multiply_adds_of_one_example(costs, name, parameters, multiply_adds):
    assert costs[name].parameters == parameters
    assert sum(row.parameters for row in costs[name].rows) == parameters
    assert costs[name].multiply_adds == multiply_adds


def test_multiply_adds_by_hand(costs):
    rows = {row.name: row.multiply_adds for row in costs["Keras MNIST"].rows}
    assert rows["conv2d_1"] == 24 * 24 * 32 * 3 * 3 * 32
    assert rows["dense"] == 1024 * 512
    assert rows["batch_normalization"] == rows["max_pooling2d"] == rows["flatten"] == 0


def test_the_shapes_and_parameters_are_those_of_the_summary(costs):
    model = mnist.model(numpy.random.default_rng(0))
    seen = [(r.name, r.kind, r.shape, r.parameters) for r in costs["Keras MNIST"].rows]
    assert seen == [(r.name, r.kind, r.shape, r.parameters) for r in model.rows()]


# -- what is read from the run ---------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_kept_is_what_a_real_batch_holds(batch, rng):
    layers = [Conv2D(4, 3, activation="relu"), BatchNormalization(), MaxPooling2D(), LeakyReLU()]
    layers += [Flatten(), Dropout(0.5), Dense(6, activation="sigmoid"), Dense(2)]
    model = tn.Sequential(layers, input_shape=(8, 8, 1), rng=rng)
    found = tn.cost(model, batch=batch)
    y = model(tn.Tensor(numpy.zeros((batch, 8, 8, 1), numpy.float32)))
    weights = {id(owner(w.data)) for w in model.weights().values()}
    held, waiting = {}, [y._record]
    while waiting:
        for source, pullback in waiting.pop()._edges:
            if source._edges is not None:
                waiting.append(source)
            for whole in map(owner, arrays_of(pullback)):
                held[id(whole)] = whole
    assert found.kept == sum(a.nbytes for key, a in held.items() if key not in weights)


def test_an_array_that_two_layers_need_is_counted_in_the_first(rng):
    model = tn.Sequential([Dense(4, activation="relu"), Dense(2)], input_shape=(3,), rng=rng)
    first, second = tn.cost(model, batch=10).rows
    assert (first.kept, second.kept) == (10 * 3 * 4 + 10 * 4 * 4, 0)  # x and relu's y; the same y


def test_what_does_not_grow_with_the_batch_is_not_multiplied(rng):
    model = tn.Sequential([Dense(3), BatchNormalization()], input_shape=(3,), rng=rng)
    one, ten = (tn.cost(model, batch=batch).rows[1].kept for batch in (1, 10))
    channels = 3 * 3 * 4  # mean, 1 / deviation, and that times gamma, of each channel
    assert (one, ten) == (1 * 3 * 4 + channels, 10 * 3 * 4 + channels)


def test_frozen_weights_keep_nothing_but_what_those_before_them_need(rng):
    model = tn.Sequential([Dense(4, activation="relu"), Dense(2)], input_shape=(3,), rng=rng)
    model.trainable = False
    assert tn.cost(model).kept == 0
    model = tn.Sequential([Dense(4), Dense(5), Dense(2)], input_shape=(3,), rng=rng)
    model.layers[1].trainable = False
    assert [row.kept for row in tn.cost(model).rows] == [3 * 4, 0, 5 * 4]  # each one's x, for dw


def test_a_transposed_convolution_counts_as_its_convolution_does(rng):
    up = Conv2DTranspose(5, (3, 2), strides=2, padding="same")
    model = tn.Sequential([up], input_shape=(4, 6, 7), rng=rng)
    (row,) = tn.cost(model, batch=3).rows
    assert row.multiply_adds == 3 * 4 * 6 * 7 * (3 * 2 * 5)
    assert row.columns == 3 * 4 * 6 * (3 * 2 * 5) * 4
    assert row.receptive_field == (2, 1) and row.jump == (0.5, 0.5)


def test_products_of_vectors_and_of_stacks(rng):
    class Products(tn.Module):
        def __init__(self):
            self.w = tn.Tensor(numpy.ones((4, 5), numpy.float32), requires_grad=True)
            self.v = tn.Tensor(numpy.ones(5, numpy.float32), requires_grad=True)

        def forward(self, x):
            return (x @ self.w) @ self.v

    first, second = tn.cost(Products(), (3, 4), batch=2).rows
    assert (first.multiply_adds, second.multiply_adds) == (2 * 3 * 5 * 4, 2 * 3 * 5)
    assert (first.parameters, second.parameters) == (20, 5)


def test_an_input_may_be_a_list():
    class Lists(tn.Module):
        def forward(self, x):
            return tn.linear(x @ [[1.0], [2.0]], [[3.0]])

    assert [row.multiply_adds for row in tn.cost(Lists(), (2,), batch=3).rows] == [6, 3]


class Scaled(Conv2D):
    """Sums over its kernel, which comes from no picture."""

    def forward(self, x):
        return super().forward(x) * self.kernel.mean()


@pytest.mark.parametrize("layer", [Conv2D, Scaled])
def test_the_field_of_a_layer_is_that_of_its_output_whatever_else_it_computes(layer, rng):
    layer = layer(2, 3, activity_regularizer=tn.regularizers.L2(0.1))
    (row,) = tn.cost(tn.Sequential([layer], input_shape=(8, 8, 1), rng=rng)).rows
    assert (row.receptive_field, row.jump) == ((3, 3), (1, 1))
    layer.activity_regularizer = None
    (row,) = tn.cost(tn.Sequential([layer], input_shape=(8, 8, 1), rng=rng)).rows
    assert (row.receptive_field, row.jump) == ((3, 3), (1, 1))


# -- operations of the user ------------------------------------------------------------------------


def forward_of(operation):
    class Own(tn.Module):
        def forward(self, x):
            return operation(x)

    return Own()


@pytest.mark.parametrize("name", ["conv2d", "conv2d_transpose", "linear", "matmul", "max_pool2d"])
def test_an_operation_that_declares_nothing_costs_nothing_whatever_its_name(name):
    def double(x):
        return x * 2, lambda dy: dy * 2

    double.__name__ = name
    (row,) = tn.cost(forward_of(tn.differentiable(double)), (8, 8, 1), batch=4).rows
    assert (row.name, row.shape) == (name, (8, 8, 1))
    assert (row.multiply_adds, row.columns, row.workspace, row.receptive_field) == (0, 0, 0, None)


def depthwise_work(y, x, w, stride: int = 1):
    KH, KW, _ = w.shape
    return tn.Work(y.size * KH * KW, window=(KH, KW), stride=(stride, stride))


@tn.differentiable(work=depthwise_work)
def depthwise(x, w, stride: int = 1):
    """A kernel for each channel.  x (N, H, W, C), w (KH, KW, C) -> (N, OH, OW, C)"""
    windows = sliding_window_view(x, w.shape[:2], (1, 2))[:, ::stride, ::stride]
    y = numpy.einsum("nijcuv,uvc->nijc", windows, w)

    def dx(dy):
        dx = numpy.zeros_like(x)
        for u, v in numpy.ndindex(w.shape[:2]):
            pixels = dx[:, u : u + dy.shape[1] * stride : stride]
            pixels[:, :, v : v + dy.shape[2] * stride : stride] += dy * w[u, v]
        return dx

    return y, (dx, lambda dy: numpy.einsum("nijcuv,nijc->uvc", windows, dy))


def test_an_operation_of_the_user_costs_what_it_declares(rng):
    w = tn.Tensor(numpy.ones((3, 2, 4), numpy.float32), requires_grad=True)
    own = forward_of(lambda x: depthwise(x, w, stride=2))
    own.w = w
    before, after = Conv2D(4, 3), Conv2D(5, 2)
    model = tn.Sequential([before, own, after], input_shape=(12, 12, 1), rng=rng)
    first, row, last = tn.cost(model, batch=5).rows
    assert first.shape == (10, 10, 4)
    assert (row.name, row.kind, row.shape) == ("own.depthwise", "operation", (4, 5, 4))
    assert row.multiply_adds == 5 * 4 * 5 * 4 * (3 * 2)
    assert row.parameters == 3 * 2 * 4
    assert (row.receptive_field, row.jump) == ((3 + 2, 3 + 1), (2, 2))
    assert (last.receptive_field, last.jump) == ((5 + 2, 4 + 2), (2, 2))
    tn.gradcheck(
        lambda x, w: depthwise(x, w, stride=2), rng.random((2, 5, 6, 3)), rng.random((3, 2, 3))
    )


# -- models of every form --------------------------------------------------------------------------


def test_a_graph_with_branches_has_the_larger_field_after_they_meet(rng):
    x = tn.Input((12, 12, 3))
    short = Conv2D(4, 1)(x)
    long = Conv2D(4, 5, padding="same")(Conv2D(4, 3, padding="same")(x))
    last = Conv2D(2, 3)(Add()([short, long]))
    rows = tn.cost(tn.Model(x, last, rng=rng)).rows
    assert [row.receptive_field for row in rows] == [(1, 1), (3, 3), (7, 7), None, (9, 9)]


def test_several_inputs_and_outputs(rng):
    a, b = tn.Input((4,)), tn.Input((4,))
    shared = Dense(3, name="shared")
    model = tn.Model([a, b], [Dense(2)(Add()([shared(a), shared(b)])), shared(a)], rng=rng)
    for found in (tn.cost(model), tn.cost(model, [(4,), (4,)])):
        assert [(row.name, row.parameters, row.multiply_adds) for row in found.rows] == [
            ("shared", 15, 12),
            ("shared", 0, 12),
            ("add", 0, 0),
            ("dense", 8, 6),
            ("shared", 0, 12),
        ]
        assert found.parameters == 23
    assert "Field" not in str(found) and "Columns" not in str(found)  # there are no pictures


def test_a_module_of_parts_and_operations(rng):
    found = tn.cost(fashion_vae.model(16, rng), (32, 32, 1))
    names = [(row.name, row.kind) for row in found.rows]
    assert names[0] == ("encoder.conv2d", "Conv2D")
    assert ("sample_gaussian", "operation") in names
    assert names[-1] == ("decoder.conv2d_transpose_2", "Conv2DTranspose")
    assert found.rows[-1].receptive_field == (math.inf, math.inf)
    assert found.rows[-1].shape == (32, 32, 1)


def test_operations_of_a_part_have_its_name_and_are_numbered(rng):
    class Block(tn.Module):
        def forward(self, x):
            return tn.relu(tn.relu(x))

    class Whole(tn.Module):
        def __init__(self):
            self.block = Block()

        def forward(self, x):
            return self.block(tn.relu(x))

    names = [row.name for row in tn.cost(Whole(), (4,)).rows]
    assert names == ["relu", "block.relu", "block.relu_1"]


def test_the_activation_of_a_layer_is_in_its_row(rng):
    model = tn.Sequential([Dense(4, activation=LeakyReLU())], input_shape=(3,), rng=rng)
    (row,) = tn.cost(model).rows
    assert (row.name, row.kept) == ("dense", 3 * 4 + 4 * 4)


# -- nothing changes -------------------------------------------------------------------------------


def test_the_model_notices_nothing(rng):
    def trained(look):
        rng = numpy.random.default_rng(0)
        layers = [Dense(4, activity_regularizer=tn.regularizers.L1(0.1)), BatchNormalization()]
        model = tn.Sequential([*layers, Dropout(0.5), Dense(1)], input_shape=(3,), rng=rng)
        x = tn.Tensor(numpy.random.default_rng(1).random((8, 3), numpy.float32))
        optimizer = tn.optim.SGD(model.parameters(), 0.1)
        for _ in range(2):
            y = model(x)
            if look:
                for _ in range(40):  # more than the penalties that may wait
                    tn.cost(model.eval())
                assert not model.training
                model.train()
            (y.sum() + model.penalty()).backward()
            if look:
                tn.cost(model)
            optimizer.step()
            optimizer.zero_grad()
        return [a.tobytes() for a in model.state_dict().values()], model.rng.random()

    assert trained(True) == trained(False)


def test_it_says_the_same_under_no_grad_and_inside_the_doctor(rng):
    class Ratio(tn.Module):
        def __init__(self):
            self.w = tn.Tensor([1.0], requires_grad=True)

        def forward(self, x):
            return x * self.w / x  # 0 / 0, for zeros

    rows = tn.cost(Ratio(), (2,)).rows
    with tn.no_grad():
        assert tn.cost(Ratio(), (2,)).rows == rows
        assert not (tn.Tensor([1.0], requires_grad=True) * 2).requires_grad
    with tn.doctor():
        assert tn.cost(Ratio(), (2,)).rows == rows
    assert rows[0].kept > 0


# -- the table -------------------------------------------------------------------------------------


@pytest.mark.numpy_form
def test_the_table(rng, capsys):
    layers = [Conv2D(8, 3, name="edges"), Activation("relu"), MaxPooling2D((2, 1)), Flatten()]
    model = tn.Sequential([*layers, Dense(10)], input_shape=(8, 8, 1), rng=rng, name="small")
    tn.set_threads(3)
    try:
        found = tn.cost(model, batch=32)
    finally:
        tn.set_threads(None)
    printed = capsys.readouterr().out
    assert printed == f"{found}\n"
    workspace, largest = "40.7 KiB", "40.7 KiB (3 threads, budget 64 MiB); in one piece 40.5 KiB"
    if os.environ.get("TINYNET_PLAIN") == "1":  # no tiles
        workspace, largest = "40.5 KiB", "40.5 KiB, the columns in one piece"
    assert [line.split("   ")[0].strip() for line in printed.splitlines()][4:9] == [
        "edges (Conv2D)",
        "activation (Activation)",
        "max_pooling2d (MaxPooling2D)",
        "flatten (Flatten)",
        "dense (Dense)",
    ]
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert lines[0] == 'Cost of "small", batch of 32'
    assert lines[2] == (
        "Layer (type) Output shape Param # Multiply-adds Kept Columns Workspace Field Jump"
    )
    assert lines[4] == f"edges (Conv2D) (None, 6, 6, 8) 80 82,944 8 KiB 40.5 KiB {workspace} 3 1"
    assert lines[6] == "max_pooling2d (MaxPooling2D) (None, 3, 6, 8) 0 0 18 KiB 4x3 2x1"
    assert lines[8] == "dense (Dense) (None, 10) 1,450 46,080 0 all"
    assert lines[10:] == [
        "Total params: 1,530 (5.98 KB)",
        "Multiply-adds, forward: 129,024",
        "Kept for backward: 62 KiB",
        f"Largest workspace: {largest}",
        "Field: the pixels that a number sees; jump: from its field to the next",
        "_" * len(printed.splitlines()[1]),
    ]
    assert repr(found) == (
        "Cost('small', batch=32: 1,530 parameters, 129,024 multiply-adds, 62 KiB kept)"
    )


# -- errors ----------------------------------------------------------------------------------------


def dense(rng):
    return tn.Sequential([Dense(2)], input_shape=(3,), rng=rng)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda rng: tn.cost([Dense(2)], (3,)),
            TypeError,
            r"^cost: model is \[Dense\(units=2\)\]\. Give a model, for example tn\.Sequential\.$",
        ),
        (
            lambda rng: tn.cost(tn.Sequential([Dense(2)], rng=rng), (3,)),
            ValueError,
            r"^Dense 'dense': it has no weights yet, .* Give the model input_shape= and rng=",
        ),
        (
            lambda rng: tn.cost(LowLevel(rng)),
            ValueError,
            r"^cost: LowLevel was built for no shape\. Give input_shape, the shape of one exam",
        ),
        (
            lambda rng: tn.cost(dense(rng), (4,)),
            ValueError,
            r"^Dense 'dense': input \(N, 4\) has 4 features, and its kernel takes 3\.",
        ),
        (
            lambda rng: tn.cost(dense(rng), (None, 3)),
            ValueError,
            r"^cost: input_shape must be whole numbers of at least 1 without the batch",
        ),
        (
            lambda rng: tn.cost(dense(rng), batch=0),
            ValueError,
            r"^cost: batch must be a whole number of at least 1, received 0\.$",
        ),
    ],
    ids=["no module", "unbuilt", "no shape", "wrong shape", "with the batch", "batch"],
)
def test_errors_say_the_fix(call, error, message, rng):
    with pytest.raises(error, match=message):
        call(rng)


def test_a_model_that_depends_on_the_batch_is_refused():
    class Odd(tn.Module):
        def forward(self, x):
            return tn.exp(x) if len(x) == 2 else tn.log(x)

    with pytest.raises(ValueError, match=r"^cost: Odd computes other operations for 3 examples th"):
        tn.cost(Odd(), (2,))


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda y: tn.Work(1), "failed: .*takes 1 positional argument.*Its parameters are y and "),
        (lambda y, x: 7, r"returned int\. Return tn\.Work\(\.\.\.\)\."),
    ],
)
def test_a_wrong_declaration_names_the_operation(work, message, rng):
    @tn.differentiable(work=work)
    def swish(x):
        return x, lambda dy: dy

    model = tn.Sequential([Dense(2, activation=swish)], input_shape=(3,), rng=rng)
    where = r"^Dense 'dense': swish: the function work of its @differentiable "
    with pytest.raises(TypeError, match=where + message):
        tn.cost(model)
