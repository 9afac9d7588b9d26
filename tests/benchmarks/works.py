"""Small works for the tests of the benchmarks: a model, a batch, and its loss in both libraries."""

from __future__ import annotations

import numpy

import tinynet as tn
from benchmarks.twins.work import Row, Work
from tinynet.layers import Dense


def work_of(network, x):
    """The mean square of what comes out: its gradient tells every output from every other."""

    def theirs(twin):
        module = twin.module(network)
        return lambda x: (module(x) ** 2).mean()

    return Work(network, (x,), lambda x: (network(x) ** 2).mean(), theirs)


def broken(change):
    """A small autoencoder whose twin computes something else."""

    def make(batch):
        network = tn.Sequential(
            [Dense(3, activation="sigmoid"), Dense(5)],
            input_shape=(5,),
            rng=numpy.random.default_rng(0),
        )
        x = numpy.random.default_rng(1).random((batch, 5), dtype=numpy.float32)
        work = work_of(network, x)

        def theirs(twin):
            loss = work.theirs(twin)
            return lambda x: change(loss(x), twin)

        return work._replace(theirs=theirs)

    return Row(4, make)
