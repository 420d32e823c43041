"""A real Chromium, and pages of simulated studies as files for it to open.

Debian's browser is used (apt install chromium). Where there is none the tests are skipped, and say so; in CI they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from decay_atlas.simulation.simulator import simulate
from tests.reporting.pages import curves_of, page_of

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LR = [1e-4, 1e-3, 1e-2, 0.1]
WD = [0, 1e-3, 1e-2, 0.1, 1, 10]


@dataclass
class Tab:
    """A page that is open in a browser, with what went wrong while it was."""

    page: Page
    problems: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no browser; install the packages of .ci/run")
        pytest.skip("no Chromium on this machine: apt install chromium")
    with sync_playwright() as driver:
        # Chromium refuses its sandbox to root, which is who runs in containers.
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def runs() -> pd.DataFrame:
    """Two networks under the product law, a run of which diverged."""
    runs = simulate(LR, WD, 3, archs=["resnet50", "vit_small"], law="product")
    runs.loc[len(runs) - 1, ["status", "value"]] = ["diverged", 1.0]
    return runs


@pytest.fixture(scope="session")
def file(runs: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page_of(runs, curves=curves_of(runs)))
    return file


def watched(context: BrowserContext, file: Path) -> Tab:
    """Open a file and write down every console error and every request for something else."""
    tab = Tab(context.new_page())
    tab.page.on("console", lambda message: message.type == "error" and tab.problems.append(message.text))
    tab.page.on("pageerror", lambda error: tab.problems.append(str(error)))
    own = ("data:", "blob:", file.as_uri())
    tab.page.on("request", lambda request: request.url.startswith(own) or tab.problems.append(request.url))
    tab.page.goto(file.as_uri())
    return tab


@pytest.fixture
def tab(browser: Browser, file: Path) -> Iterator[Tab]:
    """The page on a wide screen; whatever a test does, it may cause neither an error nor a request."""
    with browser.new_context(viewport={"width": 1200, "height": 900}, accept_downloads=True) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        tab = watched(context, file)
        yield tab
        assert tab.problems == []


@pytest.fixture
def page(tab: Tab) -> Page:
    return tab.page


def scroll_through(page: Page) -> None:
    """Bring every section into view, as charts are drawn when they are seen."""
    for section in page.locator("section").all():
        section.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelectorAll('.chart :is(svg, canvas)').length === 3")
