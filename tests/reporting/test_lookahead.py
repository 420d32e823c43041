"""The look-ahead page: one file, nothing fetched, the figures of the tables in words."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from decay_atlas.claims.claims import claims
from decay_atlas.reporting.lookahead import draw, render, results
from decay_atlas.reporting.svg import panels_of
from decay_atlas.schedules.lookahead_tables import last_horizons, lookahead, lookahead_fits
from tests.reporting.test_page import Tags


def judged(table: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    return claims({"lookahead": table, "lookahead_fits": fits, "last": last_horizons(table)}, sources=["lookahead"])


@pytest.fixture(scope="module")
def page() -> tuple[str, str]:
    table = lookahead([20, 40], 400)
    fits = lookahead_fits(table)
    figure = draw(table, fits)
    return figure, render({"study": "ahead"}, table, fits, judged(table, fits), figure)


def test_the_page_is_whole_and_fetches_nothing(page: tuple[str, str]) -> None:
    _, text = page
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert "Study “ahead”" in text
    assert "already lies about 5 % below 1/√t" in text[text.index('<section id="claims">') :]
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)


def test_five_figures_say_what_they_show(page: tuple[str, str]) -> None:
    figure, _ = page
    titles = re.findall(r'aria-label="([^"]+)"', figure)
    assert len(panels_of(figure)) == len(titles) == 5
    assert titles[0].startswith("The look-ahead schedule")
    assert re.search(r"below that of 1/√t by \d+\.\d % at stages of 20 and \d+\.\d % at stages of 40", titles[4])


def test_the_head_table_holds_the_last_horizon_of_every_stride() -> None:
    table = lookahead([20, 40], 400)
    rows = results(table)
    assert [row[:2] for row in rows] == [("20", "381"), ("40", "361")]
    last = table[(table["stride"] == 20) & (table["horizon"] == 381)].set_index("schedule")
    assert float(rows[0][2]) == pytest.approx(last.loc["linear", "bound"], rel=1e-3)
    assert rows[0][5] == f"{last.loc['piecewise', 'improvement']:.1f} %"


def test_equal_tables_give_equal_bytes(page: tuple[str, str]) -> None:
    table = lookahead([20, 40], 400)
    fits = lookahead_fits(table)
    assert draw(table, fits) == page[0]
    assert render({"study": "ahead"}, table, fits, judged(table, fits), page[0]) == page[1]
