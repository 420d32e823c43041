"""The figure of optima: every architecture has its own look."""

from __future__ import annotations

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.figures.optima import optima_plot
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.optima import optima
from tests.reporting.pages import LR, WD


def test_no_two_of_many_architectures_look_alike() -> None:
    archs = [f"net{n}" for n in range(16)]
    table = optima(simulate(LR, WD, 2, archs=archs), "max")
    with style.styled():
        (panel,) = optima_plot(table, table[:0])
    looks = {
        line.get_label(): (line.get_color(), line.get_marker())
        for line in panel.figure.axes[0].lines
        if line.get_label() in archs
    }
    assert len(looks) == len(set(looks.values())) == len(archs)
