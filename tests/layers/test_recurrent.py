"""Recurrent layers and those around them: memory, masks, states, and what is said to bad input."""

from __future__ import annotations

import re

import numpy
import pytest

import tinynet as tn
from tinynet.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Masking,
    Reshape,
    SimpleRNN,
    Softmax,
    TimeDistributed,
)

CELLS = pytest.mark.parametrize("cell", [SimpleRNN, GRU, LSTM])


@pytest.fixture
def x(rng):
    return rng.standard_normal((3, 6, 4), numpy.float32)


@CELLS
def test_a_sequence_in_two_pieces_with_the_state_handed_over_is_the_sequence(cell, x, rng):
    layer = cell(5, return_sequences=True, return_state=True).build((6, 4), rng)
    whole, *last = layer(x)
    first, *state = layer(x[:, :2])
    second, *end = layer(x[:, 2:], initial_state=state)
    joined = numpy.concatenate([first.numpy(), second.numpy()], axis=1)
    numpy.testing.assert_allclose(joined, whole.numpy(), atol=1e-6)
    for a, b in zip(end, last, strict=True):
        numpy.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6)


@CELLS
def test_a_detached_state_stops_the_way_back(cell, x, rng):
    layer = cell(5, return_state=True).build((6, 4), rng)
    for detached in (False, True):
        first = tn.Tensor(x[:, :2], requires_grad=True)
        _, *state = layer(first)
        given = [h.detach() for h in state] if detached else state
        layer(x[:, 2:], initial_state=given)[0].sum().backward()
        assert (first.grad is None) == detached


@CELLS
def test_padding_changes_nothing_where_it_is_masked(cell, x, rng):
    """Not the outputs, and not the gradients: not even if it is no number."""
    layer = cell(5).build((6, 4), rng)
    lengths, found = [6, 2, 4], []
    padded = x.copy()
    for n, length in enumerate(lengths):
        padded[n, length:] = numpy.nan
    mask = numpy.arange(6) < numpy.array(lengths)[:, None]
    y = layer(padded, mask=mask)
    (y**2).sum().backward()
    found.append([w.grad for w in layer.parameters()])
    for w in layer.parameters():
        w.grad = None
    alone = [layer(x[n : n + 1, :length]) for n, length in enumerate(lengths)]
    numpy.testing.assert_allclose(
        y.numpy(), numpy.concatenate([a.numpy() for a in alone]), atol=1e-6
    )
    sum((a**2).sum() for a in alone).backward()
    for a, w in zip(found[0], layer.parameters(), strict=True):
        numpy.testing.assert_allclose(a, w.grad, atol=1e-5)


@CELLS
def test_the_gradient_through_forty_steps_is_that_of_differences(cell, rng):
    """Of the last state with respect to the first, in float64."""
    layer = cell(3, return_state=True).build((40, 2), rng)
    weights = [w.data.astype(numpy.float64) for w in layer.parameters()]
    x = rng.normal(size=(2, 40, 2))
    states = [rng.normal(size=(2, 3)) for _ in range(layer.states)]
    run = {SimpleRNN: tn.simple_rnn, GRU: tn.gru, LSTM: tn.lstm}[cell]

    def last(*start):
        return run(x, *start, *weights)[:, -1]

    tn.gradcheck(last, *states, rng=rng)


def test_an_initial_state_takes_the_dtype_of_the_weights_as_x_does(x, rng):
    layer = GRU(5).build((6, 4), rng)
    state = rng.normal(size=(3, 5))
    y = layer(x, initial_state=state)
    expected = layer(x, initial_state=state.astype("float32"))
    assert y.dtype == numpy.float32
    numpy.testing.assert_array_equal(y.numpy(), expected.numpy())


def test_a_penalty_on_the_output_leaves_the_states_out(x, rng):
    penalty = tn.regularizers.L2(1.0)
    layer = LSTM(5, return_state=True, activity_regularizer=penalty).build((6, 4), rng)
    y, *_ = layer(x)
    assert layer.penalty().item() == pytest.approx((y.numpy() ** 2).sum() / len(x), rel=1e-5)


def test_backward_reading_gives_the_mirror_image(x, rng):
    layer = GRU(5, return_sequences=True, go_backwards=True).build((6, 4), rng)
    mask = numpy.arange(6) < numpy.array([[6], [2], [4]])
    there = layer(x, mask=mask)
    layer.go_backwards = False
    mirrored = layer(x[:, ::-1], mask=mask[:, ::-1])
    numpy.testing.assert_array_equal(there.numpy(), mirrored.numpy())


def test_the_mask_of_a_layer_that_reads_backwards_is_turned_too(x, rng):
    """The second layer gets the steps in the order of the first one, padding first."""
    x[1, 2:] = x[2, 4:] = 0
    layers = [Masking(), GRU(5, return_sequences=True, go_backwards=True), GRU(3)]
    model = tn.Sequential(layers, input_shape=(6, 4), rng=rng)
    together = tn.predict(model, x)
    alone = [tn.predict(model, x[n : n + 1, :length]) for n, length in enumerate((6, 2, 4))]
    numpy.testing.assert_allclose(together, numpy.concatenate(alone), atol=1e-6)


def test_the_mask_ends_where_the_steps_end_and_two_masks_are_joined(x, rng):
    x[0, 4:], x[1, 5:], x[1, :2] = 0, 7, 0
    parts = [Masking(), Masking(7.0), GRU(5), Flatten(), Dense(2)]
    model = tn.Sequential(parts, input_shape=(6, 4), rng=rng)
    expected = [tn.predict(model, part) for part in (x[:1, :4], x[1:2, 2:5], x[2:])]
    numpy.testing.assert_allclose(tn.predict(model, x), numpy.concatenate(expected), atol=1e-6)


def test_cost_counts_both_products_of_a_step(rng):
    for cell, gates in ((SimpleRNN, 1), (GRU, 3), (LSTM, 4)):
        model = tn.Sequential([cell(8)], input_shape=(10, 4), rng=rng)
        assert tn.cost(model, (10, 4)).multiply_adds == 10 * (4 + 8) * gates * 8


def test_the_forget_gate_starts_open_and_keras_default_can_be_turned_off(rng):
    bias = LSTM(2, rng=rng).build((3, 4)).bias.numpy()
    numpy.testing.assert_array_equal(bias, [0, 0, 1, 1, 0, 0, 0, 0])
    assert not LSTM(2, unit_forget_bias=False, rng=rng).build((3, 4)).bias.numpy().any()


def test_an_encoder_hands_its_state_to_a_decoder_in_a_graph(rng):
    words, start = tn.Input((5, 3)), tn.Input((4, 2))
    _, h, c = LSTM(6, return_state=True)(words)
    y = LSTM(6, return_sequences=True)(start, initial_state=[h, c])
    model = tn.Model([words, start], Dense(7)(y), rng=rng)
    a, b = rng.random((2, 5, 3), numpy.float32), rng.random((2, 4, 2), numpy.float32)
    assert model([a, b]).shape == (2, 4, 7)
    encoder, decoder, dense = model.layers
    state = encoder(a)[1:]
    expected = dense(decoder(b, initial_state=state))
    numpy.testing.assert_array_equal(model([a, b]).numpy(), expected.numpy())


def test_a_mask_goes_through_a_graph_and_through_models_in_models(x, rng):
    x[1, 2:] = x[2, 4:] = 0
    parts = [Masking(), tn.Sequential([Dense(4), GRU(3, return_sequences=True)]), LSTM(2)]
    model = tn.Sequential(parts, input_shape=(6, 4), rng=rng)
    inside = tn.Sequential([tn.Sequential([Masking()]), *parts[1:]], input_shape=(6, 4))
    start = tn.Input((6, 4))
    h = start
    for part in parts:
        h = part(h)
    graph = tn.Model(start, h)
    expected = tn.predict(model, x)
    first = tn.Input((6, 4))
    masked = tn.Sequential([tn.Model(first, Masking()(first)), *parts[1:]], input_shape=(6, 4))
    after = tn.Model(first := tn.Input((6, 4)), parts[1](first))  # it gets a mask, and makes none
    given = tn.Sequential([Masking(), after, parts[2]], input_shape=(6, 4))
    for other in (inside, graph, masked, given):
        numpy.testing.assert_array_equal(tn.predict(other, x), expected)
    short = tn.predict(model, x[1:2, :2])
    numpy.testing.assert_allclose(short[0], expected[1], atol=1e-6)
    longer = tn.predict(tn.Sequential(parts[1:]), x)  # without Masking padding is data
    assert abs(longer[1] - expected[1]).max() > 1e-3


def test_a_state_has_no_mask_and_zeros_that_try_a_model_are_no_padding(x, rng):
    start = tn.Input((6, 4))
    y, h, _ = LSTM(5, return_sequences=True, return_state=True)(Masking()(start))
    model = tn.Model(start, [GRU(3)(y), Flatten()(h)], rng=rng)
    x[1, 2:] = 0
    assert [out.shape for out in model(x)] == [(3, 3), (3, 5)]
    words = tn.Sequential([Embedding(5, 4, mask_zero=True), GRU(3)], input_shape=(6,), rng=rng)
    assert tn.cost(model, (6, 4)).multiply_adds > 0 and tn.cost(words, (6,)).multiply_adds > 0


def test_both_directions_are_two_layers_and_their_states_come_in_order(x, rng):
    layer = Bidirectional(LSTM(2, return_sequences=True, return_state=True)).build((6, 4), rng)
    y, *states = layer(x)
    assert y.shape == (3, 6, 4) and [s.shape for s in states] == [(3, 2)] * 4
    forward, backward = layer.forward_layer(x), layer.backward_layer(x)
    numpy.testing.assert_array_equal(y.numpy()[..., :2], forward[0].numpy())
    numpy.testing.assert_array_equal(y.numpy()[..., 2:], backward[0].numpy()[:, ::-1])
    for a, b in zip(states, [*forward[1:], *backward[1:]], strict=True):
        numpy.testing.assert_array_equal(a.numpy(), b.numpy())
    named = Bidirectional(GRU(2, name="reader")).build((6, 4), rng)
    assert [part.name for _, part in named.children()] == ["reader", "backward_layer"]
    kernels = [part.kernel.numpy() for part in (layer.forward_layer, layer.backward_layer)]
    assert (kernels[0] != kernels[1]).any()


def test_what_is_kept_for_the_way_back_is_x_the_gates_and_the_states(rng):
    """For each step; cost finds it in the operation's own object."""
    model = tn.Sequential([LSTM(8)], input_shape=(10, 4), rng=rng)
    kept = [tn.cost(model, (steps, 4)).kept for steps in (10, 20, 40)]
    of_a_step = 4 * (4 + 4 * 8 + 3 * 8)  # float32: x, four gates; h, c and tanh(c)
    assert [kept[1] - kept[0], kept[2] - kept[1]] == [10 * of_a_step, 20 * of_a_step]


def test_a_model_with_masked_words_learns(rng):
    """Whether the last word before the padding is 1; padding itself tells nothing."""
    lengths = rng.integers(1, 8, 200)
    words = rng.integers(1, 5, (200, 8))
    labels = (words[numpy.arange(200), lengths - 1] == 1).astype(int)
    words[numpy.arange(8) >= lengths[:, None]] = 0
    layers = [Embedding(5, 8, mask_zero=True), GRU(16), Dense(2)]
    model = tn.Sequential(layers, input_shape=(8,), rng=rng)
    batches = tn.data.batches(words, labels, size=20, rng=rng)
    optimizer = tn.optim.Adam(model.parameters(), 0.01)
    tn.fit(model, batches, tn.cross_entropy, optimizer, epochs=12, progress=False)
    assert (tn.predict(model, words).argmax(axis=1) == labels).mean() > 0.97
    assert labels.mean() < 0.4  # more than who always says "no"


def test_a_word_of_number_0_is_padding_where_the_embedding_says_so(rng):
    words = numpy.array([[3, 1, 0, 0], [2, 0, 0, 0]])
    for mask_zero in (False, True):
        layers = [Embedding(5, 3, mask_zero=mask_zero), GRU(2)]
        model = tn.Sequential(layers, input_shape=(4,), rng=rng)
        together = tn.predict(model, words)
        alone = [tn.predict(model, words[n : n + 1, : 2 - n]) for n in range(2)]
        apart = abs(together - numpy.concatenate(alone)).max()
        assert apart < 1e-6 if mask_zero else apart > 1e-4


# -- masks that are lost --------------------------------------------------------------------------


class Reader(tn.Module):
    """A person's own model of words."""

    def __init__(self, mask_zero=False):
        self.embedding, self.cell = Embedding(5, 3, mask_zero=mask_zero), GRU(2)

    def forward(self, x):
        return self.cell(self.embedding(x), mask=x != 0)


def test_a_mask_that_nobody_hands_on_is_told(device):
    """On a GPU when numbers come to the host."""
    words = tn.Tensor(numpy.array([[1, 2, 0]]), device=device)
    model = Reader(mask_zero=True).build((3,), RNG)
    for call in (model, tn.Sequential([model]), Embedding(5, 3, mask_zero=True, rng=RNG)):
        call.build((3,)).to(device)
        with pytest.warns(tn.MistakeWarning, match=r"mask_zero=True does nothing where the layer"):
            call(words).numpy()
    with pytest.warns(tn.MistakeWarning, match=r"^Masking: it does nothing where it is called by"):
        Masking()(tn.Tensor(X, device=device)).numpy()


def test_a_mask_that_is_handed_on_or_not_needed_is_not_told():
    words = numpy.array([[1, 2, 0]])
    plain = Reader().build((3,), RNG)
    one = plain(tn.Tensor(words)).numpy()
    numpy.testing.assert_array_equal(one, plain(tn.Tensor(words[:, :2])).numpy())
    Reader(mask_zero=True).build((3,), RNG)(tn.Tensor(words[:, :2]))  # there is no padding
    Masking()(X + 1)
    embedding, masking = Embedding(5, 3, mask_zero=True), Masking()
    tn.Sequential([embedding, GRU(2)], (3,), rng=RNG)
    embedding(words)  # a look at the rows of a model
    tn.Model(start := tn.Input((3, 4)), GRU(2)(masking(start)), rng=RNG)
    masking(X)


def test_a_model_that_masks_by_hand_is_built_by_ones():
    """An input of zeros would be nothing but padding."""

    class Attends(Reader):
        def forward(self, x):
            rows = self.embedding(x)
            return self.cell(tn.attention(rows, rows, rows, mask=x.data > 0))

    for kind in (Reader, Attends):
        model = kind().build((3,), RNG)
        tn.cost(model, (3,))  # a dry run too
    model = Reader()
    model.embedding = Embedding(1, 3)  # the ones are no words of it
    assert model.build((3,), RNG).made_shape == (2,)
    assert tn.Sequential([Reader()]).build((3,), RNG).made_shape == (2,)


def test_steps_that_a_layer_between_makes_are_steps():
    layers = [GRU(6), Reshape((3, 2)), GRU(4)]
    assert tn.Sequential(layers, (3, 4), rng=RNG).made_shape == (4,)


# -- bad input -------------------------------------------------------------------------------------

RNG = numpy.random.default_rng(0)
X = numpy.zeros((2, 3, 4), "float32")
WORDS = numpy.array([[0, 1, 2], [2, 1, 0]])
ERRORS = {
    "no steps": (
        lambda: GRU(5, rng=RNG)(X[:, 0]),
        "GRU: input (N, 4) is no sequence of rows, and it takes (N, T, D): T steps of D features. "
        "Behind a recurrent layer, give that layer return_sequences=True. One sequence alone is "
        "x[None]; numbers one by one are x[..., None]; word numbers go through an Embedding.",
    ),
    "one sequence": (
        lambda: tn.Sequential([Embedding(5, 4), GRU(5)], (3,), rng=RNG)(WORDS[0]),
        "GRU 'gru': input (N, 4) is no sequence of rows, and it takes (N, T, D): T steps of D "
        "features. One sequence alone needs a batch axis: x[None].",
    ),
    "numbers one by one": (
        lambda: tn.Sequential([GRU(5)], (3, 1), rng=RNG)(X[..., 0]),
        "GRU 'gru': input (N, 3) is no sequence of rows, and it takes (N, T, D): T steps of D "
        "features. Numbers one by one are x[..., None].",
    ),
    "the last state for a layer of steps": (
        lambda: tn.Sequential([LSTM(5), Dense(4), Dropout(0.1), GRU(3)]),
        "GRU 'gru': it takes all steps, and LSTM 'lstm' before it gives the last one alone. Write "
        "LSTM(..., return_sequences=True).",
    ),
    "the last state for a layer at every step": (
        lambda: tn.Sequential([GRU(5), TimeDistributed(Dense(4))]),
        "TimeDistributed 'time_distributed': it takes all steps, and GRU 'gru' before it gives the "
        "last one alone. Write GRU(..., return_sequences=True).",
    ),
    "the last states of both directions": (
        lambda: tn.Sequential([Bidirectional(GRU(5)), Bidirectional(LSTM(4))]),
        "Bidirectional 'bidirectional_1': it takes all steps, and Bidirectional 'bidirectional' "
        "before it gives the last one alone. Write GRU(..., return_sequences=True).",
    ),
    "the last state in a graph": (
        lambda: LSTM(4)(Dropout(0.1)(GRU(5)(tn.Input((3, 4))))),
        "LSTM: it takes all steps, and GRU before it gives the last one alone. Write GRU(..., "
        "return_sequences=True).",
    ),
    "states in a Sequential": (
        lambda: tn.Sequential(
            [GRU(5, return_sequences=True, return_state=True), Dense(2)], (3, 4), rng=RNG
        ),
        "Dense 'dense': it takes one input, received a list of 2. Join them first, "
        "Concatenate()([a, b]). If a layer with return_state=True gave it, take [0], or leave "
        "return_state out.",
    ),
    "states in a graph": (
        lambda: Dense(2)(LSTM(5, return_state=True)(tn.Input((3, 4)))),
        "Dense: it takes one input, received a list of 3. Join them first, Concatenate()([a, b]). "
        "If a layer with return_state=True gave it, take [0], or leave return_state out.",
    ),
    "x and its mask": (
        lambda: GRU(5, rng=RNG)(tn.data.padded([X[0], X[0, :2]])),
        "GRU: its input is x and its mask in one list. Write x, mask = tn.data.padded(sequences), "
        "and call the layer with mask=mask; in a Sequential, put Masking() before it.",
    ),
    "words and their mask": (
        lambda: tn.Sequential([Embedding(5, 4)], rng=RNG)(tn.data.padded([[1, 2], [3]])),
        "Embedding 'embedding': it takes one input, received x and its mask. Write x, mask = "
        "tn.data.padded(sequences), and give x alone: Embedding(..., mask_zero=True) or Masking() "
        "finds the padding.",
    ),
    "ragged words": (
        lambda: tn.Sequential([Embedding(5, 4)], rng=RNG)([WORDS[0], WORDS[0, :2]]),
        "Embedding 'embedding': the sequences are not one array. Write x, mask = "
        "tn.data.padded(sequences), and give x.",
    ),
    "words that count from 0 beside padding": (
        lambda: Embedding(3, 4, mask_zero=True, rng=RNG)(WORDS + 1),
        "Embedding: index 3 is out of range: there are 3 rows, 0 to 2. 0 is padding, and words "
        "count from 1: input_dim is their number + 1.",
    ),
    "a state of another shape in a graph": (
        lambda: LSTM(5)(tn.Input((3, 4)), initial_state=[tn.Input((5,)), tn.Input((4,))]),
        "LSTM: state c has shape (N, 4), and must be (N, 5) for 5 units.",
    ),
    "a state for both directions": (
        lambda: Bidirectional(GRU(5), rng=RNG)(X, initial_state=X[:, 0]),
        "Bidirectional: it takes no initial state. Give one to each of two layers, GRU(...) and "
        "GRU(..., go_backwards=True), and join them: Concatenate()([a, b]).",
    ),
    "a state for both directions in a list": (
        lambda: Bidirectional(LSTM(5))([tn.Input((3, 4)), tn.Input((5,)), tn.Input((5,))]),
        "Bidirectional: it takes no initial state. Give one to each of two layers, LSTM(...) and "
        "LSTM(..., go_backwards=True), and join them: Concatenate()([a, b]).",
    ),
    "lengths as a mask": (
        lambda: GRU(5, rng=RNG)(X, mask=[3, 2]),
        "GRU: mask holds int64, and must be booleans. From lengths, write numpy.arange(3) < "
        "lengths[:, None].",
    ),
    "pictures": (
        lambda: GRU(5, rng=RNG)(X[..., None]),
        "GRU: input (N, 3, 4, 1) is no sequence of rows, and it takes (N, T, D): T steps of D "
        "features. Pictures go through TimeDistributed first, or Reshape((H, W * C)).",
    ),
    "ragged": (
        lambda: GRU(5, rng=RNG)([[[1.0], [2.0]], [[1.0]]]),
        "GRU: the sequences are not one array. Write x, mask = tn.data.padded(sequences), and call "
        "the layer with mask=mask; in a Sequential, put Masking() before it.",
    ),
    "ragged arrays": (
        lambda: GRU(5, rng=RNG)([X[0], X[0, :2]]),
        "GRU: the sequences are not one array. Write x, mask = tn.data.padded(sequences), and call "
        "the layer with mask=mask; in a Sequential, put Masking() before it.",
    ),
    "a mask in a graph": (
        lambda: GRU(5)(tn.Input((3, 4)), mask=numpy.ones((2, 3), bool)),
        "GRU: a graph takes no mask. Put Masking() before it, or Embedding(..., mask_zero=True).",
    ),
    "a mask beside a state in a graph": (
        lambda: GRU(5)(
            tn.Input((3, 4)), initial_state=tn.Input((5,)), mask=numpy.ones((2, 3), bool)
        ),
        "GRU: a graph takes no mask. Put Masking() before it, or Embedding(..., mask_zero=True).",
    ),
    "a mask of words in sentences": (
        lambda: tn.Sequential([Embedding(5, 3, mask_zero=True), TimeDistributed(GRU(2))], rng=RNG)(
            numpy.ones((2, 3, 4), int)
        ),
        "TimeDistributed 'time_distributed': its input has a mask of shape (2, 3, 4), and it hands "
        "on one of steps, (N, T). Mask the inner steps in a model of their own.",
    ),
    "both directions of a layer that reads backwards": (
        lambda: Bidirectional(GRU(5, go_backwards=True)),
        "Bidirectional: its layer reads backwards already. Leave go_backwards out: the copy reads "
        "backwards.",
    ),
    "batch normalization over padding": (
        lambda: tn.Sequential([Masking(), TimeDistributed(BatchNormalization())], rng=RNG)(X + 1),
        "TimeDistributed 'time_distributed': its input has a mask, and the normalization inside "
        "would count padding as data. Use LayerNormalization, which looks at one step alone.",
    ),
    "softmax over padding": (
        lambda: tn.Sequential([Masking(), Softmax(axis=1)], rng=RNG)(X + 1),
        "Softmax 'softmax': its input has a mask, and it would take padding for data. Put it "
        "behind a recurrent layer with return_sequences=False.",
    ),
    "states at every step": (
        lambda: TimeDistributed(GRU(5, return_state=True), rng=RNG)(X[..., None]),
        "TimeDistributed: its layer has several outputs. Leave return_state out.",
    ),
    "an empty sequence": (
        lambda: tn.gru(X[:, :0], X[:, 0], *WEIGHTS),
        "gru: the sequences are empty: x has no time steps. Give at least one.",
    ),
    "a mask of nothing": (
        lambda: GRU(5, rng=RNG)(X, mask=numpy.array([[True] * 3, [False] * 3])),
        "GRU: example 1 has no step that counts: its mask is False everywhere. Leave such "
        "examples out.",
    ),
    "an example of padding": (
        lambda: tn.Sequential([Masking(), GRU(5)], rng=RNG)(X),
        "GRU 'gru': example 0 has no step that counts: its mask is False everywhere. Leave such "
        "examples out.",
    ),
    "a mask of another shape": (
        lambda: GRU(5, rng=RNG)(X, mask=numpy.ones((3, 2), bool)),
        "GRU: mask must be (2, 3), received (3, 2).",
    ),
    "a mask of numbers": (
        lambda: GRU(5, rng=RNG)(X, mask=numpy.ones((2, 3))),
        "GRU: mask holds float64, and must be booleans. Write mask == 1.",
    ),
    "a state of another shape": (
        lambda: GRU(5, rng=RNG)(X, initial_state=numpy.zeros((2, 4), "float32")),
        "GRU: state h has shape (2, 4), and must be (2, 5) for x (2, 3, 4) and 5 units.",
    ),
    "one state of an LSTM": (
        lambda: LSTM(5, rng=RNG)(X, initial_state=numpy.zeros((2, 5), "float32")),
        "LSTM: initial_state must be a list of h and c, received 1.",
    ),
    "two states of a GRU": (
        lambda: GRU(5, rng=RNG)([X, X[:, 0], X[:, 0]]),
        "GRU: initial_state must be one tensor, received 2.",
    ),
    "other features": (
        lambda: GRU(5, rng=RNG).build((3, 4))(X[..., :3]),
        "GRU: input (N, 3, 3) has 3 features, and its kernel takes 4. Give it (N, T, 4).",
    ),
    "another activation": (
        lambda: SimpleRNN(5, activation="gelu"),
        'SimpleRNN: activation must be "tanh" or "relu", received \'gelu\'.',
    ),
    "a mask that would be lost": (
        lambda: tn.Sequential([Masking(), Flatten()], rng=RNG)(X + 1),
        "Flatten 'flatten': its input has a mask, and it would take padding for data. Put it "
        "behind a recurrent layer with return_sequences=False.",
    ),
    "a mask for a layer without time": (
        lambda: Dense(5, rng=RNG)(X, mask=numpy.ones((2, 3), bool)),
        "Dense: a call takes no mask. It takes x alone.",
    ),
    "no layer at every step": (
        lambda: TimeDistributed(3),
        "TimeDistributed: layer is int. Give a layer, for example Dense(10).",
    ),
    "no steps for a layer": (
        lambda: TimeDistributed(Dense(3), rng=RNG)(X[:, 0]),
        "TimeDistributed: input (N, 4) has no steps with numbers in them, and it takes (N, T, "
        "...). Behind a recurrent layer, give that layer return_sequences=True; numbers one by one "
        "are x[..., None].",
    ),
    "no recurrent layer in both directions": (
        lambda: Bidirectional(Dense(3)),
        "Bidirectional: layer is Dense. Give a new recurrent layer, for example GRU(32).",
    ),
    "a layer with weights in both directions": (
        lambda: Bidirectional(GRU(3, rng=RNG).build((3, 4))),
        "Bidirectional: layer is GRU, which has its weights. Give a new recurrent layer, for "
        "example GRU(32).",
    ),
    "a kernel of another size": (
        lambda: tn.gru(X, X[:, 0], WEIGHTS[0][:, :3], *WEIGHTS[1:]),
        "gru: kernel has shape (4, 3), and must be (4, 12) for x (2, 3, 4) and 4 units.",
    ),
}
WEIGHTS = [numpy.zeros(shape, "float32") for shape in ((4, 12), (4, 12), (2, 12))]


@pytest.mark.parametrize("mistake", ERRORS)
def test_bad_input_is_answered_with_the_whole_message(mistake):
    call, message = ERRORS[mistake]
    with pytest.raises((ValueError, TypeError), match=f"^{re.escape(message)}$"):
        call()
