"""The restricted Boltzmann machine of the lessons rbm and dbn: bits, their energy, and chance.

Source: Smolensky, "Information Processing in Dynamical Systems", 1986; how to train one, with all
its knobs: Hinton, "A Practical Guide to Training Restricted Boltzmann Machines", 2010.
"""

from __future__ import annotations

import numpy as np

import tinynet as tn


# %% The machine.  Bits v that are seen, bits h that are not, and an energy of all of them together:
#    energy(v, h) = -b.v - c.h - v.W h,        p(v, h) = exp(-energy(v, h)) / Z
# No v is joined to a v, no h to an h: that is the restriction.  So, once v is known, the h do not
# depend on each other, and the sum over all 2^H of them is a product:
#    p(h_j = 1 | v) = sigmoid(c + v W)_j,      p(v_i = 1 | h) = sigmoid(b + h W^T)_i
#    sum_h exp(-energy(v, h)) = exp(-F(v)),    F(v) = -b.v - sum_j softplus(c + v W)_j
# F is the free energy:  log p(v) = -F(v) - log Z.  The partition function (its usual letter is Z,
# here no latent size), the sum of exp(-F) over all 2^V pictures, is out of reach; but by how much
# one picture is likelier than another needs no Z.
class RBM(tn.Module):
    """visible, hidden: how many units.  rng: draws the weights, from N(0, 0.01^2)."""

    def __init__(self, visible, hidden, rng):
        self.V, self.H = whole("RBM", "visible", visible), whole("RBM", "hidden", hidden)
        self.kernel = tn.Tensor(tn.init.normal(0.01)((self.V, self.H), rng), requires_grad=True)
        self.visible_bias = tn.Tensor(tn.init.zeros((self.V,)), requires_grad=True)
        self.hidden_bias = tn.Tensor(tn.init.zeros((self.H,)), requires_grad=True)

    def start_from(self, x):
        """While W is near 0, each pixel is white as often as it is in x.  (N, V)"""
        mean = np.clip(x.mean(axis=0), 0.01, 0.99)
        logits = tn.Tensor(np.log(mean / (1 - mean))).to(self.device)
        self.visible_bias.data[...] = logits.data

    def energy(self, v, h):
        """(N, V), (N, H) -> (N,)"""
        v, h = units("v", v, "V", self.V), units("h", h, "H", self.H)
        return -(v @ self.visible_bias) - h @ self.hidden_bias - (v @ self.kernel * h).sum(axis=1)

    def free_energy(self, v):
        """(N, V) -> (N,)"""
        v = units("v", v, "V", self.V)
        return -(v @ self.visible_bias) - tn.softplus(self.hidden_bias + v @ self.kernel).sum(
            axis=1
        )

    def hidden_given_visible(self, v):
        """(N, V) -> probabilities (N, H)"""
        return tn.sigmoid(self.hidden_bias + units("v", v, "V", self.V) @ self.kernel)

    def visible_logits(self, h):
        """(N, H) -> (N, V)"""
        return self.visible_bias + units("h", h, "H", self.H) @ self.kernel.T

    def visible_given_hidden(self, h):
        """(N, H) -> probabilities (N, V)"""
        return tn.sigmoid(self.visible_logits(h))

    forward = hidden_given_visible

    def gibbs(self, v, k, rng):
        """k times all h are drawn from p(h | v), then all v from p(v | h).  (N, V) -> (N, V)

        Gives the last v and, to look at, the probabilities that it was drawn from.
        """
        v = units("v", v, "V", self.V)
        if v.device == "cpu":  # on a GPU it would wait in each step, and `train` has seen its x
            probabilities("gibbs", "v", v.data)
        with tn.no_grad():
            for _ in range(whole("gibbs", "k", k)):
                h = tn.sample_bernoulli(self.hidden_given_visible(v), rng)
                p = self.visible_given_hidden(h)
                v = tn.sample_bernoulli(p, rng)
        return v, p


def units(name, x, letter, size):
    """x as a tensor, if it has a number for each unit."""
    x = x if isinstance(x, tn.Tensor) else tn.Tensor(x)
    if x.ndim != 2 or x.shape[1] != size:
        fixes = {"V": "Lay each picture out as a row: x.reshape(len(x), -1)."}
        raise ValueError(
            f"RBM: {name} must be (N, {letter}), which is (N, {size}), received {x.shape}. "
            + fixes.get(letter, "Give a number for each hidden unit.")
        )
    return x


def probabilities(where, name, x):
    """Refuses what is no bit and no probability."""
    low, high = (float(x.min()), float(x.max())) if x.size else (0, 0)
    if not (low >= 0 and high <= 1):
        fix = f"{name} holds bits or probabilities: look for NaN or a shift of the mean."
        raise ValueError(
            f"{where}: {name} must be in [0, 1], received {low:g} to {high:g}. "
            + ("Divide pictures by 255." if low >= 0 and high > 1 else fix)
        )


def whole(where, name, n):
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(
            f"{where}: {name} must be a whole number of at least 1, received {n!r}. "
            "Count from 1; divide with //."
        )
    return int(n)


# %% How likely are held-out pictures?  Without Z, a proxy: guess each pixel from all the others,
#    sum_i log p(v_i | other v),   p(v_i | other v) = sigmoid(F(v with v_i flipped) - F(v))
# This is the pseudo-likelihood (Besag, 1975).  Here, one i of V for each picture, drawn, times V.
def log_conditional(rbm, v, pixels):
    """log p(v_i | all other v), i = pixels[n] in row n.  (N, V), (N,) -> (N,)"""
    v = units("v", v, "V", rbm.V)
    flip = tn.Tensor((np.arange(rbm.V) == pixels[:, None]).astype(v.dtype)).to(v.device)
    flipped = v + flip * (1 - 2 * v)
    return -tn.softplus(rbm.free_energy(v) - rbm.free_energy(flipped))


def pseudo_likelihood(rbm, v, rng):
    """Nats a picture, of bits v; an estimate, without bias, that differs from draw to draw."""
    v = units("v", v, "V", rbm.V)
    other = v.data[(v.data != 0) & (v.data != 1)]
    if other.size:
        raise ValueError(
            f"pseudo_likelihood: v must be 0 or 1, received also {float(other.min()):g} to "
            f"{float(other.max()):g}. Use (x >= 0.5).astype('float32')."
        )
    with tn.no_grad():
        return rbm.V * log_conditional(rbm, v, rng.integers(rbm.V, size=len(v))).mean().item()
