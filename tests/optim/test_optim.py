"""The optimizers: SGD step by step by hand, all of them beside PyTorch and Keras, their state, and
what they refuse.
"""

from __future__ import annotations

import re
import warnings

import numpy
import pytest

import tinynet as tn
from tinynet.devices import move
from tinynet.devices.cpu import pieces
from tinynet.optim import flat as flat_file
from tinynet.optim import optimizer as optimizer_file

from ..hostile.trials import interrupted

KINDS = {
    "SGD": lambda p, lr=0.1, **s: tn.optim.SGD(p, lr, **s),
    "SGD with momentum": lambda p, lr=0.1, **s: tn.optim.SGD(p, lr, 0.9, 0.01, **s),
    "SGD with Nesterov": lambda p, lr=0.1, **s: tn.optim.SGD(p, lr, 0.9, nesterov=True, **s),
    "RMSprop": lambda p, lr=0.01, **s: tn.optim.RMSprop(p, lr, **s),
    "RMSprop with momentum": lambda p, lr=0.01, **s: tn.optim.RMSprop(p, lr, 0.9, 0.5, **s),
    "Adam": lambda p, lr=0.01, **s: tn.optim.Adam(p, lr, **s),
    "Adam with decay": lambda p, lr=0.01, **s: tn.optim.Adam(p, lr, weight_decay=0.1, **s),
    "AdamW": lambda p, lr=0.01, **s: tn.optim.AdamW(p, lr, **s),
}
each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def parameter(*values: float, name: str | None = None) -> tn.Tensor:
    return tn.Tensor(numpy.float64(values), requires_grad=True, name=name)


def step(sgd: tn.optim.SGD, *gradients: list[float]) -> None:
    for p, gradient in zip(sgd.parameters, gradients, strict=True):
        p.grad = numpy.asarray(gradient, p.dtype)
    sgd.step()


# -- the rule --------------------------------------------------------------------------------------


def test_a_plain_step_goes_down_the_gradient():
    w = parameter(1, 2)
    sgd = tn.optim.SGD([w], lr=0.1)
    step(sgd, [10, -20])
    numpy.testing.assert_allclose(w.data, [0, 4])
    step(sgd, [1, 1])
    numpy.testing.assert_allclose(w.data, [-0.1, 3.9])


def test_momentum_carries_the_velocity_on():
    w = parameter(0)
    sgd = tn.optim.SGD([w], lr=0.1, momentum=0.5)
    step(sgd, [1])  # velocity 1
    numpy.testing.assert_allclose(w.data, [-0.1])
    step(sgd, [1])  # velocity 1.5
    numpy.testing.assert_allclose(w.data, [-0.25])
    step(sgd, [0])  # velocity 0.75
    numpy.testing.assert_allclose(w.data, [-0.325])


def test_weight_decay_pulls_towards_zero():
    w = parameter(10, -10)
    sgd = tn.optim.SGD([w], lr=0.1, weight_decay=0.5)
    step(sgd, [0, 0])  # 10 - 0.1 * 0.5 * 10
    numpy.testing.assert_allclose(w.data, [9.5, -9.5])
    step(sgd, [1, 1])  # 9.5 - 0.1 * (1 + 4.75)
    numpy.testing.assert_allclose(w.data, [8.925, -9.125])


def test_momentum_and_weight_decay_together():
    w = parameter(1)
    sgd = tn.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=0.1)
    step(sgd, [1])  # velocity 1 + 0.1
    numpy.testing.assert_allclose(w.data, [0.89])
    step(sgd, [1])  # velocity 0.9 * 1.1 + 1 + 0.089
    numpy.testing.assert_allclose(w.data, [0.89 - 0.1 * 2.079])


def test_every_parameter_has_its_own_velocity():
    a, b = parameter(0), parameter(0)
    sgd = tn.optim.SGD([a, b], lr=1, momentum=0.5)
    step(sgd, [1], [10])
    step(sgd, [1], [10])
    numpy.testing.assert_allclose([a.data[0], b.data[0]], [-2.5, -25])


def test_the_step_size_may_change_on_the_way():
    w = parameter(0)
    sgd = tn.optim.SGD([w], lr=1)
    step(sgd, [1])
    sgd.lr = 0.1
    step(sgd, [1])
    numpy.testing.assert_allclose(w.data, [-1.1])


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)], ids=str)
def test_parameters_of_any_shape_move_and_stay_arrays(shape):
    w = tn.Tensor(numpy.ones(shape, numpy.float32), requires_grad=True)
    sgd = tn.optim.SGD([w], lr=0.5, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        sgd.zero_grad()
        (w * w).sum().backward()
        sgd.step()
    assert type(w.data) is numpy.ndarray
    assert w.data.dtype == numpy.float32
    assert w.shape == shape
    assert (w.data < 1).all()


def test_float32_stays_float32_whatever_the_settings_are():
    w = tn.Tensor([1.0, 2.0], requires_grad=True)
    sgd = tn.optim.SGD([w], numpy.float64(0.1), numpy.float64(0.9), numpy.float64(0.01))
    (w * w).sum().backward()
    sgd.step()
    assert w.data.dtype == numpy.float32


def test_a_small_network_learns(device, rng):
    x = rng.normal(size=(32, 3)).astype(numpy.float32)
    truth = numpy.float32([[1], [-2], [0.5]])
    start = tn.Tensor(numpy.zeros((3, 1), numpy.float32)).to(device)
    w = tn.Tensor(start.data, requires_grad=True)
    target = tn.Tensor(x @ truth).to(device)
    sgd = tn.optim.SGD([w], lr=0.1, momentum=0.9)
    for _ in range(200):
        sgd.zero_grad()
        tn.mse(tn.Tensor(x).to(device) @ w, target).backward()
        sgd.step()
    numpy.testing.assert_allclose(w.numpy(), truth, atol=1e-3)


# -- what it reads and what it writes --------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"weight_decay": 0.1}], ids=str)
def test_a_step_does_not_write_into_the_gradient(settings):
    w = parameter(1, 2)
    sgd = tn.optim.SGD([w], lr=0.1, **settings)
    gradient = numpy.array([3.0, 4.0])
    for _ in range(3):
        w.grad = gradient
        sgd.step()
    assert w.grad is gradient
    numpy.testing.assert_array_equal(gradient, [3, 4])


def test_a_step_changes_the_data_in_place():
    w = parameter(1, 2)
    sgd = tn.optim.SGD([w], lr=0.1, momentum=0.9)
    data = w.data
    step(sgd, [1, 1])
    assert w.data is data


def test_a_step_is_not_recorded():
    w = parameter(1, 2)
    step(tn.optim.SGD([w], lr=0.1), [1, 1])
    assert w.is_leaf


def test_zero_grad_forgets_every_gradient():
    a, b = parameter(1), parameter(2)
    sgd = tn.optim.SGD([a, b], lr=0.1)
    (a * b).sum().backward()
    sgd.zero_grad()
    assert a.grad is None
    assert b.grad is None


def test_a_parameter_without_a_gradient_stays_where_it_is():
    a, b = parameter(1), parameter(2)
    sgd = tn.optim.SGD([a, b], lr=0.1, momentum=0.9, weight_decay=0.5)
    (a * 3).sum().backward()
    sgd.step()
    numpy.testing.assert_array_equal(b.data, [2])
    assert a.data[0] < 1


def test_a_step_without_any_gradient_is_an_error():
    sgd = tn.optim.SGD([parameter(1), parameter(2)], lr=0.1)
    with pytest.raises(
        RuntimeError,
        match=r"^SGD: no parameter has a gradient\. Call loss\.backward\(\) before step\(\), "
        r"with a loss that is computed from these parameters\.$",
    ):
        sgd.step()


# -- what it is made of ----------------------------------------------------------------------------


def test_parameters_may_come_from_a_generator():
    a, b = parameter(1), parameter(2)
    assert tn.optim.SGD((p for p in (a, b)), lr=0.1).parameters == (a, b)


@pytest.mark.parametrize("lr", [1e-8, 1, 1000.0, numpy.float32(0.1)])
@pytest.mark.parametrize("momentum", [0, 0.999])
@pytest.mark.parametrize("weight_decay", [0, 5])
def test_settings_in_their_ranges_are_taken(lr, momentum, weight_decay):
    sgd = tn.optim.SGD([parameter(1)], lr, momentum, weight_decay)
    assert (sgd.lr, sgd.momentum, sgd.weight_decay) == (lr, momentum, weight_decay)


@pytest.mark.parametrize(
    ("name", "allowed", "values"),
    [
        ("lr", "positive and finite", [0, -0.1, numpy.nan, numpy.inf]),
        ("momentum", "in [0, 1)", [-0.1, 1, 1.5, numpy.nan]),
        ("weight_decay", "at least 0 and finite", [-0.1, numpy.nan, numpy.inf]),
    ],
)
def test_settings_out_of_range_are_refused(name, allowed, values):
    for value in values:
        settings = {"lr": 0.1, name: value}
        message = f"SGD: {name} must be {allowed}, received {value}."
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            tn.optim.SGD([parameter(1)], **settings)


@pytest.mark.parametrize("value", [None, "0.1", [0.1]], ids=repr)
@pytest.mark.parametrize("name", ["lr", "momentum", "weight_decay"])
def test_settings_that_are_no_numbers_are_refused(name, value):
    settings = {"lr": 0.1, name: value}
    with pytest.raises((TypeError, ValueError), match=rf"^SGD: {name} must be .*, received "):
        tn.optim.SGD([parameter(1)], **settings)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ([], ValueError, "there are no parameters. Give at least one Tensor with requires_grad"),
        (iter(()), ValueError, "there are no parameters. Give at least one Tensor with require"),
        (parameter(1), TypeError, "parameters is one Tensor. Give a list of them, [w]."),
        (None, TypeError, "parameters is NoneType. Give a list of Tensors."),
        ([parameter(1), numpy.ones(2)], TypeError, "parameter 1 is ndarray. Give Tensors."),
        ([None], TypeError, "parameter 0 is NoneType. Give Tensors."),
        (
            [parameter(1), tn.Tensor([1.0, 2.0])],
            ValueError,
            "parameter 1, of shape (2,), gets no gradient of its own. Make it with "
            "Tensor(..., requires_grad=True), not as the result of an operation.",
        ),
        (
            [parameter(1, name="w") * 2],
            ValueError,
            "parameter 0, of shape (1,), gets no gradient of its own.",
        ),
        ([parameter(1)] * 2, ValueError, "a parameter is listed twice, and would move twice."),
    ],
    ids=[
        *("empty list", "empty iterator", "tensor", "None", "array", "list of None"),
        *("no gradient", "result", "twice"),
    ],
)
def test_what_cannot_be_trained_is_refused(parameters, error, message):
    with pytest.raises(error, match=f"^{re.escape('SGD: ' + message)}"):
        tn.optim.SGD(parameters, lr=0.1)


def test_what_is_no_truth_is_refused_for_nesterov():
    with pytest.raises(TypeError, match=r"^SGD: nesterov must be True or False, received 1\.$"):
        tn.optim.SGD([parameter(1)], 0.1, 0.9, nesterov=1)
    with pytest.raises(
        ValueError,
        match=r"^SGD: nesterov needs momentum, received momentum 0\. Give momentum=0\.9\.$",
    ):
        tn.optim.SGD([parameter(1)], 0.1, nesterov=True)


@pytest.mark.parametrize(
    ("kind", "name", "allowed", "value"),
    [
        (tn.optim.SGD, "clip_norm", "positive and finite", 0),
        (tn.optim.RMSprop, "rho", "in [0, 1)", 1),
        (tn.optim.RMSprop, "momentum", "in [0, 1)", -0.5),
        (tn.optim.RMSprop, "epsilon", "positive and finite", 0),
        (tn.optim.Adam, "beta_1", "in [0, 1)", 1.0),
        (tn.optim.Adam, "beta_2", "in [0, 1)", True),
        (tn.optim.Adam, "lr", "positive and finite", -1),
        (tn.optim.AdamW, "weight_decay", "at least 0 and finite", -0.01),
        (tn.optim.AdamW, "clip_norm", "positive and finite", "1"),
    ],
)
def test_settings_of_every_kind_are_checked_under_its_own_name(kind, name, allowed, value):
    message = f"{kind.__name__}: {name} must be {allowed}, received {value!r}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kind([parameter(1)], **{"lr": 0.1, name: value})


def test_settings_are_read_and_not_written():
    adam = tn.optim.Adam([parameter(1)], beta_1=0.8, clip_norm=2)
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.8, 0.999, 1e-7)
    assert (adam.weight_decay, adam.clip_norm, adam.lr) == (0, 2, 0.001)
    with pytest.raises(AttributeError):
        adam.beta_1 = 0.5
    assert repr(adam) == (
        "Adam(1 parameters, lr=0.001, beta_1=0.8, beta_2=0.999, epsilon=1e-07, weight_decay=0.0, "
        "clip_norm=2.0)"
    )


# -- beside PyTorch and Keras ----------------------------------------------------------------------


def network(dtype="float64"):
    """Two parameters, and gradients for twelve steps, among them large, small and no ones."""
    rng = numpy.random.default_rng(0)
    start = [rng.normal(size=shape).astype(dtype) for shape in ((3, 4), (4,))]
    scales = 10.0 ** rng.uniform(-4, 2, 12)
    steps = [[(s * rng.normal(size=a.shape)).astype(dtype) for a in start] for s in scales]
    return start, steps


def ours(make, start, steps, rates=None):
    parameters = [tn.Tensor(a, requires_grad=True) for a in start]
    optimizer = make(parameters)
    for i, gradients in enumerate(steps):
        if rates is not None:
            optimizer.lr = rates[i]
        step(optimizer, *gradients)
    return [p.data for p in parameters]


def pytorchs(make, start, steps, rates=None):
    torch = pytest.importorskip("torch")
    parameters = [torch.tensor(a, requires_grad=True) for a in start]
    optimizer = make(torch, parameters)
    for i, gradients in enumerate(steps):
        for group in optimizer.param_groups if rates is not None else ():
            group["lr"] = rates[i]
        for p, gradient in zip(parameters, gradients, strict=True):
            p.grad = torch.tensor(gradient)
        optimizer.step()
    return [p.detach().numpy() for p in parameters]


RATES = [*[0.1] * 4, *[0.01] * 4, *[0.5] * 4]


@pytest.mark.parametrize("rates", [None, RATES], ids=["one rate", "changing rates"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True},
        {"weight_decay": 0.1},
        {"momentum": 0.5, "nesterov": True, "weight_decay": 0.1},
    ],
    ids=str,
)
def test_sgd_is_that_of_pytorch(settings, rates):
    start, steps = network()
    right = pytorchs(lambda torch, p: torch.optim.SGD(p, 0.1, **settings), start, steps, rates)
    found = ours(lambda p: tn.optim.SGD(p, 0.1, **settings), start, steps, rates)
    for a, b in zip(found, right, strict=True):
        numpy.testing.assert_allclose(a, b, rtol=1e-12)


def test_weight_decay_of_adam_and_adamw_is_that_of_pytorch():
    start, steps = network()
    tiny = {"lr": 0.01, "weight_decay": 0.1}  # PyTorch's epsilon stands elsewhere: both almost 0
    for kind in ("Adam", "AdamW"):
        right = pytorchs(
            lambda torch, p: getattr(torch.optim, kind)(p, eps=1e-30, **tiny),  # noqa: B023
            start,
            steps,
        )
        found = ours(lambda p: getattr(tn.optim, kind)(p, epsilon=1e-30, **tiny), start, steps)  # noqa: B023
        for a, b in zip(found, right, strict=True):
            numpy.testing.assert_allclose(a, b, rtol=1e-12)


def test_clipping_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    start, steps = network()
    made = {}

    def make(torch, parameters):
        made["optimizer"] = torch.optim.SGD(parameters, 0.1, momentum=0.9, weight_decay=0.1)
        made["optimizer"].register_step_pre_hook(
            lambda *_: torch.nn.utils.clip_grad_norm_(parameters, 0.5) and None
        )
        return made["optimizer"]

    right = pytorchs(make, start, steps)
    found = ours(lambda p: tn.optim.SGD(p, 0.1, 0.9, 0.1, clip_norm=0.5), start, steps)
    assert torch is not None
    for a, b in zip(found, right, strict=True):  # PyTorch divides by norm + 1e-6
        numpy.testing.assert_allclose(a, b, rtol=1e-4)


@pytest.fixture(scope="module")
def keras(tmp_path_factory):
    """Keras on PyTorch, which computes in float64 too.  It writes its settings elsewhere."""
    pytest.importorskip("torch")
    with pytest.MonkeyPatch.context() as environment, warnings.catch_warnings():
        environment.setenv("KERAS_BACKEND", "torch")
        environment.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        warnings.simplefilter("ignore")  # what other people's packages warn of as they load
        keras = pytest.importorskip("keras", minversion="3")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras was loaded before, with another backend")
    before = keras.config.floatx()
    with keras.device("cpu"):
        yield keras
    keras.config.set_floatx(before)


AS_KERAS = {
    "SGD": (
        lambda p: tn.optim.SGD(p, 0.1, 0.9, nesterov=True),
        lambda o: o.SGD(0.1, 0.9, nesterov=True),
    ),
    "RMSprop": (lambda p: tn.optim.RMSprop(p), lambda o: o.RMSprop()),
    "RMSprop with momentum": (
        lambda p: tn.optim.RMSprop(p, 0.01, 0.8, 0.5, 1e-3),
        lambda o: o.RMSprop(0.01, 0.8, 0.5, 1e-3),
    ),
    "Adam": (lambda p: tn.optim.Adam(p), lambda o: o.Adam()),
    "Adam with settings": (
        lambda p: tn.optim.Adam(p, 0.01, 0.8, 0.99, 1e-3),
        lambda o: o.Adam(0.01, 0.8, 0.99, 1e-3),
    ),
    "AdamW": (
        lambda p: tn.optim.AdamW(p, 0.01, weight_decay=0.1),
        lambda o: o.AdamW(0.01, weight_decay=0.1),
    ),
    "what Keras calls Adam with decay": (
        lambda p: tn.optim.AdamW(p, 0.01, weight_decay=0.1),
        lambda o: o.Adam(0.01, weight_decay=0.1),
    ),
    "Adam with clipping": (
        lambda p: tn.optim.Adam(p, 0.01, clip_norm=0.5),
        lambda o: o.Adam(0.01, global_clipnorm=0.5),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", AS_KERAS)
def test_the_arithmetic_is_that_of_keras(keras, name, dtype):
    make, theirs = AS_KERAS[name]
    keras.config.set_floatx(dtype)
    start, steps = network(dtype)
    variables = [keras.Variable(a, dtype=dtype) for a in start]
    optimizer = theirs(keras.optimizers)
    for gradients in steps:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
    for a, v in zip(ours(make, start, steps), variables, strict=True):
        right = v.value.detach().numpy()
        assert a.dtype == right.dtype == dtype
        if dtype == "float64":  # Keras' factor of clipping is float32 all the same
            numpy.testing.assert_allclose(a, right, rtol=1e-6 if "clip" in name else 1e-12)
        else:  # Keras rounds beta^t to float32 before it takes it from 1
            numpy.testing.assert_allclose(a, right, rtol=1e-5, atol=1e-5)


def test_keras_velocity_differs_when_the_rate_falls():
    # Keras would go on by 0.9 * (1 * 1) and end at -1.9 - 0.01; here the old speed is cut as well
    w = parameter(0)
    sgd = tn.optim.SGD([w], lr=1, momentum=0.9)
    step(sgd, [1])
    sgd.lr = 0.01
    step(sgd, [1])
    numpy.testing.assert_allclose(w.data, [-1 - 0.01 * 1.9])


def test_the_first_step_of_adam_is_lr_long_whatever_the_gradient_is():
    w = parameter(0, 0, 0)
    step(tn.optim.Adam([w], lr=0.1), [1000, -1, 0.01])
    numpy.testing.assert_allclose(w.data, [-0.1, 0.1, -0.1], rtol=1e-3)


def test_adam_counts_steps_for_all_parameters_together():
    a, b = parameter(0), parameter(0)
    adam = tn.optim.Adam([a, b], lr=0.1)
    step(adam, [1], [1])
    a.grad, b.grad = numpy.ones(1), None
    adam.step()
    still = b.data.copy()
    assert adam.steps == 2
    b.grad = numpy.ones(1)
    adam.step()  # t = 3, m = 0.9 * 0.1 + 0.1, v = 0.999 * 0.001 + 0.001
    alpha = 0.1 * (1 - 0.999**3) ** 0.5 / (1 - 0.9**3)
    numpy.testing.assert_allclose(b.data, still - alpha * 0.19 / (0.001999**0.5 + 1e-7))


# -- every kind ------------------------------------------------------------------------------------


def problem(dtype="float32"):
    """Parameters of several shapes, a large one too, and what gives them gradients."""
    rng = numpy.random.default_rng(1)
    shapes = [(), (3,), (2, 3, 4), (0, 2)]
    parameters = [tn.Tensor(rng.normal(size=s).astype(dtype), requires_grad=True) for s in shapes]
    targets = [rng.normal(size=s).astype(dtype) for s in shapes]

    def backward():
        for p, target in zip(parameters, targets, strict=True):
            p.grad = None
            if p.size:
                ((p - target) * (p - target)).sum().backward()

    return parameters, backward


@each_kind
@pytest.mark.parametrize("settings", [{}, {"clip_norm": 0.1}], ids=str)
def test_every_kind_goes_down_in_place_and_in_float32(make, settings):
    parameters, backward = problem()
    optimizer = make(parameters, **settings)
    arrays = [p.data for p in parameters]
    before = [a.copy() for a in arrays]
    for _ in range(3):
        backward()
        gradients = [(p.grad, None if p.grad is None else p.grad.copy()) for p in parameters]
        optimizer.step()
        for p, (gradient, copy) in zip(parameters, gradients, strict=True):
            assert p.grad is gradient
            if copy is not None:
                numpy.testing.assert_array_equal(gradient, copy)
    for p, a, old in zip(parameters, arrays, before, strict=True):
        assert p.data is a
        assert type(a) is numpy.ndarray
        assert a.dtype == numpy.float32
        assert not p.size or not numpy.array_equal(a, old)
    assert optimizer.steps == 3
    for slot in optimizer.state_dict()["slots"].values():
        assert slot.dtype == numpy.float32


@each_kind
def test_a_small_problem_is_solved(make):
    parameters, backward = problem()
    optimizer = make(parameters, lr=0.05)
    for _ in range(150):
        backward()
        optimizer.step()
    backward()
    assert tn.optim.gradient_norm(parameters) < 0.8  # from 13; weight decay keeps it off 0


@pytest.mark.fast_form
@each_kind
@pytest.mark.parametrize("settings", [{}, {"clip_norm": 1.0}], ids=str)
@pytest.mark.numpy_form
def test_pieces_give_the_bits_of_the_whole(make, settings, monkeypatch):
    def trained():
        parameters, backward = problem()
        optimizer = make(parameters, **settings)
        for _ in range(3):
            backward()
            optimizer.step()
        return [p.data for p in parameters], optimizer

    whole, _ = trained()
    monkeypatch.setattr(flat_file, "AT_ONCE", 7)  # of 28 numbers: parameters lie across their ends
    by_pieces, optimizer = trained()
    *_, cut = optimizer._layout.flats[0]._cut
    assert [p.stop - p.start for p in cut] == [7, 7, 7, 7]
    assert [len(p.parts) for p in cut] == [3, 1, 1, 1]
    for a, b in zip(whole, by_pieces, strict=True):
        numpy.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [tn.optim.Adam, tn.optim.RMSprop, tn.optim.SGD])
def test_a_large_parameter_is_one_piece_for_a_loop(make, monkeypatch):
    """A loop shares its work itself, and the gradient is not copied."""

    def trained():
        sizes = (2, 9, 3, 1, 8, 2)
        parameters = [
            tn.Tensor(numpy.arange(n, dtype="float32"), requires_grad=True) for n in sizes
        ]
        optimizer = make(parameters, lr=0.1)
        for _ in range(3):
            for p in parameters:
                p.grad = numpy.cos(p.data)
            optimizer.step()
        return [p.data for p in parameters], optimizer

    expected, _ = trained()
    monkeypatch.setattr(flat_file, "AT_ONCE", 20)
    monkeypatch.setattr(flat_file, "loops_for", lambda array: True)
    found, optimizer = trained()
    *_, cut = optimizer._layout.flats[0]._cut
    in_one = make is not tn.optim.SGD
    assert [p.stop - p.start for p in cut] == ([2, 9, 4, 8, 2] if in_one else [20, 5])
    for a, b in zip(expected, found, strict=True):
        numpy.testing.assert_array_equal(a, b)


def test_a_parameter_and_a_gradient_that_are_transposed_views_move_too(monkeypatch):
    monkeypatch.setattr(flat_file, "AT_ONCE", 4)
    w = parameter(*range(6))
    w.data = numpy.arange(6.0).reshape(2, 3).T  # (3, 2), not contiguous
    sgd = tn.optim.SGD([w], lr=1)
    gradient = numpy.float64([[1, 3, 5], [2, 4, 6]]).T
    step(sgd, gradient)
    numpy.testing.assert_array_equal(w.data, numpy.arange(6.0).reshape(2, 3).T - gradient)


def test_parameters_are_views_of_one_flat_array():
    parameters, _ = problem()
    before = [p.data.copy() for p in parameters]
    optimizer = tn.optim.Adam(parameters)
    (flat,) = optimizer._layout.flats
    assert flat.w.shape == (28,)
    for p, values in zip(parameters, before, strict=True):
        assert p.size == 0 or numpy.shares_memory(p.data, flat.w)
        numpy.testing.assert_array_equal(p.data, values)


def test_a_parameter_whose_data_was_replaced_is_taken_in_again():
    a, b = parameter(1), parameter(2)
    sgd = tn.optim.SGD([a, b], lr=1, momentum=0.5)
    step(sgd, [1], [1])
    a.data = numpy.ones(1) * 10
    step(sgd, [1], [1])
    assert (a.data[0], b.data[0]) == (8.5, -0.5)  # the velocity went on: 1, then 1.5
    (flat,) = sgd._layout.flats
    assert numpy.shares_memory(a.data, flat.w)


def test_parameters_without_a_gradient_stay_and_so_do_their_slots():
    a, b, c = parameter(1), parameter(2), parameter(3)
    adam = tn.optim.Adam([a, b, c], lr=0.1)
    a.grad = c.grad = numpy.ones(1)
    adam.step()
    assert b.data[0] == 2
    assert a.data[0] != 1
    assert c.data[0] != 3
    assert adam.state_dict()["slots"]["1.m"][0] == 0


def test_a_gradient_that_somebody_keeps_does_not_change_in_later_steps():
    parameters, backward = problem()
    optimizer = tn.optim.SGD(parameters, lr=0.1)
    backward()
    kept = [p.grad for p in parameters]
    values = [None if g is None else g.copy() for g in kept]
    optimizer.step()
    backward()
    optimizer.step()
    for g, before in zip(kept, values, strict=True):
        assert g is None or numpy.array_equal(g, before)


def test_a_parameter_that_changed_its_shape_or_dtype_is_refused_and_nothing_moves():
    a, b = parameter(1), parameter(2, 3, name="b")
    sgd = tn.optim.SGD([a, b], lr=1)
    a.grad, b.grad = numpy.ones(1), numpy.ones(1)
    message = (
        "SGD: parameter 1, 'b', is (2,) float64, and its gradient (1,) float64. Leave .grad to "
        "backward()."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        sgd.step()
    b.grad = numpy.ones(2)
    b.data = b.data.astype("float32")
    message = (
        "SGD: parameter 1, 'b', was (2,) float64 when the optimizer was made, and is now (2,) "
        "float32. Change it before, or make the optimizer again."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        sgd.step()
    assert a.data[0] == 1
    assert sgd.steps == 0


@pytest.mark.parametrize("dtype", ["float32", "complex128", "int64"])
def test_a_gradient_of_another_dtype_is_refused_and_nothing_moves(dtype):
    a, b = parameter(1), parameter(2, 3, name="b")
    sgd = tn.optim.SGD([a, b], lr=1)
    a.grad, b.grad = numpy.ones(1), numpy.ones(2, dtype)
    message = (
        f"SGD: parameter 1, 'b', is (2,) float64, and its gradient (2,) {dtype}. Leave .grad to "
        "backward()."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        sgd.step()
    assert a.data[0] == 1 and sgd.steps == 0


def test_the_parameters_of_an_optimizer_cannot_be_exchanged():
    a, b = parameter(1), parameter(2)
    sgd = tn.optim.SGD([a], lr=1)
    with pytest.raises(TypeError):
        sgd.parameters[0] = b
    with pytest.raises(AttributeError):
        sgd.parameters = [b]
    assert sgd.parameters == (a,) and sgd.parameters[0] is a


@pytest.mark.parametrize("shared", ["the same", "transposed", "a part"])
def test_parameters_that_share_memory_are_refused_with_the_way_to_tie_them(shared):
    w, v = parameter(1, 2, 3, name="w"), parameter(0, 0, 0, name="v")
    v.data = {"the same": w.data, "transposed": w.data.T, "a part": w.data[1:]}[shared]
    message = (
        "SGD: parameters 0, 'w', and 1, 'v', are views of the same memory. The optimizer would "
        "separate them. To tie weights, use one Tensor in both places: decoder.kernel = "
        "encoder.kernel, or encoder.kernel.T in forward."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tn.optim.SGD([w, v], lr=1)
    tn.optim.SGD([w], lr=1)
    many = [parameter(0, name=name) for name in "abc"]
    numbers = numpy.arange(12.0)
    for p, part in zip(many, (numbers[::2], numbers[1:6:2], numbers[3:8:2]), strict=True):
        p.data = part  # all of b and c lies between numbers of a, and they share two
    with pytest.raises(ValueError, match=r"^SGD: parameters 1, 'b', and 2, 'c', are views"):
        tn.optim.SGD(many, lr=1)
    first, second = parameter(1), parameter(2)
    for _ in range(2):  # the second finds both in one flat array, each in its own part
        tn.optim.SGD([first, second], lr=1)


@pytest.mark.parametrize("code_file", [optimizer_file.__file__, flat_file.__file__])
def test_after_ctrl_c_anywhere_in_a_step_the_next_one_moves_every_parameter(code_file):
    came, after = True, 0
    while came:
        after += 1
        parameters = [parameter(1, 2), parameter(3), parameter(4, 5)]
        adam = tn.optim.Adam(parameters, lr=0.1)
        for p in parameters:
            p.data = numpy.clip(p.data, 0, 9)  # so the step lays out anew
            p.grad = numpy.ones(p.shape)
        came = interrupted(adam.step, after, code_file)
        before = [p.data.copy() for p in parameters]
        adam.step()
        for p, old in zip(parameters, before, strict=True):
            assert (p.data < old).all(), after
        assert len(adam.state_dict()["slots"]) == 6
    assert after > 20


def test_an_optimizer_without_a_rule_says_so():
    w = parameter(1)
    w.grad = numpy.ones(1)
    message = "Optimizer: the rule is missing. Write _update."
    with pytest.raises(NotImplementedError, match=f"^{re.escape(message)}$"):
        tn.optim.Optimizer([w], 0.1).step()


# -- the rate --------------------------------------------------------------------------------------


def test_a_schedule_gives_the_rate_of_the_next_step():
    w = parameter(0)
    sgd = tn.optim.SGD([w], lr=lambda i: [1, 0.1, 0][i])
    assert sgd.lr == 1
    step(sgd, [1])
    assert sgd.lr == 0.1
    step(sgd, [1])
    assert sgd.lr == 0
    step(sgd, [1])
    numpy.testing.assert_allclose(w.data, [-1.1])


def test_number_and_schedule_replace_each_other():
    sgd = tn.optim.SGD([parameter(0)], lr=1)
    step(sgd, [1])
    sgd.lr = lambda i: 0.5 / i
    assert sgd.lr == 0.5  # step 1 comes next
    sgd.lr = 2
    assert sgd.lr == 2.0


@pytest.mark.parametrize("rate", [-1, numpy.nan, numpy.inf, None, "1", True], ids=str)
def test_a_rate_that_is_none_is_refused_and_the_old_one_kept(rate):
    sgd = tn.optim.SGD([parameter(0)], lr=1)
    message = (
        "SGD: lr must be at least 0 and finite, and the schedule gives "
        f"{rate!r} for step 0. Correct the schedule."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        sgd.lr = lambda i: rate
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tn.optim.SGD([parameter(0)], lr=lambda i: rate)
    assert sgd.lr == 1
    with pytest.raises(ValueError, match=r"^SGD: lr must be positive and finite, received -1\.$"):
        sgd.lr = -1
    assert sgd.lr == 1


# -- the norm, and clipping ------------------------------------------------------------------------


def test_the_gradient_norm_is_that_of_all_gradients_together():
    a, b, c = parameter(1), parameter(1, 2), parameter(1)
    a.grad, b.grad = numpy.float64([3]), numpy.float64([4, 12])
    assert tn.optim.gradient_norm([a, b, c]) == 13
    assert type(tn.optim.gradient_norm([a])) is float


@pytest.mark.parametrize("size", [1e30, 1e-30, 1e20, 1e-22])
def test_the_gradient_norm_neither_overflows_nor_vanishes(size):
    a, b = (tn.Tensor(numpy.zeros(n, "float32"), requires_grad=True) for n in (3, 0))
    a.grad, b.grad = numpy.float32([3 * size, 0, -4 * size]), b.data
    numpy.testing.assert_allclose(tn.optim.gradient_norm([a, b]), 5 * size, rtol=1e-6)
    a.grad *= 0
    assert tn.optim.gradient_norm([a, b]) == 0


@pytest.mark.parametrize("bad", [numpy.nan, numpy.inf, -numpy.inf])
@pytest.mark.parametrize("others", [0, 1, 1e30])
def test_the_gradient_norm_hides_nothing(bad, others):
    a, b = (tn.Tensor(numpy.zeros(2, "float32"), requires_grad=True) for _ in range(2))
    for first, second in ((a, b), (b, a)):
        first.grad, second.grad = numpy.float32([others, 0]), numpy.float32([others, bad])
        norm = tn.optim.gradient_norm([a, b])
        assert numpy.isnan(norm) if numpy.isnan(bad) else norm == numpy.inf


def test_the_gradient_norm_adds_pieces(monkeypatch, rng):
    w = tn.Tensor(numpy.zeros((10, 3)), requires_grad=True)
    w.grad = rng.normal(size=(10, 3))
    monkeypatch.setattr(pieces, "PIECE", 7)
    right = numpy.linalg.norm(w.grad)
    numpy.testing.assert_allclose(tn.optim.gradient_norm([w]), right, rtol=1e-12)


def test_the_gradient_norm_of_no_gradient_is_an_error():
    message = (
        "gradient_norm: no parameter has a gradient. Call loss.backward() before, with a loss "
        "that is computed from these parameters."
    )
    with pytest.raises(RuntimeError, match=f"^{re.escape(message)}$"):
        tn.optim.gradient_norm([parameter(1)])
    with pytest.raises(TypeError, match=r"^gradient_norm: parameters is one Tensor\."):
        tn.optim.gradient_norm(parameter(1))


def test_clipping_scales_all_gradients_by_one_factor_before_weight_decay():
    a, b = parameter(10), parameter(0)
    step(tn.optim.SGD([a, b], lr=1, weight_decay=0.1, clip_norm=1), [30], [40])
    numpy.testing.assert_allclose([a.data[0], b.data[0]], [10 - (0.6 + 1), -0.8])


def test_gradients_within_the_norm_are_left_exactly_as_they_are():
    rng = numpy.random.default_rng(2)
    start, gradient = rng.normal(size=(2, 50)).astype("float32")
    found = []
    for limit in (None, float(numpy.linalg.norm(gradient.astype("float64"))) * 1.0001):
        w = tn.Tensor(start, requires_grad=True)
        step(tn.optim.SGD([w], lr=0.1, clip_norm=limit), gradient)
        found.append(w.data)
    numpy.testing.assert_array_equal(*found)


@pytest.mark.parametrize(("bad", "text"), [(numpy.nan, "nan"), (numpy.inf, "inf")])
def test_clipping_refuses_what_is_not_finite_and_nothing_moves(bad, text):
    a, b = parameter(1), parameter(2, 3, name="b")
    adam = tn.optim.Adam([a, b], clip_norm=1)
    a.grad, b.grad = numpy.float64([1]), numpy.float64([1, bad])
    message = (
        f"Adam: the gradients have norm {text}, and clip_norm cannot mend that: the gradient of "
        "parameter 1, 'b', is not finite. Find out where it comes from with tn.doctor()."
    )
    with pytest.raises(FloatingPointError, match=f"^{re.escape(message)}$"):
        adam.step()
    assert (a.data[0], adam.steps) == (1, 0)
    assert all((slot == 0).all() for slot in adam.state_dict()["slots"].values())


# -- going on where it stopped ---------------------------------------------------------------------


def going_on(make, device="cpu", **settings):
    """Ten steps at a stretch, and five, a new optimizer, and five: the parameters of both."""
    found = []
    for stop in (10, 5):
        parameters, _ = problem()
        for p in parameters:
            p.data = move(p.data, device)
        targets = [p.data * 0.5 + 1 for p in parameters]
        optimizer = make(parameters, **settings)
        for i in range(10):
            if i == stop:
                state = optimizer.state_dict()
                optimizer = make(parameters, **settings)
                optimizer.load_state_dict(state)
                assert optimizer.steps == 5
            for p, target in zip(parameters, targets, strict=True):
                p.grad = p.data - target if p.size else None
            optimizer.step()
        found.append([p.numpy() for p in parameters])
    return found


@each_kind
@pytest.mark.parametrize(
    "settings",
    [{}, {"clip_norm": 0.5}, {"lr": lambda i: 0.1 / (i + 1)}],
    ids=["plain", "clipped", "schedule"],
)
def test_going_on_gives_the_same_bits(make, device, settings):
    for a, b in zip(*going_on(make, device, **settings), strict=True):
        numpy.testing.assert_array_equal(a, b)


def test_going_on_gives_the_same_bits_on_a_pretended_gpu(pretended_gpu):
    for a, b in zip(*going_on(KINDS["AdamW"], "gpu", clip_norm=0.5), strict=True):
        numpy.testing.assert_array_equal(a, b)


def test_the_slots_follow_the_parameters_to_another_device(pretended_gpu):
    found = []
    for device in ("cpu", "gpu"):
        w = parameter(1, 2)
        adam = tn.optim.Adam([w], lr=0.1)
        step(adam, [1, 2])
        w.data = move(w.data, device)
        if device == "gpu":
            message = (
                "Adam: parameter 0, of shape (2,), is on gpu, and its gradient on cpu. Call "
                "zero_grad() and backward() after a move."
            )
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                adam.step()
        w.grad = move(numpy.float64([3, 4]), device)
        adam.step()
        slots = adam.state_dict()["slots"]
        assert all(type(slot) is numpy.ndarray for slot in slots.values())
        found.append([w.numpy(), *slots.values()])
    assert type(w.data) is pretended_gpu.ndarray
    for a, b in zip(*found, strict=True):
        numpy.testing.assert_array_equal(a, b)


def test_the_state_is_a_copy_on_the_host_with_names():
    w, b = parameter(1, 2), parameter(3)
    adam = tn.optim.Adam([w, b], lr=0.1, clip_norm=100)
    step(adam, [1, 2], [3])
    state = adam.state_dict()
    assert {name: value for name, value in state.items() if name != "slots"} == {
        "kind": "Adam",
        "lr": 0.1,
        "steps": 1,
        "settings": {
            "beta_1": 0.9,
            "beta_2": 0.999,
            "epsilon": 1e-7,
            "weight_decay": 0.0,
            "clip_norm": 100.0,
        },
    }
    assert list(state["slots"]) == ["0.m", "0.v", "1.m", "1.v"]
    numpy.testing.assert_allclose(state["slots"]["0.m"], [0.1, 0.2])
    step(adam, [1, 2], [3])
    numpy.testing.assert_allclose(state["slots"]["0.m"], [0.1, 0.2])
    adam.load_state_dict(state)
    state["slots"]["0.m"][:] = 7
    assert adam.state_dict()["slots"]["0.m"][0] != 7
    assert list(tn.optim.SGD([w], 0.1).state_dict()["slots"]) == []
    assert list(tn.optim.SGD([w], 0.1, 0.9).state_dict()["slots"]) == ["0.velocity"]


def test_a_schedule_is_kept_as_its_text():
    schedule = tn.schedules.Warmup(2, tn.schedules.Cosine(0.1, 10))
    state = tn.optim.SGD([parameter(1)], schedule).state_dict()
    assert state["lr"] == "Warmup(steps=2, then=Cosine(lr=0.1, steps=10, end=0.0))"
    rate = lambda i: 0.1
    first, second = (tn.optim.SGD([parameter(1)], lr) for lr in (rate, lambda i: 0.1))
    text = first.state_dict()["lr"]
    assert text.startswith("<function test_a_schedule_is_kept")
    assert " at 0x" not in text  # where it happens to lie in this run's memory
    assert second.state_dict()["lr"] == text


def unfit(**changes):
    state = tn.optim.SGD([parameter(1, 2), parameter(3)], 0.1, 0.9).state_dict()
    return state | changes


BROKEN = "Build it as it was when it was saved."
MISFITS = {
    "no state": (
        None,
        TypeError,
        "state is NoneType. Give what state_dict() returned.",
    ),
    "nothing": (
        {},
        ValueError,
        "state must hold kind, lr, steps, settings, slots, and holds nothing. Give what "
        "state_dict() returned.",
    ),
    "something else": (
        {"weights": 1, 2: 3},
        ValueError,
        "state must hold kind, lr, steps, settings, slots, and holds weights, 2. Give what "
        "state_dict() returned.",
    ),
    "slots that are none": (
        unfit(slots=None),
        ValueError,
        "settings and slots must be dictionaries. The state is broken.",
    ),
    "a slot that is no array": (
        unfit(slots={"0.velocity": 1.0}),
        ValueError,
        "slots must be NumPy arrays. The state is broken.",
    ),
    "steps that are none": (
        unfit(steps=-1),
        ValueError,
        "steps must be a whole number of at least 0, received -1.",
    ),
    "another kind": (
        tn.optim.Adam([parameter(1, 2), parameter(3)], 0.1).state_dict(),
        ValueError,
        "the state is of another optimizer:\n"
        "  kind is 'SGD' here, and 'Adam' in what is loaded\n"
        "  momentum is 0.9 here, and None in what is loaded\n"
        "  nesterov is False here, and None in what is loaded\n"
        "  beta_1 is None here, and 0.9 in what is loaded\n"
        "  beta_2 is None here, and 0.999 in what is loaded\n"
        "  epsilon is None here, and 1e-07 in what is loaded\n"
        "Nothing was loaded. " + BROKEN,
    ),
    "another rate": (
        unfit(lr="Cosine(lr=0.1, steps=10, end=0.0)"),
        ValueError,
        "the state is of another optimizer:\n"
        "  lr is 0.1 here, and 'Cosine(lr=0.1, steps=10, end=0.0)' in what is loaded\n"
        "Nothing was loaded. " + BROKEN,
    ),
    "an array for a rate": (
        unfit(lr=numpy.array([0.1, 0.1])),
        ValueError,
        "the state is of another optimizer:\n"
        "  lr is 0.1 here, and array([0.1, 0.1]) in what is loaded\n"
        "Nothing was loaded. " + BROKEN,
    ),
    "other parameters": (
        tn.optim.SGD([parameter(1, 2, 3)], 0.1, 0.9).state_dict(),
        ValueError,
        "the state does not fit, 2 differences:\n"
        "  shape: 0.velocity is (2,) here, and (3,) in what is loaded\n"
        "  missing: 1.velocity (1,) float64\n"
        "Nothing was loaded. " + BROKEN,
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(name):
    state, error, message = MISFITS[name]
    sgd = tn.optim.SGD([parameter(1, 2), parameter(3)], 0.1, 0.9)
    step(sgd, [1, 2], [3])
    with pytest.raises(error, match=f"^{re.escape('SGD.load_state_dict: ' + message)}$"):
        sgd.load_state_dict(state)
    assert sgd.steps == 1
    numpy.testing.assert_array_equal(sgd.state_dict()["slots"]["0.velocity"], [1, 2])


def test_the_norm_of_many_float16_gradients_is_finite(rng):
    w = tn.Tensor(numpy.zeros(300_000, "float16"), requires_grad=True)
    w.grad = rng.uniform(-1, 1, w.shape).astype("float16")
    norm = float(numpy.sqrt((w.grad.astype(float) ** 2).sum()))
    assert tn.optim.gradient_norm([w]) == pytest.approx(norm, rel=1e-3)


@each_kind
def test_rules_compute_in_float32_for_float16_parameters(make):
    """Squares of gradients below 2e-4 are 0 in float16, and those above 256 infinite."""
    for size in (1e-4, 1.0, 300.0):
        half, single = (
            tn.Tensor(numpy.ones(5, dtype), requires_grad=True) for dtype in ("float16", "float32")
        )
        optimizers = [make([p]) for p in (half, single)]
        for step in range(3):
            for p, optimizer in zip((half, single), optimizers, strict=True):
                p.grad = numpy.full(5, size * (1 + step), "float16").astype(p.dtype)
                optimizer.step()
        assert half.dtype == numpy.float16
        numpy.testing.assert_allclose(half.data, single.data, rtol=3e-3, atol=3e-3)


def test_the_defaults_are_the_documented_ones():
    w = parameter(1)
    assert (tn.optim.Adam([w]).lr, tn.optim.Adam([w]).weight_decay) == (0.001, 0)
    assert (tn.optim.AdamW([w]).lr, tn.optim.AdamW([w]).weight_decay) == (0.001, 0.01)
    assert tn.optim.RMSprop([w]).lr == 0.001


def test_a_schedule_of_ones_own_is_told_from_another_by_its_numbers():
    make = lambda schedule: tn.optim.SGD([parameter(1)], lr=schedule)
    state = make(lambda step: 0.1).state_dict()
    make(lambda step: 0.1).load_state_dict(state)
    with pytest.raises(ValueError, match=r"lr is '<function .*<lambda>> [0-9a-f]{8}' here, and"):
        make(lambda step: 0.5).load_state_dict(state)
