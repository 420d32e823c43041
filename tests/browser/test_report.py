"""The report as people use it: pointing, sorting, filtering, choosing, saving, on wide and narrow screens."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Download, Locator, Page, expect

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.laws import laws
from decay_atlas.statistics.recommendation import recommendation
from tests.browser.conftest import LR, WD, scroll_through, watched
from tests.reporting.pages import curves_of, page_of

pytestmark = pytest.mark.xdist_group("browser")
SCREENS = pytest.mark.parametrize("width", [1200, 390], ids=["wide", "phone"])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def table(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True).locator("table")


def column(page: Page, title: str, place: int) -> list[str]:
    return table(page, title).locator(f"tbody tr:not([hidden]) td:nth-child({place})").all_inner_texts()


def saved(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def press(page: Page, name: str) -> Download:
    """The file that a button or link gives."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).first.click()
    return waiting.value


def test_all_charts_are_drawn_without_an_error_or_a_request(page: Page) -> None:
    scroll_through(page)


def test_a_heading_sorts_its_column_by_number_and_back(page: Page) -> None:
    heading = table(page, "Recommended weight decay").get_by_role("columnheader").nth(2)
    heading.click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    page.wait_for_timeout(50)
    numbers = [float(text) for text in column(page, "Recommended weight decay", 3)]
    assert numbers == sorted(numbers, reverse=True)
    heading.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    page.wait_for_timeout(50)
    assert [float(text) for text in column(page, "Recommended weight decay", 3)] == sorted(numbers)


def test_a_filter_keeps_the_rows_with_every_word(page: Page) -> None:
    section = page.locator("#laws")
    search = section.get_by_role("searchbox").first  # the second is that of what each law costs
    search.fill("vit censored")
    rows = table(page, "Laws").locator("tbody tr:not([hidden])")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("vit_small")
    expect(section.locator(".filter output").first).to_contain_text("1 of 11 rows")
    search.fill("")
    expect(rows).to_have_count(11)


def test_pointing_at_a_cell_shows_its_runs(page: Page, runs: pd.DataFrame) -> None:
    cell = runs[(runs["arch"] == "resnet50") & (runs["lr"] == LR[1]) & (runs["wd"] == WD[3])]["value"]
    page.locator('svg[data-key$="resnet50"] [data-mark="cell-1-3"]').hover()
    expect(page.locator("#tip")).to_be_visible()
    told = page.locator("#tip").inner_text()
    assert told.startswith("η = 0.001, λ = 0.1: ")
    assert float(re.search(r": ([\d.]+) %", told).group(1)) == pytest.approx(cell.mean(), abs=0.006)
    assert float(re.search(r"± ([\d.]+)", told).group(1)) == pytest.approx(cell.std(), rel=0.05)
    assert told.endswith("3 seeds")


def test_choosing_a_cell_shows_every_seed_and_its_curves(page: Page, runs: pd.DataFrame) -> None:
    page.locator('svg[data-key$="vit_small"] [data-mark="cell-3-5"]').click()
    card = page.locator("#cell")
    expect(card).to_contain_text("η = 0.1, λ = 10")
    expect(card).to_contain_text("1 diverged")
    own = runs[(runs["arch"] == "vit_small") & (runs["lr"] == 0.1) & (runs["wd"] == 10)]["value"]
    told = [float(re.search(r": ([\d.]+)", text).group(1)) for text in card.locator("li").all_inner_texts()]
    assert told == pytest.approx(own.tolist(), rel=1e-3)
    expect(page.locator("#cell-network option:checked")).to_have_text("vit_small")
    expect(page.locator("#curves-chart")).to_contain_text("λ = 10")
    page.locator("#cell-quantity").select_option("training loss")
    expect(page.locator("#curves-chart")).to_contain_text("training loss")


def test_the_cell_can_be_chosen_without_a_mouse(page: Page) -> None:
    page.locator("#cell-lr").select_option("0.01")
    page.locator("#cell-wd").select_option("0")
    expect(page.locator("#cell")).to_contain_text("η = 0.01, λ = 0:")


def test_the_setting_for_a_measured_rate_is_the_table_s(page: Page, runs: pd.DataFrame) -> None:
    rows = recommendation(runs, "max")
    row = rows[(rows["arch"] == "vit_small") & (rows["lr"] == 0.01)].iloc[0]
    page.locator("#setting-network").select_option("vit_small")
    page.locator("#setting-lr").fill("0.01")
    answer = page.locator("#setting-answer").inner_text()
    assert float(re.search(r"λ = ([\d.e−]+)", answer).group(1).replace("−", "-")) == pytest.approx(row["wd"], rel=0.05)
    assert "95 % interval" in answer
    assert "the expected loss stays within" in answer


def test_the_setting_is_decided_in_between_and_follows_a_law_if_any_beyond(page: Page, runs: pd.DataFrame) -> None:
    page.locator("#setting-network").select_option("resnet50")
    said = []
    for lr in ("0.002", "0.02"):
        page.locator("#setting-lr").fill(lr)
        answer = page.locator("#setting-answer").inner_text()
        assert "by least expected loss" in answer
        said.append(float(re.search(r"λ = ([\d.]+)", answer).group(1)))
    assert 2 < said[0] / said[1] < 50  # ηλ* is constant, on a grid of one λ a decade
    found = laws(runs, "max").set_index(["arch", "method"])["verdict"]["resnet50", "censored"]
    page.locator("#setting-lr").fill("0.2")
    expect(page.locator("#setting-answer")).to_contain_text(
        "by the product law" if found == "product" else "no law is established"
    )


@pytest.mark.parametrize(
    ("typed", "answer"), [("nothing", "greater than 0"), ("-1", "greater than 0"), ("100", "10 times")]
)
def test_a_rate_that_makes_no_sense_is_told_so(page: Page, typed: str, answer: str) -> None:
    page.locator("#setting-lr").fill(typed)
    expect(page.locator("#setting-answer")).to_contain_text(answer)


def test_brushing_an_axis_keeps_the_lines_through_it(page: Page, runs: pd.DataFrame) -> None:
    scroll_through(page)
    chart = page.locator("#parallel-chart")
    chart.scroll_into_view_if_needed()
    expect(page.locator("#parallel-told")).to_contain_text("All 144 runs")
    box = chart.bounding_box()
    place = page.evaluate("""() => {
        const chart = echarts.getInstanceByDom(document.getElementById("parallel-chart"));
        return chart.getModel().getComponent("parallel").coordinateSystem.dataToPoint("vit_small", "dim0");
    }""")
    x, y = box["x"] + place[0], box["y"] + place[1]
    page.mouse.move(x, y - 40)
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.move(x, y + 40, steps=4)
    page.mouse.up()
    expect(page.locator("#parallel-told")).to_contain_text("72 of 144 runs")
    rows = pd.read_csv(io.BytesIO(saved(press(page, "Download these as CSV"))))
    assert set(rows["arch"]) == {"vit_small"}
    own = runs[runs["arch"] == "vit_small"]
    assert rows["value"].sum() == pytest.approx(own["value"].sum(), rel=1e-4)


def keep(page: Page, intervals: list[list[float]]) -> None:
    """Keep parts of the last axis of all runs."""
    page.evaluate(
        """intervals => echarts.getInstanceByDom(document.getElementById("parallel-chart"))
            .dispatchAction({ type: "axisAreaSelect", parallelAxisIndex: 4, intervals })""",
        intervals,
    )


def test_a_range_without_runs_keeps_none(page: Page) -> None:
    scroll_through(page)
    keep(page, [[-20, -10]])
    expect(page.locator("#parallel-told")).to_have_text("0 of 144 runs.")
    assert pd.read_csv(io.BytesIO(saved(press(page, "Download these as CSV")))).empty
    keep(page, [])
    expect(page.locator("#parallel-told")).to_contain_text("All 144 runs")


def test_another_width_lets_go_of_the_axes_and_says_so(page: Page) -> None:
    scroll_through(page)
    keep(page, [[-20, -10]])
    expect(page.locator("#parallel-told")).to_have_text("0 of 144 runs.")
    page.set_viewport_size({"width": 800, "height": 900})
    expect(page.locator("#parallel-told")).to_contain_text("All 144 runs")


def test_a_rate_typed_with_a_comma_is_marked_too(page: Page) -> None:
    marked = """() => echarts.getInstanceByDom(document.getElementById("setting-chart")).getOption().series
        .filter((one) => one.name === "η").map((one) => one.markLine.data[0].xAxis)"""
    page.locator("#setting-lr").fill("0,002")
    assert page.evaluate(marked) == [0.002]


def test_the_axes_of_the_setting_end_at_two_digits(page: Page) -> None:
    ends = page.evaluate("""() => {
        const { xAxis, yAxis } = echarts.getInstanceByDom(document.getElementById("setting-chart")).getOption();
        return [xAxis[0].min, xAxis[0].max, yAxis[0].min, yAxis[0].max];
    }""")
    assert ends == [float(f"{end:.2g}") for end in ends]


@pytest.mark.parametrize("programs", [True, False], ids=["with programs", "without"])
def test_print_has_every_folded_table(browser: Browser, file: Path, programs: bool) -> None:
    with browser.new_context(java_script_enabled=programs) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        folded = page.locator("details:not([open]) td").first
        assert not drawn(folded)
        page.emulate_media(media="print")
        assert drawn(folded)


def drawn(node: Locator) -> bool:
    return node.evaluate("node => node.checkVisibility() && node.getBoundingClientRect().height > 0")


def test_print_opens_what_is_folded_and_folds_it_again(page: Page) -> None:
    page.locator("details").first.evaluate("node => node.open = true")
    before = page.locator("details[open]").count()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("details:not([open])")).to_have_count(0)
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(page.locator("details[open]")).to_have_count(before)


def test_what_the_columns_mean_is_opened_by_keyboard(page: Page) -> None:
    section = page.locator("#laws")
    meaning = section.locator("dd", has_text="Log–log slope of λ* on η")
    expect(meaning).to_be_hidden()
    section.get_by_text("What the columns mean").first.press("Enter")
    expect(meaning).to_be_visible()


def test_a_table_downloads_whole(page: Page, runs: pd.DataFrame) -> None:
    with page.expect_download() as waiting:
        page.locator("#laws").get_by_role("link", name="Download as CSV").click()
    assert waiting.value.suggested_filename == "test-laws.csv"
    rows = pd.read_csv(io.BytesIO(saved(waiting.value)))
    pd.testing.assert_frame_equal(rows, laws(runs, "max"), check_dtype=False)


@pytest.mark.parametrize("name", ["landscapes-2", "slopes", "curves"])
def test_figures_and_charts_are_saved_as_svg_and_png(page: Page, name: str) -> None:
    drawing = press(page, f"Download figure {name} as SVG")
    assert drawing.suggested_filename == f"test-{name}.svg"
    assert saved(drawing).startswith(b"<svg")
    picture = Image.open(io.BytesIO(saved(press(page, f"Download figure {name} as PNG"))))
    assert picture.width > 900
    assert len(picture.convert("RGB").getcolors(2**24)) > 20, "it shows more than a ground"


def test_the_wider_grid_is_copied_as_it_stands(page: Page) -> None:
    page.get_by_role("button", name="Copy the wider grid").click()
    copied = yaml.safe_load(page.evaluate("navigator.clipboard.readText()"))
    assert {"resnet50", "vit_small"} >= set(copied["grid"][0]["arch"])
    assert all(isinstance(wd, int | float) for wd in copied["grid"][0]["wd"])


@SCREENS
@SCHEMES
def test_every_screen_has_room_and_no_serious_fault_of_access(
    browser: Browser, file: Path, width: int, scheme: str
) -> None:
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        tab = watched(context, file)
        scroll_through(tab.page)
        for details in tab.page.locator("details").all():
            details.evaluate("node => node.open = true")
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
        assert tab.page.evaluate(OVERLAPS) == []
        found = Axe().run(tab.page).response["violations"]
        serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
        assert [(fault["id"], [node["html"][:120] for node in fault["nodes"][:3]]) for fault in serious] == []
        ground = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground))) < 200) == (scheme == "dark")


OVERLAPS = """() => {
    const found = [];
    for (const parent of document.querySelectorAll("section, section > div:not(.tools)")) {
        const boxes = [...parent.children]
            .filter((node) => !node.matches(".tools"))
            .map((node) => [node, node.getBoundingClientRect()])
            .filter(([, box]) => box.width && box.height);
        for (let i = 1; i < boxes.length; i++) {
            const [[above, a], [below, b]] = [boxes[i - 1], boxes[i]];
            const beside = a.right <= b.left + 1 || b.right <= a.left + 1;
            const words = [above, below].map((node) => node.outerHTML.slice(0, 80));
            if (!beside && a.bottom > b.top + 1) found.push(words.join(" over "));
        }
    }
    return found;
}"""
"""Neighbours that lie over one another."""


def test_without_programs_the_page_is_still_whole(browser: Browser, file: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        expect(page.get_by_role("heading", name="Verdict")).to_be_visible()
        expect(table(page, "Laws")).to_be_visible()
        expect(page.locator("#setting")).to_be_hidden()
        links = page.locator("nav a:visible").evaluate_all("nodes => nodes.map(node => node.getAttribute('href'))")
        assert "#verdict" in links
        assert [link for link in links if page.locator(link).is_hidden()] == []
        expect(page.get_by_text("With JavaScript")).to_be_visible()


def test_a_study_of_the_published_size_stays_small_and_draws_every_run(browser: Browser, tmp_path: Path) -> None:
    lr, wd = [5e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2], [0, 0.001, 0.005, 0.01, 0.03, 0.05, 0.1, 0.3]
    archs = ["resnet50", "vit_small", "convnext_tiny", "mixer_small", "swin_tiny"]
    runs = pd.concat([simulate(lr, wd, 5, archs=archs, dataset=dataset) for dataset in ("cifar100", "imagenet")])
    file = tmp_path / "report.html"
    file.write_text(page_of(runs, curves=curves_of(runs, epochs=50)))
    assert len(runs) == 2400
    assert file.stat().st_size < 6e6
    with browser.new_context(viewport={"width": 1200, "height": 900}) as context:
        tab = watched(context, file)
        scroll_through(tab.page)
        expect(tab.page.locator("#parallel-told")).to_contain_text("All 2,400 runs")
        tab.page.screenshot(path=tmp_path / "report.png", full_page=True)
        assert tab.problems == []


def test_the_setting_heeds_a_cliff_and_is_silent_next_to_where_runs_diverged(browser: Browser, tmp_path: Path) -> None:
    lr, wd = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2], [1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10, 30]
    runs = simulate(lr, wd, 5, law="decoupled", diverge={"lr": 0.02})
    runs.loc[(runs["lr"] == 1e-3) & (runs["wd"] >= 0.1), "value"] -= 20
    file = tmp_path / "report.html"
    file.write_text(page_of(runs, curves=curves_of(runs)))
    said = {"0.00025": "by least expected loss", "0.001": "95 % interval", "0.0095": "by least expected loss"}
    said |= dict.fromkeys(["0.03", "0.0105", "0.031", "0.2"], "No recommendation: every run diverged at")
    with browser.new_context(viewport={"width": 1200, "height": 900}) as context:
        tab = watched(context, file)
        for lr_text, words in said.items():
            tab.page.locator("#setting-lr").fill(lr_text)
            expect(tab.page.locator("#setting-answer")).to_contain_text(words)
        scroll_through(tab.page)
        tab.page.locator("#setting").screenshot(path=tmp_path / "setting.png")
        assert tab.problems == []
