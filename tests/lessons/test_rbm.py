"""The lessons rbm and dbn: a 3-2 machine, of which every state can be visited, and its learning."""

from __future__ import annotations

import itertools

import numpy
import pytest

import tinynet as tn
from lessons.autoencode import dbn, rbm
from lessons.autoencode.boltzmann import RBM, log_conditional, pseudo_likelihood

V = numpy.array(list(itertools.product([0.0, 1.0], repeat=3)))  # (8, 3)
H = numpy.array(list(itertools.product([0.0, 1.0], repeat=2)))  # (4, 2)
NAMES = ("kernel", "visible_bias", "hidden_bias")


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


@pytest.fixture
def machine(rng):
    """3-2, in float64, with weights that matter."""
    made = RBM(3, 2, rng)
    for name in NAMES:
        w = getattr(made, name)
        w.data = rng.normal(0, 1, w.shape)
    return made


@pytest.fixture
def data(rng):
    """The probabilities of the eight v, as the data have them."""
    p = rng.random(8)
    return p / p.sum()


def joint(machine):
    """p(v, h) of the 32 states, straight from the definition.  (8, 4)"""
    W, b, c = (getattr(machine, name).data for name in NAMES)
    energy = numpy.array([[-(b @ v) - c @ h - v @ W @ h for h in H] for v in V])
    p = numpy.exp(-energy)
    return p / p.sum()


def given(p):
    """Each row made a distribution."""
    return p / p.sum(axis=1, keepdims=True)


def gradients(machine, loss):
    for p in machine.parameters():
        p.grad = None
    loss.backward()
    return [getattr(machine, name).grad for name in NAMES]


def statistics(p, machine):
    """<v h>, <v>, <h> where v has the probabilities p (8,), and h = p(h = 1 | v)."""
    h = given(joint(machine)) @ H  # (8, 2)
    return [(V * p[:, None]).T @ h, p @ V, p @ h]


# -- the machine: every state ----------------------------------------------------------------------


def test_energy_of_every_state(machine):
    v, h = numpy.repeat(V, 4, axis=0), numpy.tile(H, (8, 1))
    p = numpy.exp(-machine.energy(v, h).numpy())
    numpy.testing.assert_allclose((p / p.sum()).reshape(8, 4), joint(machine), rtol=1e-12)


def test_the_sum_over_the_hidden_bits_is_exp_of_minus_the_free_energy(machine):
    for v in V:
        energy = machine.energy(numpy.tile(v, (4, 1)), H).numpy()
        F = machine.free_energy(v[None]).item()
        assert numpy.exp(-energy).sum() == pytest.approx(numpy.exp(-F), rel=1e-12)


def test_differences_of_free_energy_are_ratios_of_probabilities(machine):
    p, F = joint(machine).sum(axis=1), machine.free_energy(V).numpy()
    numpy.testing.assert_allclose(F[0] - F, numpy.log(p / p[0]), atol=1e-12)


def test_the_conditional_probabilities(machine):
    p = joint(machine)
    exact = given(p) @ H
    numpy.testing.assert_allclose(machine.hidden_given_visible(V).numpy(), exact, rtol=1e-12)
    numpy.testing.assert_allclose(machine(V).numpy(), exact, rtol=1e-12)
    numpy.testing.assert_allclose(machine.visible_given_hidden(H).numpy(), given(p.T) @ V)


def test_free_energy_has_the_gradients_of_finite_differences(machine, rng):
    v = rng.random((4, 3))

    def F(W, b, c):
        machine.kernel, machine.visible_bias, machine.hidden_bias = W, b, c
        return machine.free_energy(v)

    assert tn.gradcheck(F, *[getattr(machine, name).data for name in NAMES])


def test_gibbs_steps_have_the_frequencies_of_the_exact_transitions(machine, rng):
    p = joint(machine)
    T = given(p) @ given(p.T)  # (8, 8): v -> h -> v
    for k in (1, 2):
        start = numpy.tile(V[5], (20_000, 1))
        v, probabilities = machine.gibbs(start, k, rng)
        counts = numpy.bincount((v.numpy() @ [4, 2, 1]).astype(int), minlength=8) / len(start)
        exact = numpy.linalg.matrix_power(T, k)[5]
        error = numpy.sqrt(exact * (1 - exact) / len(start))
        assert (abs(counts - exact) < 4 * error).all()
        assert abs(probabilities.numpy().mean(axis=0) - exact @ V).max() < 0.02


def test_long_chains_reach_the_machines_own_distribution(machine, rng):
    start = numpy.tile(V[5], (20_000, 1))
    v, _ = machine.gibbs(start, 50, rng)
    counts = numpy.bincount((v.numpy() @ [4, 2, 1]).astype(int), minlength=8) / len(start)
    exact = joint(machine).sum(axis=1)
    assert (abs(counts - exact) < 4 * numpy.sqrt(exact * (1 - exact) / len(start))).all()


# -- pseudo-likelihood -----------------------------------------------------------------------------


def test_each_pixel_guessed_from_the_others(machine):
    p = joint(machine).sum(axis=1)
    for n, v in enumerate(V):
        for i in range(3):
            other = v.copy()
            other[i] = 1 - v[i]
            m = int(other @ [4, 2, 1])
            exact = numpy.log(p[n] / (p[n] + p[m]))
            got = log_conditional(machine, v[None], numpy.array([i])).item()
            assert got == pytest.approx(exact, abs=1e-12)


def test_the_drawn_pseudo_likelihood_has_the_right_mean(machine, rng):
    each = [log_conditional(machine, V, numpy.full(8, i)).numpy() for i in range(3)]
    exact = numpy.sum(each, axis=0)  # (8,): summed over all pixels
    got = [pseudo_likelihood(machine, V, rng) for _ in range(2000)]
    error = numpy.std(got) / numpy.sqrt(len(got))
    assert abs(numpy.mean(got) - exact.mean()) < 4 * error


# -- learning --------------------------------------------------------------------------------------


def test_the_gradient_of_the_free_energies_is_the_textbooks_formula(machine, rng):
    seen, model = rng.random((6, 3)), rng.random((5, 3))
    W, c = machine.kernel.data, machine.hidden_bias.data
    h, dreamt = sigmoid(c + seen @ W), sigmoid(c + model @ W)
    right = [
        -(seen.T @ h / 6 - model.T @ dreamt / 5),
        -(seen.mean(axis=0) - model.mean(axis=0)),
        -(h.mean(axis=0) - dreamt.mean(axis=0)),
    ]
    got = gradients(machine, rbm.contrast(machine, tn.Tensor(seen), tn.Tensor(model)))
    for g, r in zip(got, right, strict=True):
        numpy.testing.assert_allclose(g, r, atol=1e-12)


def test_no_gradient_flows_through_the_samples(machine, rng):
    # of probabilities that still hang on the weights
    data = tn.Tensor(V)
    model = machine.visible_given_hidden(machine(data))
    got = gradients(machine, rbm.contrast(machine, data, model))
    free = gradients(machine, rbm.contrast(machine, data, model.detach()))
    for g, f in zip(got, free, strict=True):
        numpy.testing.assert_array_equal(g, f)


def exact_update(machine, data, k):
    """E[<v h>_data - <v h>_k steps later]: CD-k without any chance."""
    p = joint(machine)
    later = data @ numpy.linalg.matrix_power(given(p) @ given(p.T), k)
    pairs = zip(statistics(data, machine), statistics(later, machine), strict=True)
    return [seen - dreamt for seen, dreamt in pairs]


@pytest.mark.parametrize("k", [1, 3])
def test_the_mean_of_many_updates_is_the_expected_one(machine, data, rng, k):
    draws = []
    for _ in range(300):
        v = V[rng.choice(8, size=100, p=data)]
        got = gradients(machine, rbm.divergence(machine, tn.Tensor(v), rng, k))
        draws.append(numpy.concatenate([-g.ravel() for g in got]))
    right = numpy.concatenate([r.ravel() for r in exact_update(machine, data, k)])
    error = numpy.std(draws, axis=0) / numpy.sqrt(len(draws))
    assert (abs(numpy.mean(draws, axis=0) - right) < 4 * error).all()
    assert error.max() < 0.01  # or the test would see nothing


def test_cd_takes_as_many_steps_as_it_was_told(machine, rng):
    seen = []
    gibbs = machine.gibbs
    machine.gibbs = lambda v, k, rng: seen.append((v, k)) or gibbs(v, k, rng)
    data = tn.Tensor(V)
    rbm.divergence(machine, data, rng, k=7)
    rbm.divergence(machine, data, rng)
    assert [k for _, k in seen] == [7, 1]
    assert all(v is data for v, _ in seen)  # from the data


def likelihood_gradient(machine, data):
    """Of sum_v data(v) log p(v), by finite differences: it knows nothing of the formula."""
    found = []
    for name in NAMES:
        w = getattr(machine, name).data
        slope = numpy.zeros_like(w)
        for index in numpy.ndindex(w.shape):
            kept, values = w[index], []
            for step in (1e-5, -1e-5):
                w[index] = kept + step
                values.append(data @ numpy.log(joint(machine).sum(axis=1)))
            w[index] = kept
            slope[index] = (values[0] - values[1]) / 2e-5
        found.append(slope)
    return found


def test_with_many_steps_the_mean_update_is_the_gradient_of_the_likelihood(machine, data, rng):
    machine.kernel.data *= 4  # one step from the data is not far then
    v = tn.Tensor(V[rng.choice(8, size=20_000, p=data)])
    seen = numpy.bincount((v.numpy() @ [4, 2, 1]).astype(int), minlength=8) / len(v)
    right = likelihood_gradient(machine, seen)
    far, near = (
        [-g for g in gradients(machine, rbm.divergence(machine, v, rng, k))] for k in (50, 1)
    )
    assert max(abs(g - r).max() for g, r in zip(far, right, strict=True)) < 0.02
    assert max(abs(g - r).max() for g, r in zip(near, right, strict=True)) > 0.1


def test_persistent_chains_go_on_where_they_stood(machine, rng):
    moved = []
    gibbs = machine.gibbs
    machine.gibbs = lambda v, k, rng: moved.append((v, gibbs(v, k, rng))) or moved[-1][1]
    start = tn.Tensor(V)
    loss = rbm.persistent(start)
    for _ in range(3):
        loss(machine, tn.Tensor(V[:4]), rng)
    assert moved[0][0] is start
    assert moved[1][0] is moved[0][1][0] and moved[2][0] is moved[1][1][0]


def test_training_raises_the_exact_likelihood(rng):
    made = RBM(3, 2, rng)
    x = numpy.repeat(V[[0, 0, 0, 7, 7, 7, 5]], 30, axis=0).astype(numpy.float32)
    index = (x @ [4, 2, 1]).astype(int)

    def likelihood():
        return numpy.log(joint(made).sum(axis=1))[index].mean()

    before, calls = likelihood(), []
    rbm.train(made, x, rbm.divergence, 60, 10, 0.2, rng, seen=lambda: calls.append(likelihood()))
    best = 3 / 7 * numpy.log(3 / 7) * 2 + 1 / 7 * numpy.log(1 / 7)  # minus the entropy
    assert len(calls) == 60
    assert before < best - 0.8
    assert best - 0.4 < calls[-1] < best  # of 24 seeds, the worst loses 0.3


def test_the_same_seed_gives_the_same_machine(device):
    made = []
    for seed in (0, 0, 1):
        rng = numpy.random.default_rng(seed)
        machine = RBM(3, 2, rng).to(device)
        rbm.train(machine, V.astype(numpy.float32), rbm.divergence, 2, 4, 0.1, rng, device)
        assert machine.device == device
        made.append(machine.state_dict())
    for name in NAMES:
        assert made[0][name].dtype == numpy.float32
        numpy.testing.assert_array_equal(made[0][name], made[1][name])
    assert abs(made[0]["kernel"] - made[2]["kernel"]).max() > 0


def test_reconstruction_is_the_cross_entropy_of_the_tied_autoencoder(machine):
    W, b, c = (getattr(machine, name).data for name in NAMES)
    p = sigmoid(b + sigmoid(c + V @ W) @ W.T)
    right = -(V * numpy.log(p) + (1 - V) * numpy.log(1 - p)).sum(axis=1).mean()
    assert rbm.reconstruction(machine, tn.Tensor(V)).item() == pytest.approx(right, rel=1e-12)


def test_strangeness_is_0_for_a_copy_and_1_for_emptiness():
    x = numpy.array([[1, 1, 0, 0], [0, 0, 1, 1]], numpy.float32)
    v = numpy.array([[0, 0, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 1, 1]], numpy.float32)
    strangeness, which = rbm.nearest(v, x)
    numpy.testing.assert_allclose(strangeness, [0, 1, 1 / 3, 1 / 5], rtol=1e-6)
    assert which.tolist() == [1, 0, 0, 1]


def test_the_share_is_of_the_digit_that_most_dreams_are_nearest_to(monkeypatch, rng):
    x = numpy.zeros((4, 784), numpy.float32)
    x[range(4), [0, 1, 2, 3]] = 1
    dreams = tn.Tensor(x[[0, 1, 1, 2, 3]])
    monkeypatch.setattr(RBM, "gibbs", lambda machine, v, k, rng: (dreams, dreams))
    monkeypatch.setattr(rbm, "train", lambda *_, **__: None)
    found = rbm.study("CD", x, numpy.array([7, 4, 4, 9]), x, 2, 1, 1, 0, "cpu", chains=5)
    assert (found["share"], found["most dreamt"], found["strangeness"]) == (0.6, 4, 0)


def test_a_machine_that_starts_from_pictures_has_their_means(device, rng):
    x = (rng.random((50, 6)) < [0.1, 0.2, 0.4, 0.6, 0.9, 0]).astype(numpy.float32)
    machine = RBM(6, 2, rng).to(device)
    machine.start_from(x)
    p = sigmoid(machine.visible_bias.numpy())
    assert p.dtype == numpy.float32
    numpy.testing.assert_allclose(p, numpy.clip(x.mean(axis=0), 0.01, 0.99), rtol=1e-5)


# -- the stack -------------------------------------------------------------------------------------


def test_the_network_computes_what_the_stack_does(rng):
    x = rng.random((40, 6), dtype=numpy.float32)
    rbms = dbn.stack(x, (6, 5, 4), 2, rng, size=10)
    assert [(r.V, r.H) for r in rbms] == [(6, 5), (5, 4)]
    model = dbn.network((6, 5, 4), rng, rbms)
    h = sigmoid(rbms[0].hidden_bias.data + x @ rbms[0].kernel.data)
    h = sigmoid(rbms[1].hidden_bias.data + h @ rbms[1].kernel.data)
    last = model.layers[-1]
    right = h @ last.kernel.data + last.bias.data
    numpy.testing.assert_allclose(tn.predict(model, x), right, atol=1e-5)


def test_fine_tuning_leaves_the_rbms_as_they_are(rng):
    x = rng.random((40, 6), dtype=numpy.float32)
    rbms = dbn.stack(x, (6, 5), 1, rng, size=10)
    before = rbms[0].kernel.data.copy()
    model = dbn.network((6, 5), rng, rbms)
    dbn.fine_tune(model, x, numpy.arange(40) % 10, 10, 10, 0.01, rng)
    numpy.testing.assert_array_equal(rbms[0].kernel.data, before)
    assert abs(model.layers[0].kernel.data - before).max() > 0


def test_the_second_machine_learns_the_hidden_probabilities_of_the_first(rng, monkeypatch):
    seen = []
    monkeypatch.setattr(dbn, "train", lambda rbm, x, *others: seen.append((rbm, x)))
    x = rng.random((40, 6), dtype=numpy.float32)
    dbn.stack(x, (6, 5, 4), 1, rng)
    (first, pixels), (_, hidden) = seen
    numpy.testing.assert_array_equal(pixels, x)
    numpy.testing.assert_allclose(hidden, first(x).numpy(), rtol=1e-6)


@pytest.mark.parametrize(("steps", "count", "epochs"), [(8, 40, 2), (1, 40, 1), (10, 40, 2)])
def test_fine_tuning_takes_the_steps_that_it_was_told(rng, steps, count, epochs):
    x = rng.random((count, 6), dtype=numpy.float32)
    labels = numpy.arange(count) % 10
    history = dbn.fine_tune(dbn.network((6,), rng), x, labels, steps, 10, 0.01, rng)
    assert len(history.epochs) == epochs


# -- what is refused -------------------------------------------------------------------------------

RNG = numpy.random.default_rng(0)
MACHINE = RBM(3, 2, RNG)
ROWS = numpy.zeros((8, 3), numpy.float32)
WHOLE = "must be a whole number of at least 1, received"
COUNT = "Count from 1; divide with //."
ERRORS = {
    "visible": (lambda: RBM(0, 2, RNG), f"RBM: visible {WHOLE} 0. {COUNT}"),
    "hidden": (lambda: RBM(3, 2.5, RNG), f"RBM: hidden {WHOLE} 2.5. {COUNT}"),
    "k": (lambda: MACHINE.gibbs(ROWS, 0, RNG), f"gibbs: k {WHOLE} 0. {COUNT}"),
    "CD-k": (lambda: rbm.divergence(MACHINE, ROWS, RNG, k=True), f"gibbs: k {WHOLE} True. {COUNT}"),
    "width": (
        lambda: MACHINE.free_energy(numpy.zeros((2, 4), numpy.float32)),
        "RBM: v must be (N, V), which is (N, 3), received (2, 4). "
        "Lay each picture out as a row: x.reshape(len(x), -1).",
    ),
    "hidden width": (
        lambda: MACHINE.visible_given_hidden(ROWS),
        "RBM: h must be (N, H), which is (N, 2), received (8, 3). "
        "Give a number for each hidden unit.",
    ),
    "pictures": (
        lambda: MACHINE(numpy.zeros((2, 3, 1), numpy.float32)),
        "RBM: v must be (N, V), which is (N, 3), received (2, 3, 1). "
        "Lay each picture out as a row: x.reshape(len(x), -1).",
    ),
    "range": (
        lambda: rbm.divergence(MACHINE, ROWS + 255, RNG),
        "gibbs: v must be in [0, 1], received 255 to 255. Divide pictures by 255.",
    ),
    "below": (
        lambda: rbm.train(MACHINE, ROWS - 0.5, rbm.divergence, 1, 4, 0.1, RNG),
        "train: x must be in [0, 1], received -0.5 to -0.5. "
        "x holds bits or probabilities: look for NaN or a shift of the mean.",
    ),
    "NaN": (
        lambda: MACHINE.gibbs(ROWS + numpy.float32("nan"), 1, RNG),
        "gibbs: v must be in [0, 1], received nan to nan. "
        "v holds bits or probabilities: look for NaN or a shift of the mean.",
    ),
    "greys": (
        lambda: pseudo_likelihood(MACHINE, numpy.float32([[0, 1, 0.25], [0.75, 1, 1]]), RNG),
        "pseudo_likelihood: v must be 0 or 1, received also 0.25 to 0.75. "
        "Use (x >= 0.5).astype('float32').",
    ),
    "rate": (
        lambda: rbm.train(MACHINE, ROWS, rbm.divergence, 1, 4, -0.1, RNG),
        "Cosine: lr must be positive and finite, received -0.1.",
    ),
    "epochs": (
        lambda: rbm.train(MACHINE, ROWS, rbm.divergence, 0, 4, 0.1, RNG),
        f"train: epochs {WHOLE} 0. {COUNT}",
    ),
    "steps": (
        lambda: dbn.fine_tune(dbn.network((3,), RNG), ROWS, [0] * 8, 0, 4, 0.1, RNG),
        f"fine_tune: steps {WHOLE} 0. {COUNT}",
    ),
    "stack": (
        lambda: dbn.stack(ROWS, (4, 2), 1, RNG),
        "stack: x must be (N, sizes[0]), with two sizes or more, received (8, 3) and sizes "
        "(4, 2). Name the number of pixels first.",
    ),
    "one size": (
        lambda: dbn.stack(ROWS, (3,), 1, RNG),
        "stack: x must be (N, sizes[0]), with two sizes or more, received (8, 3) and sizes "
        "(3,). Name the number of pixels first.",
    ),
    "other RBMs": (
        lambda: dbn.network((3, 4), RNG, [MACHINE]),
        "network: sizes (3, 4) do not fit RBMs of [(3, 2)]. Name theirs.",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_is_refused_and_why(name):
    call, message = ERRORS[name]
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message
