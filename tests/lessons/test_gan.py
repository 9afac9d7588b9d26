"""The lesson gan: its best discriminator beside its closed form, and where its losses are flat."""

from __future__ import annotations

import numpy
import pytest

from lessons import parts
from lessons.shared import session

gan = parts("gan")


def test_the_logit_of_the_best_discriminator_is_the_parabola_of_two_bells(rng):
    for m_g, m_d, log_s_g, log_s_d in rng.uniform(-1, 1, (20, 4)):
        s_g, s_d = numpy.exp([log_s_g, log_s_d])
        x = numpy.linspace(-3, 3, 13)
        a = (1 / s_d**2 - 1 / s_g**2) / 2
        b = m_g / s_g**2 - m_d / s_d**2
        c = (m_d**2 / s_d**2 - m_g**2 / s_g**2) / 2 + numpy.log(s_d / s_g)
        best = gan.best_discriminator(x, (m_g, s_g), (m_d, s_d))
        assert best == pytest.approx(1 / (1 + numpy.exp(-(a * x**2 + b * x + c))), rel=1e-9)


def test_no_other_answer_has_a_smaller_loss(rng):
    x = numpy.linspace(-12, 12, 4001)
    for m_g, m_d in rng.uniform(-2, 2, (5, 2)):
        p_g, p_d = gan.bell(x, m_g, 1.0), gan.bell(x, m_d, 0.7)

        def loss(answer, p_g=p_g, p_d=p_d):
            return -(p_g * numpy.log(answer) + p_d * numpy.log(1 - answer)).sum()

        best = gan.best_discriminator(x, (m_g, 1.0), (m_d, 0.7)).clip(1e-12, 1 - 1e-12)
        for shift in (-0.1, -1e-3, 1e-3, 0.1):
            logit = numpy.log(best / (1 - best))
            assert loss(1 / (1 + numpy.exp(-(logit + shift)))) > loss(best)


def test_a_discriminator_that_is_right_has_the_smaller_loss():
    yes, no = numpy.full((3, 1), 4.0), numpy.full((3, 1), -4.0)
    right = gan.discriminator_loss(gan.tn.Tensor(yes), gan.tn.Tensor(no)).item()
    wrong = gan.discriminator_loss(gan.tn.Tensor(no), gan.tn.Tensor(yes)).item()
    assert right == pytest.approx(2 * numpy.log1p(numpy.exp(-4)), rel=1e-9)  # 1 is fake
    assert wrong == pytest.approx(2 * numpy.log1p(numpy.exp(4)), rel=1e-9)


def test_the_two_losses_of_the_generator_are_flat_at_opposite_ends():
    logits = numpy.linspace(-30, 30, 61)
    d = 1 / (1 + numpy.exp(-logits))
    saturating, other = (gan.slopes(f, logits) for f in (gan.saturating_loss, gan.generator_loss))
    numpy.testing.assert_allclose(saturating, 1 / (1 + numpy.exp(logits)), rtol=1e-9)
    numpy.testing.assert_allclose(other, d, rtol=1e-9)
    assert saturating[-1] < 1e-12 < 0.99 < other[-1]  # where D is sure that it is a fake
    assert other[0] < 1e-12 < 0.99 < saturating[0]


def test_both_losses_of_the_generator_have_the_slide_s_values():
    d = numpy.array([[0.1], [0.6], [0.9]])
    logits = gan.tn.Tensor(numpy.log(d / (1 - d)))
    assert gan.saturating_loss(logits).item() == pytest.approx(numpy.log(d).mean(), rel=1e-9)
    assert gan.generator_loss(logits).item() == pytest.approx(-numpy.log(1 - d).mean(), rel=1e-9)


def test_a_frozen_generator_stays_and_the_discriminator_learns():
    rng = numpy.random.default_rng(0)
    G, D = gan.network(rng), gan.network(rng)
    before = [{k: v.copy() for k, v in net.state_dict().items()} for net in (G, D)]
    steps = list(gan.contest(G, D, 3, rng, freeze_G=True))
    assert steps == [0, 1, 2, 3]
    same = [
        all((net.state_dict()[k] == v).all() for k, v in old.items())
        for net, old in zip((G, D), before, strict=True)
    ]
    assert same == [True, False]
    list(gan.contest(G, D, 1, rng))
    assert not all((G.state_dict()[k] == v).all() for k, v in before[0].items())


def test_a_film_is_kept_as_a_gif_among_the_figures(tmp_path, capsys):
    import matplotlib.pyplot as plt
    from PIL import Image

    @session.film
    def moving(places):
        drawing, axes = plt.subplots(figsize=(3, 3))
        drawing.suptitle("A dot moves")
        (dot,) = axes.plot(0, 0, "o")
        axes.set(xlim=(0, 1))
        for x in places:
            dot.set_xdata([x])
            yield drawing

    run = session.Session("gan", out=tmp_path)
    session.begin(run)
    try:
        moving([0.2, 0.5, 0.8])
    finally:
        session.end()
    assert run.figures == [tmp_path / "gan_moving.gif"] and run.titles == ["A dot moves"]
    assert [path.name for path in tmp_path.iterdir()] == ["gan_moving.gif"]
    assert "gan_moving.gif" in capsys.readouterr().out
    with Image.open(run.figures[0]) as film:
        assert film.format == "GIF" and film.n_frames == 3 and film.size == (300, 300)
    assert not plt.get_fignums()
