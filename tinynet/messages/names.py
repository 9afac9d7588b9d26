"""Errors of names: what a person's fingers know from Keras, PyTorch and NumPy, said in tinynet.

Each function here returns or raises the error for a name that there is not.  It names the
equivalent where another library has the word, and otherwise the nearest name.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

GENERATOR = "rng=numpy.random.default_rng(0)"

# Functions and classes of other libraries, in lower case.
ELSEWHERE = {
    "acc": "Write tn.metrics.accuracy(outputs, labels).",
    "adaptiveavgpool2d": "Write tn.layers.GlobalAveragePooling2D().",
    "all": "Write x.data.all().",
    "arange": "Write tn.Tensor(numpy.arange(n)).",
    "array": "Write tn.Tensor(data).",
    "argmax": "Write x.argmax(axis).",
    "as_tensor": "Write tn.Tensor(data).",
    "avgpool2d": "Write tn.layers.AveragePooling2D(2).",
    "batchnorm": "Write tn.layers.BatchNormalization().",
    "batchnorm1d": "Write tn.layers.BatchNormalization().",
    "batchnorm2d": "Write tn.layers.BatchNormalization().",
    "bceloss": "Write tn.bce(probability, target), or tn.bce_with_logits(logits, target).",
    "bcewithlogitsloss": "Write tn.bce_with_logits(logits, target).",
    "binary_cross_entropy": "Write tn.bce(probability, target).",
    "binary_cross_entropy_with_logits": "Write tn.bce_with_logits(logits, target).",
    "binarycrossentropy": "Write tn.bce(probability, target).",
    "cast": "Convert the array, tn.Tensor(array.astype('float32')).",
    "cat": "Write tn.concatenate([a, b], axis=0).",
    "categoricalcrossentropy": "Write tn.cross_entropy(logits, labels).",
    "clamp": "Write tn.clip(x, low, high).",
    "clip_grad_norm_": "Write clip_norm=1.0 at the optimizer.",
    "convtranspose2d": "Write tn.layers.Conv2DTranspose(filters, kernel_size).",
    "crossentropyloss": "Write tn.cross_entropy(logits, labels), a function.",
    "cuda": 'Write model.to("gpu"); tn.gpu_available() says whether there is one.',
    "dataloader": f"Write tn.data.batches(x, target, size=32, {GENERATOR}).",
    "dataset": f"Write tn.data.batches(x, target, size=32, {GENERATOR}).",
    "dropout2d": "Write tn.layers.SpatialDropout2D(rate).",
    "earlystopping": "Write tn.callbacks.EarlyStopping(...).",
    "float32": "Write numpy.float32, or dtype='float32'.",
    "from_numpy": "Write tn.Tensor(array).",
    "einsum": "Write products with @, and x.transpose().",
    "expand_dims": "Write x[None] or x[..., None].",
    "eye": "Write tn.Tensor(numpy.eye(n)), or tn.one_hot(labels, classes).",
    "full": "Write tn.Tensor(numpy.full(shape, value, 'float32')).",
    "functional": "Functions are in tn itself: tn.relu, tn.cross_entropy.",
    "gelu": "Write x * tn.sigmoid(1.702 * x), nearly the same.",
    "grad": "Write loss.backward(); the gradients are then in w.grad.",
    "gradienttape": "Write loss.backward(); the gradients are then in w.grad.",
    "input": "Write tn.Input(shape), or input_shape= at the model.",
    "keras": "The layers are in tn.layers, tn.Sequential is the model.",
    "inference_mode": "Write tn.no_grad().",
    "isnan": "Write numpy.isnan(x.numpy()).",
    "l1loss": "Write tn.mae(prediction, target).",
    "lr_scheduler": "Write lr=tn.schedules.Cosine(...), or Step, or Warmup.",
    "losses": "They are in tn itself: tn.mse, tn.bce, tn.cross_entropy.",
    "linear": "Write tn.layers.Dense(units).",
    "load_model": "Build the model, and write tn.load(path, model).",
    "load_state_dict": "Write model.load_state_dict(state), or tn.load(path, model).",
    "manual_seed": f"Randomness comes from generators: give {GENERATOR}.",
    "max": "Write x.max(axis).",
    "maxpool2d": "Write tn.layers.MaxPooling2D(2).",
    "modelcheckpoint": 'Write tn.callbacks.BestModel("best.npz").',
    "mean": "Write x.mean(axis).",
    "min": "Write x.min(axis).",
    "mm": "Write x @ y.",
    "model": "Write tn.Model(inputs, outputs).",
    "module": "Write tn.Module.",
    "modulelist": "A plain list of layers will do.",
    "mseloss": "Write tn.mse(prediction, target), a function.",
    "nll_loss": "Write tn.cross_entropy(logits, labels).",
    "nn": "Layers are in tn.layers, the base of models is tn.Module.",
    "ones_like": "Write tn.ones(x.shape).",
    "parameter": "Write tn.Tensor(data, requires_grad=True).",
    "rand": "Write tn.Tensor(rng.random(shape, dtype='float32')).",
    "randint": "Write rng.integers(low, high, shape).",
    "randn": "Write tn.Tensor(rng.standard_normal(shape, dtype='float32')).",
    "random": "Write rng = numpy.random.default_rng(0), and give rng=rng.",
    "reduce_mean": "Write x.mean(axis).",
    "relu": 'Write activation="relu" in the layer before it, or tn.relu(x).',
    "save_model": "Write tn.save(path, model).",
    "seed": f"Randomness comes from generators: give {GENERATOR}.",
    "sequential": "Write tn.Sequential([...]).",
    "set_seed": f"Randomness comes from generators: give {GENERATOR}.",
    "sigmoid": 'Write activation="sigmoid" in the layer before it, or tn.sigmoid(x).',
    "sparsecategoricalcrossentropy": "Write tn.cross_entropy(logits, labels).",
    "square": "Write x**2.",
    "sum": "Write x.sum(axis).",
    "summary": "Write model.summary().",
    "tanh": 'Write activation="tanh" in the layer before it, or tn.tanh(x).',
    "tensor": "Write tn.Tensor(data).",
    "tile": "Write tn.concatenate([x, x]).",
    "to_categorical": "Write tn.one_hot(labels, classes).",
    "transpose": "Write x.transpose(1, 0), the axes in their new order.",
    "tensordataset": f"Write tn.data.batches(x, target, size=32, {GENERATOR}).",
    "upsample": "Write tn.layers.UpSampling2D(2).",
    "utils": f"Write tn.data.batches(x, target, size=32, {GENERATOR}).",
    "variable": "Write tn.Tensor(data, requires_grad=True).",
    "zeros_like": "Write tn.zeros(x.shape).",
}

# Arguments of other libraries: the word here, where the function has it.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "alpha": ("negative_slope", "slope"),
    "batch_size": ("size",),
    "bias": ("use_bias",),
    "clipnorm": ("clip_norm",),
    "criterion": ("loss",),
    "filepath": ("path",),
    "decay": ("weight_decay",),
    "dim": ("axis",),
    "eps": ("epsilon",),
    "keep_dims": ("keepdims",),
    "keepdim": ("keepdims",),
    "learning_rate": ("lr",),
    "monitor": ("watch",),
    "loss_fn": ("loss",),
    "n_epochs": ("epochs",),
    "nb_epoch": ("epochs",),
    "num_epochs": ("epochs",),
    "optim": ("optimizer",),
    "num_classes": ("classes",),
    "out_channels": ("filters",),
    "out_features": ("units",),
    "p": ("rate",),
    "restore_best_weights": ("restore_best",),
    "stride": ("strides", "stride"),
    "strides": ("strides", "stride"),
    "validation_data": ("validation",),
    "verbose": ("progress",),
}
# And those that are said in another way.
SENTENCES = {
    "batch_size": f"Batches come from tn.data.batches(x, target, size=32, {GENERATOR}).",
    "betas": "Write beta_1=0.9, beta_2=0.999.",
    "dtype": "Numbers are float32; convert arrays before, array.astype('float32').",
    "from_logits": "tn.cross_entropy takes logits; tn.bce probabilities, bce_with_logits logits.",
    "in_channels": "Leave it out: the layer sees how many channels its input has.",
    "in_features": "Leave it out: the layer sees how many features its input has.",
    "input_dim": "input_shape belongs to the model: tn.Sequential([...], input_shape=(784,)).",
    "input_shape": "It belongs to the model: tn.Sequential([...], input_shape=(784,), rng=rng).",
    "noise_shape": "Whole channels are dropped by SpatialDropout2D.",
    "mode": 'Write better="lower" or "higher".',
    "num_workers": "Write prefetch=True: a thread prepares the next batch.",
    "seed": f"Give {GENERATOR}.",
    "save_best_only": "Leave it out: BestModel does so, and SaveState writes every time.",
    "shuffle": f"Give {GENERATOR}: it shuffles.",
    "validation_split": "Divide the arrays, and give validation=(x, target).",
}

# Methods and attributes of models.
OF_MODELS = {
    "add_module": "Set it as an attribute: model.name = layer.",
    "apply": "Loop over model.modules().",
    "compile": "There is nothing to compile: loss and optimizer go to tn.fit(model, ...).",
    "count_params": "Write sum(w.size for w in model.weights().values()); summary() prints it.",
    "cpu": 'Write model.to("cpu").',
    "cuda": 'Write model.to("gpu").',
    "double": "Weights are float32. For gradcheck, make tensors of float64 arrays.",
    "evaluate": "Write tn.evaluate(model, (x, target), tn.cross_entropy, [tn.metrics.accuracy]).",
    "fit": (
        "Write tn.fit(model, tn.data.batches(x, target, rng=rng), tn.cross_entropy, "
        "tn.optim.Adam(model.parameters()), epochs=5)."
    ),
    "get_layer": "Write model[0] or model['dense'].",
    "get_weights": "Write model.state_dict(), or model.weights().",
    "freeze": "Write model.trainable = False.",
    "input": "Write model.input_shape.",
    "load": "Write tn.load(path, model).",
    "load_weights": "Write tn.load(path, model).",
    "named_children": "Write model.children().",
    "non_trainable_weights": "Write [w for w in model.weights().values() if not w.requires_grad].",
    "output": "Write model.made_shape; model[:2] is a model of the first layers.",
    "predict": "Write tn.predict(model, x).",
    "register_buffer": "Set a tensor without requires_grad as an attribute.",
    "register_parameter": "Set a tensor with requires_grad=True as an attribute.",
    "requires_grad_": "Write model.trainable = False, or True.",
    "save": 'Write tn.save("model.npz", model).',
    "save_weights": 'Write tn.save("model.npz", model).',
    "set_weights": "Write model.load_state_dict(state).",
    "train_on_batch": "Write the loop: zero_grad(), loss, backward(), step().",
    "test_on_batch": "Write tn.evaluate(model, (x, target), loss).",
    "trainable_variables": "Write model.parameters().",
    "trainable_weights": "Write model.parameters().",
    "variables": "Write model.weights().",
    "weight": "Write layer.kernel, of shape (in, out).",
    "zero_grad": "Write optimizer.zero_grad().",
}

# Methods and attributes of tensors.
_FUNCTIONS = (
    "abs clip exp flip log log_softmax matmul maximum minimum relu sigmoid softmax softplus"
)
_FUNCTIONS += " sqrt tanh where"
OF_TENSORS = {name: f"Write tn.{name}(x)." for name in _FUNCTIONS.split()} | {
    "absolute": "Write tn.abs(x).",
    "all": "Write x.data.all().",
    "any": "Write x.data.any().",
    "argmin": "Write (-x).argmax(axis).",
    "astype": "Convert the array, tn.Tensor(array.astype('float32')).",
    "clamp": "Write tn.clip(x, low, high).",
    "clip": "Write tn.clip(x, low, high).",
    "clone": "Write copy.copy(x) for a leaf; operations never change their inputs.",
    "copy": "Write copy.copy(x) for a leaf; operations never change their inputs.",
    "cpu": 'Write x.to("cpu").',
    "cuda": 'Write x.to("gpu").',
    "dim": "Write x.ndim.",
    "dot": "Write x @ y.",
    "double": "Convert the array, tn.Tensor(array.astype('float64')).",
    "expand": "Operations broadcast by themselves.",
    "fill_": "Write x.data[...] = value.",
    "flip": "Write tn.flip(x, axis).",
    "float": "Convert the array, tn.Tensor(array.astype('float32')).",
    "grad_fn": "Write x.operation.",
    "int": "Convert the array, array.astype(int): labels stay integers.",
    "long": "Convert the array, array.astype(int): labels stay integers.",
    "matmul": "Write x @ y.",
    "maximum": "Write tn.maximum(x, y).",
    "minimum": "Write tn.minimum(x, y).",
    "mm": "Write x @ y.",
    "negative": "Write -x.",
    "norm": "Write tn.sqrt((x * x).sum()).",
    "numel": "Write x.size.",
    "permute": "Write x.transpose(0, 2, 1).",
    "pow": "Write x**y.",
    "repeat": "Write tn.concatenate([x, x]).",
    "requires_grad_": "Write tn.Tensor(data, requires_grad=True).",
    "sort": "Write numpy.sort(x.numpy()).",
    "square": "Write x**2.",
    "swapaxes": "Write x.transpose(0, 2, 1), all axes in their new order.",
    "unsqueeze": "Write x[None] or x[..., None].",
    "view": "Write x.reshape(...).",
    "where": "Write tn.where(mask, x, y).",
    "zero_": "Write x.grad = None; optimizer.zero_grad() does it for all parameters.",
}

# Attributes of optimizers.
OF_OPTIMIZERS = {
    "apply_gradients": "Write loss.backward(), then optimizer.step().",
    "minimize": "Write optimizer.zero_grad(), loss.backward(), then optimizer.step().",
    "learning_rate": "Write optimizer.lr.",
    "param_groups": "Write optimizer.lr = 0.01; parameters are in optimizer.parameters.",
    "update": "Write optimizer.step().",
}

# Attributes of the history, which is the dictionary itself.
OF_HISTORIES = {
    "items": "Write [(name, history[name]) for name in history.names].",
    "params": "Write history.names.",
    "values": "Write [history[name] for name in history.names].",
}


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that looks most like it, whatever is a capital; None if none does."""
    by_lower = {n.lower(): n for n in names if not n.startswith("_")}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.8)
    return by_lower[near[0]] if near else None


def missing(where: str, name: str, names: Iterable[str], said: Mapping[str, str]) -> AttributeError:
    """The error for an attribute that there is not.  said: of other libraries, in lower case."""
    if not name or name.startswith("_"):  # asked by Python itself, and by libraries
        return AttributeError(f"{where} has no attribute {name!r}")
    near = nearest(name, set(names) - {name})
    if name[0].isupper() and near and near[0].islower():
        near = None  # a class was meant, and not a function
    hint = f"Did you mean {near}?" if near else ""
    if near is None or near.lower() != name.lower():
        hint = said.get(name, said.get(name.lower(), hint))
    return AttributeError(f"{where} has no {name}. {hint}".rstrip())


def asked(module: str, names: Iterable[str]) -> Callable[[str], NoReturn]:
    """A module's __getattr__, for a name that is none of its public names."""

    def __getattr__(name: str) -> NoReturn:
        error = missing(f"tn.{module.rpartition('.')[2]}", name, names, ELSEWHERE)
        more = "" if len(error.args[0].split(". ")) > 1 else f" There are {', '.join(names)}."
        raise AttributeError(f"{error}{more}")

    return __getattr__


# -- arguments -------------------------------------------------------------------------------------


def unknown_argument(where: str, word: str, names: Sequence[str]) -> TypeError:
    """The error for an argument, given by its name, that a function has not."""
    here = [name for name in ARGUMENTS.get(word, ()) if name in names]
    near = nearest(word, names)
    if here:
        hint = f"Write {here[0]}=."
    elif word in SENTENCES:
        hint = SENTENCES[word]
    elif near:
        hint = f"Did you mean {near}?"
    else:
        hint = f"There are {', '.join(names)}." if names else "It takes none."
    prefix = f"{where}: " if where else ""
    return TypeError(f"{prefix}there is no argument {word!r}. {hint}")


def check_arguments(where: str, names: Sequence[str] | None, given: Iterable[str]) -> None:
    """TypeError for a name that is none of an argument.  names: None if any is allowed."""
    if names is not None:
        for word in given:
            if word not in names:
                raise unknown_argument(where, word, names)


def explained(function: Callable[P, R]) -> Callable[P, R]:
    """A decorator: a wrong argument is answered with the right one."""
    names = tuple(inspect.signature(function).parameters)

    @functools.wraps(function)
    def call(*args: P.args, **settings: P.kwargs) -> R:
        check_arguments(function.__name__, names, settings)
        return function(*args, **settings)

    return call


def parameters_of(kind: type) -> dict[str, inspect.Parameter] | None:
    """The arguments of a class: where its __init__ takes **others, those of its base too.

    None if they cannot be known.
    """
    found: dict[str, inspect.Parameter] = {}
    for base in kind.__mro__:
        if "__init__" in vars(base):
            own = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
            others = [p for p in own if p.kind is p.VAR_KEYWORD]
            if any(p.kind is p.VAR_POSITIONAL for p in own):
                return None
            new = [p for p in own if p not in others and p.name not in found]
            by_name_only = bool(found)
            found |= {p.name: p.replace(kind=p.KEYWORD_ONLY) if by_name_only else p for p in new}
            if not others:
                return found
    return None


def _ours(kind: type) -> bool:
    """Whether it is a class of tinynet; a person's own may take and hold what it likes."""
    return kind.__module__.startswith("tinynet.")


class Explained:
    """The base of classes that answer a wrong argument with the right one."""

    by_position = ""  # what to say where too many arguments are given without their names
    _arguments: dict[str, inspect.Parameter] | None = None

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        cls._arguments = parameters_of(cls)
        shown = list(inspect.signature(cls.__init__).parameters.values())[1:]
        if cls._arguments is not None:  # help() shows every argument, in place of **others
            shown = list(cls._arguments.values())
        cls.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]

    def __new__(cls, *args: Any, **settings: Any) -> Any:
        if cls._arguments is not None and _ours(cls):
            check_arguments(cls.__name__, tuple(cls._arguments), settings)
            most = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in cls._arguments.values())
            if len(args) > most and cls.by_position:
                raise TypeError(f"{cls.__name__}: {cls.by_position}")
        return super().__new__(cls)


class Exact(Explained):
    """Something that refuses an attribute which it has not: layer.trianable = False."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not sys._getframe(1).f_globals.get("__name__", "").startswith("tinynet."):
            self._check_attribute(name, value)
        super().__setattr__(name, value)

    def _check_attribute(self, name: str, value: Any) -> None:
        """AttributeError for a name that it has not.  It is asked for code outside of tinynet."""
        if name.startswith("_") or name in vars(self) or not _ours(type(self)):
            return
        names = [n for n in {*dir(type(self)), *vars(self)} if not n.startswith("_")]
        if name not in names:
            same = [n for n in ARGUMENTS.get(name, ()) if n in names]
            near = same[0] if same else nearest(name, names)
            hint = f" Did you mean {near}?" if near else ""
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.{hint}")
